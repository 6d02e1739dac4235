#include "journal/sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>

#include "base/error.hpp"

namespace mpifarm::journal {

namespace {

constexpr std::size_t write_buffer_bytes = std::size_t{256} << 10;
// Of 8 MiB each run then has a buffer of 32 KiB, which a disk still reads at a fair speed.
constexpr std::size_t most_runs_at_once = 256;
constexpr std::size_t longest_head = 20;  // two varints

}  // namespace

ScratchFile::ScratchFile(const std::filesystem::path& directory, std::size_t buffer_bytes)
    : buffer_bytes_{buffer_bytes} {
  std::string name = (directory / ".sort-XXXXXX").string();
  file_ = FileDescriptor{::mkostemp(name.data(), O_CLOEXEC)};
  path_ = name;
  if (file_.get() < 0) throw_errno(path_, "created");
  if (::unlink(name.c_str()) != 0) throw_errno(path_, "removed");
}

void ScratchFile::append(BytesView bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= buffer_bytes_) flush();
}

void ScratchFile::flush() {
  write_all(file_, buffer_, path_);
  written_ += buffer_.size();
  buffer_.clear();
}

void RunWriter::append(std::uint64_t key, BytesView body) {
  head_.clear();
  append_varint(head_, key - last_);
  append_varint(head_, body.size());
  last_ = key;
  file_.append(head_);
  file_.append(body);
}

Merger::Merger(const ScratchFile& file, std::span<const SortedRun> runs, std::size_t memory_bytes) {
  const std::size_t buffer =
      std::clamp<std::size_t>(memory_bytes / std::max<std::size_t>(runs.size(), 1), 64, 1 << 20);
  cursors_.reserve(runs.size());
  for (const SortedRun& run : runs) {
    cursors_.push_back({file.window(buffer), run.begin, run.end, {}});
    const auto number = static_cast<std::uint32_t>(cursors_.size() - 1);
    std::uint64_t key = 0;
    if (read(number, key)) heap_.push_back({key, number});
  }
  for (std::size_t place = heap_.size() / 2; place-- > 0;) sift_down(place);
}

bool Merger::next(std::uint64_t& key, BytesView& body) {
  if (last_) advance();
  while (!heap_.empty() && last_ == heap_[0].key) advance();
  if (heap_.empty()) return false;
  key = heap_[0].key;
  body = cursors_[heap_[0].run].body;
  last_ = key;
  return true;
}

void Merger::advance() {
  if (heap_.empty()) return;
  if (!read(heap_[0].run, heap_[0].key)) {
    heap_[0] = heap_.back();
    heap_.pop_back();
  }
  sift_down(0);
}

bool Merger::read(std::uint32_t run, std::uint64_t& key) {
  Cursor& cursor = cursors_[run];
  if (cursor.at == cursor.end) return false;
  const std::size_t most = std::min<std::uint64_t>(longest_head, cursor.end - cursor.at);
  BytesView head = cursor.window.view(cursor.at, most);
  const std::size_t seen = head.size();
  std::uint64_t step = 0, bytes = 0;
  if (!take_varint(head, step) || !take_varint(head, bytes))
    throw MachineryFailure{"a scratch file has lost data; look at the file system, then resume the run"};
  cursor.at += seen - head.size();
  cursor.body = cursor.window.view(cursor.at, bytes);
  if (cursor.body.size() < bytes)
    throw MachineryFailure{"a scratch file has lost data; look at the file system, then resume the run"};
  cursor.at += bytes;
  key += step;
  return true;
}

void Merger::sift_down(std::size_t place) {
  if (place >= heap_.size()) return;
  const Head moved = heap_[place];
  for (std::size_t child; (child = 2 * place + 1) < heap_.size(); place = child) {
    if (child + 1 < heap_.size() && heap_[child + 1] < heap_[child]) ++child;
    if (!(heap_[child] < moved)) break;
    heap_[place] = heap_[child];
  }
  heap_[place] = moved;
}

Sorter::Sorter(std::filesystem::path scratch_directory, std::size_t memory_bytes)
    : directory_{std::move(scratch_directory)},
      memory_bytes_{std::clamp<std::size_t>(memory_bytes, 64, std::size_t{1} << 31)} {}

std::span<Sorter::Slot> Sorter::slots() const {
  char* end =
      slab_.get() + slab_bytes_;  // a multiple of the alignment of a slot behind a start aligned for anything
  return {reinterpret_cast<Slot*>(end) - slot_count_, slot_count_};
}

void Sorter::make_slab(std::size_t bytes) {
  slab_.reset();
  slab_bytes_ = (bytes + sizeof(Slot) - 1) / sizeof(Slot) * sizeof(Slot);
  slab_ = std::make_unique_for_overwrite<char[]>(slab_bytes_);
}

char* Sorter::add(std::uint64_t key, std::size_t body_bytes) {
  const std::size_t needed = body_bytes + sizeof(Slot);
  if (slot_count_ > 0 && bodies_bytes_ + slot_count_ * sizeof(Slot) + needed > memory_bytes_) spill();
  const std::size_t fitting = std::max(needed, memory_bytes_);
  if (slot_count_ == 0 && (slab_bytes_ < fitting || slab_bytes_ > 2 * fitting)) make_slab(fitting);
  char* body = slab_.get() + bodies_bytes_;
  ++slot_count_;
  new (slots().data())
      Slot{key, static_cast<std::uint32_t>(bodies_bytes_), static_cast<std::uint32_t>(body_bytes)};
  bodies_bytes_ += body_bytes;
  return body;
}

void Sorter::sort_slots() {
  // The offset grows with every add, so it tells which of equal keys came first.
  std::ranges::sort(slots(), [](const Slot& a, const Slot& b) {
    return a.key != b.key ? a.key < b.key : a.offset < b.offset;
  });
}

void Sorter::spill() {
  if (!file_) file_.emplace(directory_, write_buffer_bytes);
  sort_slots();
  RunWriter run{*file_};
  for (const Slot& slot : slots()) run.append(slot.key, {slab_.get() + slot.offset, slot.bytes});
  runs_.push_back(run.finish());
  bodies_bytes_ = slot_count_ = 0;
}

void Sorter::finish() {
  if (runs_.empty()) {
    sort_slots();
    return;
  }
  if (slot_count_ > 0) spill();
  slab_.reset();
  merge_surplus_runs();
  file_->flush();
  merger_.emplace(*file_, runs_, memory_bytes_);
}

// Merges neighbours, so that runs stay in the order of their entries' arrival, and no more of them than it
// takes.
void Sorter::merge_surplus_runs() {
  while (runs_.size() > most_runs_at_once) {
    std::size_t surplus = runs_.size() - most_runs_at_once;
    std::vector<SortedRun> merged;
    for (std::size_t i = 0; i < runs_.size();) {
      const std::size_t count = std::min({surplus + 1, most_runs_at_once, runs_.size() - i});
      surplus -= count - 1;
      if (count == 1) {
        merged.push_back(runs_[i++]);
        continue;
      }
      file_->flush();
      Merger merger{*file_, std::span{runs_}.subspan(i, count), memory_bytes_};
      RunWriter run{*file_};
      std::uint64_t key = 0;
      for (BytesView body; merger.next(key, body);) run.append(key, body);
      merged.push_back(run.finish());
      i += count;
    }
    runs_ = std::move(merged);
  }
}

bool Sorter::next(std::uint64_t& key, BytesView& body) {
  if (merger_) return merger_->next(key, body);
  const std::span<Slot> all = slots();
  while (next_slot_ > 0 && next_slot_ < all.size() && all[next_slot_].key == all[next_slot_ - 1].key)
    ++next_slot_;
  if (next_slot_ == all.size()) return false;
  const Slot& slot = all[next_slot_++];
  key = slot.key;
  body = {slab_.get() + slot.offset, slot.bytes};
  return true;
}

}  // namespace mpifarm::journal

#include "journal/ordered.hpp"

#include <cstring>
#include <utility>

namespace mpifarm::journal {

namespace {

constexpr std::size_t block_overhead = 512;  // bytes a held block takes beside its entries, roughly

std::size_t held_size(const Outcomes& outcomes) {
  return outcomes.block.entries.capacity() + outcomes.descriptors.capacity() + block_overhead;
}

void append_entry(Outcomes& outcomes, const TaskOutcome& entry, bool with_descriptor) {
  ++outcomes.block.count;
  mpifarm::append_entry(outcomes.block.entries, entry.outcome, entry.payload);
  if (with_descriptor) append_sized(outcomes.descriptors, entry.descriptor);
}

}  // namespace

TaskOutcome OrderedOutcomes::Block::take(TaskId id) {
  TaskOutcome task{id, {}, {}, {}};
  try {
    BytesView entries = BytesView{outcomes.block.entries}.substr(entries_taken);
    const OutcomeEntry entry = take_entry(entries);
    entries_taken = outcomes.block.entries.size() - entries.size();
    task.outcome = entry.outcome;
    task.payload = entry.payload;
  } catch (const CorruptData& error) {
    throw Damaged{file, offset, error.what()};
  }
  if (!outcomes.descriptors.empty()) {
    BytesView descriptors = BytesView{outcomes.descriptors}.substr(descriptors_taken);
    if (!take_sized(descriptors, task.descriptor)) throw Damaged{file, offset, "it has too few descriptors"};
    descriptors_taken = outcomes.descriptors.size() - descriptors.size();
  }
  if (--left == 0) check_end();
  return task;
}

void OrderedOutcomes::Block::check_end() const {
  if (entries_taken < outcomes.block.entries.size() || descriptors_taken < outcomes.descriptors.size())
    throw Damaged{file, offset, "it has more entries than it says"};
}

OrderedOutcomes::OrderedOutcomes(Survey survey, const Order& order, std::filesystem::path scratch_directory,
                                 std::size_t memory_bytes)
    : reader_{std::move(survey), mask_of<Outcomes>()},
      order_{order},
      scratch_directory_{std::move(scratch_directory)},
      memory_bytes_{memory_bytes} {}

bool OrderedOutcomes::next(TaskOutcome& outcome) {
  if (!sorter_ && order_.kind() != OrderKind::fifo) start_sorting();
  while (!sorter_) {
    if (current_.left > 0) {
      outcome = current_.take(order_.id_of_index(next_index_++));
      return true;
    }
    if (!load_block() && !sorter_) return false;
  }
  return next_sorted(outcome);
}

bool OrderedOutcomes::read_block(Block& block) {
  if (!reader_.next(record_)) return false;
  std::swap(block.outcomes, std::get<Outcomes>(record_));  // so that the buffers are used again
  block.file = reader_.file();
  block.offset = reader_.offset();
  const OutcomeBlock& outcomes = block.outcomes.block;
  if (outcomes.count > outcomes.entries.size() || outcomes.first.value + outcomes.count < outcomes.count)
    throw Damaged{block.file, block.offset, "it says that it has more entries than fit in it"};
  block.left = outcomes.count;
  block.entries_taken = block.descriptors_taken = 0;
  if (block.left == 0) block.check_end();
  return true;
}

// Makes the block that goes on at next_index_ the current one. False at the end, and when sorting has to do
// the rest.
bool OrderedOutcomes::load_block() {
  while (true) {
    const auto first = held_.begin();
    if (first != held_.end() && (first->first == next_index_ || ended_)) {
      next_index_ = first->first;
      held_bytes_ -= held_size(first->second.outcomes);
      current_ = std::move(first->second);
      held_.erase(first);
      return true;
    }
    if (ended_) return false;
    Block block;
    if (!read_block(block))
      ended_ = true;
    else if (block.left > 0)
      hold(std::move(block));
    if (held_bytes_ > memory_bytes_ && held_.begin()->first != next_index_) {
      start_sorting();
      return false;
    }
  }
}

void OrderedOutcomes::hold(Block&& block) {
  const OutcomeBlock& outcomes = block.outcomes.block;
  const Interval positions{outcomes.first.value, outcomes.first.value + outcomes.count};
  if (!seen_.insert_new(positions)) {
    hold_new_entries(std::move(block));
    return;
  }
  held_bytes_ += held_size(block.outcomes);
  held_.emplace(positions.begin, std::move(block));
}

// The stretches of `block` that no earlier block had, each as a block of its own.
void OrderedOutcomes::hold_new_entries(Block&& block) {
  const bool described = !block.outcomes.descriptors.empty();
  std::optional<Block> stretch;
  const auto finish = [&] {
    if (!stretch) return;
    stretch->left = stretch->outcomes.block.count;
    hold(std::move(*stretch));
    stretch.reset();
  };
  for (std::uint64_t position = block.outcomes.block.first.value; block.left > 0; ++position) {
    const TaskOutcome task = block.take({position});
    if (seen_.contains(position)) {
      finish();
      continue;
    }
    if (!stretch) {
      stretch.emplace();
      stretch->outcomes.block.first.value = position;
      stretch->file = block.file;
      stretch->offset = block.offset;
    }
    append_entry(stretch->outcomes, task, described);
  }
  finish();
}

void OrderedOutcomes::start_sorting() {
  sorter_.emplace(scratch_directory_, memory_bytes_);
  while (!held_.empty()) {
    const auto first = held_.begin();
    sort_entries(std::move(first->second));
    held_.erase(first);
  }
  for (Block block; read_block(block);) sort_entries(std::move(block));
  sorter_->finish();
}

void OrderedOutcomes::sort_entries(Block&& block) {
  Bytes length;
  for (std::uint64_t position = block.outcomes.block.first.value; block.left > 0; ++position) {
    const TaskOutcome task = block.take(order_.id({position}));
    if (order_.index({position}) < next_index_) continue;  // it is out already
    length.clear();
    append_varint(length, task.payload.size());
    char* to = sorter_->add(task.id.value, 1 + length.size() + task.payload.size() + task.descriptor.size());
    *to++ = static_cast<char>(task.outcome);
    for (const BytesView part : {BytesView{length}, task.payload, task.descriptor}) {
      if (!part.empty()) std::memcpy(to, part.data(), part.size());
      to += part.size();
    }
  }
}

bool OrderedOutcomes::next_sorted(TaskOutcome& outcome) {
  BytesView body;
  if (!sorter_->next(outcome.id.value, body)) return false;
  outcome.outcome = static_cast<Outcome>(body.front());
  body.remove_prefix(1);
  if (!take_sized(body, outcome.payload))
    throw MachineryFailure{"a scratch file has lost data; look at the file system, then resume the run"};
  outcome.descriptor = body;
  return true;
}

}  // namespace mpifarm::journal

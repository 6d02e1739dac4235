#pragma once
// Sorts more entries than fit in memory: sorted runs in one scratch file, merged.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "journal/window.hpp"

namespace mpifarm::journal {

// A scratch file without a name: it goes when its owner does, however that ends.
class ScratchFile {
 public:
  ScratchFile(const std::filesystem::path& directory, std::size_t buffer_bytes);

  void append(BytesView bytes);
  void flush();
  std::uint64_t bytes() const { return written_ + buffer_.size(); }
  Window window(std::size_t buffer_bytes) const { return {file_, path_, buffer_bytes}; }

 private:
  std::filesystem::path path_;  // that it had, for messages
  FileDescriptor file_;
  std::size_t buffer_bytes_;
  Bytes buffer_;
  std::uint64_t written_ = 0;
};

// Entries with rising keys at [begin, end) of a scratch file: key minus the key before, body length
// (varints), body.
struct SortedRun {
  std::uint64_t begin = 0, end = 0;
};

class RunWriter {
 public:
  explicit RunWriter(ScratchFile& file) : file_{file}, begin_{file.bytes()} {}
  // Keys may repeat, and must not fall.
  void append(std::uint64_t key, BytesView body);
  SortedRun finish() const { return {begin_, file_.bytes()}; }

 private:
  ScratchFile& file_;
  std::uint64_t begin_;
  std::uint64_t last_ = 0;
  Bytes head_;
};

// Merges runs; of equal keys the entry of the first run stays. The file must outlive it and be flushed.
class Merger {
 public:
  // `memory_bytes` are shared by the read buffers of all runs.
  Merger(const ScratchFile& file, std::span<const SortedRun> runs, std::size_t memory_bytes);
  // False at the end. `body` is valid until the next call.
  bool next(std::uint64_t& key, BytesView& body);

 private:
  struct Cursor {
    Window window;
    std::uint64_t at, end;
    BytesView body;
  };
  struct Head {
    std::uint64_t key;
    std::uint32_t run;
    bool operator<(const Head& other) const { return key != other.key ? key < other.key : run < other.run; }
  };

  // Reads the next entry of the run of heap_[0] and restores the heap; removes the run at its end.
  void advance();
  bool read(std::uint32_t run, std::uint64_t& key);
  void sift_down(std::size_t place);

  std::vector<Cursor> cursors_;
  std::vector<Head> heap_;  // the least on top
  std::optional<std::uint64_t> last_;
};

// Entries in, entries by key out; of equal keys the first added stays. One thread. Throws MachineryFailure
// (scratch disk). Memory: `memory_bytes` and some 256 KiB, or the longest body, which must be below 4 GiB.
class Sorter {
 public:
  Sorter(std::filesystem::path scratch_directory, std::size_t memory_bytes);

  // Room for the body of a new entry; to be filled before the next call.
  char* add(std::uint64_t key, std::size_t body_bytes);
  // After the last add().
  void finish();
  // After finish(). False at the end. `body` is valid until the next call.
  bool next(std::uint64_t& key, BytesView& body);

  std::size_t runs() const { return runs_.size(); }  // spilled so far

 private:
  struct Slot {
    std::uint64_t key;
    std::uint32_t offset, bytes;  // of the body in the slab
  };

  std::span<Slot> slots() const;
  void make_slab(std::size_t bytes);
  void sort_slots();
  void spill();
  void merge_surplus_runs();

  std::filesystem::path directory_;
  std::size_t memory_bytes_;
  // Bodies grow from the front, slots from the back: one allocation, full when they meet.
  std::unique_ptr<char[]> slab_;
  std::size_t slab_bytes_ = 0, bodies_bytes_ = 0, slot_count_ = 0;
  std::size_t next_slot_ = 0;
  std::optional<ScratchFile> file_;
  std::vector<SortedRun> runs_;
  std::optional<Merger> merger_;
};

}  // namespace mpifarm::journal

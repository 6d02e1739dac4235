#pragma once
// Streams the records of a journal, oldest first.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "journal/records.hpp"
#include "journal/scanner.hpp"
#include "journal/survey.hpp"

namespace mpifarm::journal {

// Tells what later segments say is void, of an earlier one.
struct Voided {
  IntervalSet failures, successes;
};

// The records that a survey found valid. One thread; memory 1 MiB, or the largest record. Throws Damaged,
// BadInput (an unknown type that must not be skipped) and MachineryFailure (the disk) from next().
class Reader {
 public:
  // Records of types outside `types` are checked and passed over, not unpacked. Throws as next() does.
  explicit Reader(Survey survey, TypeMask types = all_types);

  // False at the end. `record` keeps its buffers from call to call. Failures that a later start made void are
  // left out, so that there is one outcome a task.
  bool next(Record& record);

  // Where the last record is, for messages.
  const std::filesystem::path& file() const { return scanner_->path(); }
  std::uint64_t offset() const { return scanner_->record_offset(); }

  std::uint64_t bytes_read() const;  // of total_bytes(), for a progress display
  std::uint64_t total_bytes() const;

 private:
  void find_voided();
  bool is_void(const Record& record);

  Survey survey_;
  TypeMask types_;
  std::vector<Voided> voided_;  // by segment: by later ones
  std::deque<Record> kept_;     // of a record of which something was left out
  std::size_t segment_ = 0;     // index of the one that scanner_ reads
  std::unique_ptr<Scanner> scanner_;
};

// The journal of a run that may be alive: goes on where it stopped whenever more was written. One thread.
// Takes a torn tail, a write in progress and a stale page of a network file system all for "no more yet".
class Follower {
 public:
  explicit Follower(std::filesystem::path run, TypeMask types = all_types);

  // False when there is no more for now. Throws as Reader does, but Damaged only for segments that are
  // closed.
  bool next(Record& record);

 private:
  bool open_segment();
  bool close_segment();

  std::filesystem::path run_;
  TypeMask types_;
  std::uint32_t number_ = 1;  // of the segment that is read
  bool closed_ = false;       // a later segment says how much of it counts
  std::unique_ptr<Scanner> scanner_;
};

}  // namespace mpifarm::journal

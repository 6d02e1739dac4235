#pragma once
// Appends records to the segment of this start of a run.

#include <cstdint>
#include <filesystem>
#include <memory>

#include "journal/format.hpp"
#include "journal/records.hpp"
#include "journal/storage.hpp"
#include "journal/survey.hpp"

namespace mpifarm::journal {

// One thread. What was appended is in memory until flush(), in the file after it, and on stable storage after
// sync(). Throws MachineryFailure as Storage does, and then from every later flush() and sync().
class Writer {
 public:
  // Writes the header and syncs it.
  Writer(std::unique_ptr<Storage> storage, const SegmentHeader& header);

  // Throws MachineryFailure, and leaves the record out, when it is packed longer than payload_limit.
  void append(const Record& record);
  void append_outcomes(const Outcomes& outcomes);  // the same, without making a Record

  void flush();
  void sync();

  std::uint64_t bytes() const {
    return written_ + buffer_.size();
  }  // length of the segment, buffered records included
  std::uint64_t buffered() const { return buffer_.size(); }  // bytes that flush() would write

 private:
  template <class T>
  void append_as(const T& record);

  std::unique_ptr<Storage> storage_;
  std::uint64_t seed_;
  std::uint64_t next_number_ = 0;
  std::uint64_t written_ = 0;
  Bytes buffer_;
};

// Opens the next segment of a run: the first without a survey. Cuts the torn tail that the survey found and
// renames its torn segment away; the caller, who logs that, holds the run's lock. `run_id` must be the
// survey's, if it has segments.
Writer create_segment(const std::filesystem::path& run, const std::optional<Survey>& survey,
                      std::uint64_t run_id);

}  // namespace mpifarm::journal

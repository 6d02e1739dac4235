#pragma once
// One segment file, record by record, whatever its bytes are.

#include <optional>

#include "journal/format.hpp"
#include "journal/records.hpp"
#include "journal/window.hpp"

namespace mpifarm::journal {

inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};

// One thread. Memory: 1 MiB, or the largest record. Throws MachineryFailure when the file cannot be read.
class Scanner {
 public:
  enum class Step { record, end, bad };

  // Reads up to `limit` bytes of the file, or to its end.
  Scanner(std::filesystem::path path, const SegmentHeader& header, std::uint64_t limit);
  Scanner(const Scanner&) = delete;

  // Goes to the next record, if there is a valid one. `end`: exactly at the limit or the end of the file.
  // `bad`: what is there is no whole record; why() says more. After end and bad it may be called again, for
  // files that grow.
  Step next();

  // Of the record next() went to: its place, and its content. False when its type is not in `mask` or unknown
  // and skippable. Throws BadInput for an unknown type that must not be skipped, Damaged when the payload is
  // no such record.
  bool take(TypeMask mask, Record& record) const;
  std::uint64_t record_offset() const { return offset_ - record_header_bytes - payload_.size(); }

  std::uint64_t offset() const { return offset_; }  // end of the valid records so far
  std::uint64_t records() const { return number_; }
  const char* why() const { return why_; }
  const std::filesystem::path& path() const { return path_; }

  void set_limit(std::uint64_t limit) { limit_ = limit; }
  void forget() { window_.forget(); }

  // The place of a valid record of this segment behind offset() that is later than those read.
  std::optional<std::uint64_t> find_later_record();

 private:
  Step bad(const char* why);
  BytesView view(std::uint64_t offset, std::size_t bytes);
  bool valid_payload(std::uint64_t offset, const RecordHeader& header);

  std::filesystem::path path_;
  FileDescriptor file_;
  Window window_;
  std::uint64_t seed_, limit_;
  std::uint64_t offset_;
  std::uint64_t number_ = 0;  // of the next record
  std::uint16_t type_ = 0;
  BytesView payload_;
  const char* why_ = "";
};

}  // namespace mpifarm::journal

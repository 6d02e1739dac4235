#include "journal/scanner.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/hash.hpp"
#include "base/pack.hpp"

namespace mpifarm::journal {

namespace {

template <std::size_t... i>
void unpack_record(std::size_t index, BytesView payload, Record& record, std::index_sequence<i...>) {
  Unpacker in{payload};
  const auto load = [&]<std::size_t k>() {
    if (record.index() != k) record.emplace<k>();
    in&* std::get_if<k>(&record);
    return true;
  };
  ((index == i && load.template operator()<i>()) || ...);
  in.finish();
}

}  // namespace

Scanner::Scanner(std::filesystem::path path, const SegmentHeader& header, std::uint64_t limit)
    : path_{std::move(path)},
      file_{open_to_read(path_)},
      window_{file_, path_},
      seed_{record_seed(header)},
      limit_{limit},
      offset_{header_bytes(header.number)} {}

Scanner::Step Scanner::bad(const char* why) {
  why_ = why;
  return Step::bad;
}

BytesView Scanner::view(std::uint64_t offset, std::size_t bytes) {
  if (offset >= limit_) return {};
  return window_.view(offset, std::min<std::uint64_t>(bytes, limit_ - offset));
}

Scanner::Step Scanner::next() {
  const BytesView head = view(offset_, record_header_bytes);
  if (head.empty()) return offset_ >= limit_ || limit_ == no_limit ? Step::end : bad("the file ends early");
  if (head.size() < record_header_bytes) return bad("a record's header is cut off");
  RecordHeader header;
  if (!decode(head.data(), seed_, header)) return bad("a record's header does not match its hash");
  if (header.number != number_) return bad("a record is out of turn");
  if (header.bytes > payload_limit) return bad("a record is longer than any may be");
  const std::size_t whole = record_header_bytes + header.bytes;
  const BytesView record = view(offset_, whole);
  if (record.size() < whole) return bad("a record is cut off");
  payload_ = record.substr(record_header_bytes);
  if (hash64(payload_) != header.payload_hash) return bad("a record does not match its hash");
  type_ = header.type;
  offset_ += whole;
  ++number_;
  return Step::record;
}

bool Scanner::take(TypeMask mask, Record& record) const {
  const std::size_t index = std::size_t{type_} - 1;
  if (type_ == 0 || type_ > std::variant_size_v<Record>) {
    if ((type_ & skippable_bit) != 0) return false;
    throw BadInput{path_.string() + " cannot be read (the record at byte " + std::to_string(record_offset()) +
                   " has type " + std::to_string(type_) +
                   ", which this mpifarm does not know); use the newer mpifarm that wrote it"};
  }
  if ((mask >> index & 1) == 0) return false;
  try {
    unpack_record(index, payload_, record, std::make_index_sequence<std::variant_size_v<Record>>{});
  } catch (const CorruptData& error) {
    throw Damaged{path_, record_offset(), error.what()};
  }
  return true;
}

bool Scanner::valid_payload(std::uint64_t offset, const RecordHeader& header) {
  if (header.bytes > payload_limit) return false;
  const BytesView payload = view(offset + record_header_bytes, header.bytes);
  return payload.size() == header.bytes && hash64(payload) == header.payload_hash;
}

std::optional<std::uint64_t> Scanner::find_later_record() {
  for (std::uint64_t at = offset_ + 1;; ++at) {
    const BytesView head = view(at, record_header_bytes);
    if (head.size() < record_header_bytes) return {};
    RecordHeader header;
    if (decode(head.data(), seed_, header) && header.number > number_ && valid_payload(at, header)) return at;
  }
}

}  // namespace mpifarm::journal

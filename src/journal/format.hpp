#pragma once
// The bytes of a segment file, for its writer and its readers. README.md beside this has the page of prose.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/bytes.hpp"
#include "journal/damage.hpp"

namespace mpifarm::journal {

inline constexpr BytesView magic{"mpifarmJ", 8};
inline constexpr std::uint16_t major_version = 1;  // another: bytes that older readers would misread
inline constexpr std::uint16_t minor_version = 3;  // another: additions that older readers can pass over

inline constexpr std::uint16_t skippable_bit =
    0x8000;  // of a record's type: who does not know the type may pass over it
inline constexpr std::uint64_t payload_limit = std::uint64_t{1} << 30;  // bytes

// What a segment file starts with.
struct SegmentHeader {
  std::uint32_t number = 1;  // of the segment in its run, from 1
  std::uint64_t run_id = 0;
  std::vector<std::uint64_t>
      known_lengths;  // bytes of segments 1 .. number - 1 that counted when this one was opened
};

std::size_t header_bytes(std::uint32_t number);
Bytes encode(const SegmentHeader& header);
// `start` holds at least the first header_bytes(number) bytes of `file`, or all of it if it is shorter.
// Nothing when they are no header of segment `number`. Throws BadInput when another major version wrote them.
std::optional<SegmentHeader> decode_header(const std::filesystem::path& file, BytesView start,
                                           std::uint32_t number);

// The name of segment `number` in a run directory: journal, journal.2, journal.3 ...
std::filesystem::path segment_path(const std::filesystem::path& run, std::uint32_t number);

// Stands before each payload, followed by its own hash.
struct RecordHeader {
  std::uint32_t bytes = 0;  // of the payload
  std::uint16_t type = 0;
  std::uint16_t reserved = 0;
  std::uint64_t number = 0;  // of the record in its segment, from 0
  std::uint64_t payload_hash = 0;
};
static_assert(sizeof(RecordHeader) == 24 && std::is_trivially_copyable_v<RecordHeader>,
              "copied to disk as it is");
inline constexpr std::size_t record_header_bytes = sizeof(RecordHeader) + sizeof(std::uint64_t);

// The seed of record header hashes: records of another run or segment are no records here.
std::uint64_t record_seed(const SegmentHeader& header);
// `to` has room for record_header_bytes.
void encode(const RecordHeader& header, std::uint64_t seed, char* to);
// `from` points to record_header_bytes. False when their hash is wrong.
bool decode(const char* from, std::uint64_t seed, RecordHeader& header);

}  // namespace mpifarm::journal

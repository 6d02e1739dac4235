#include "journal/format.hpp"

#include <string>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/pack.hpp"

namespace mpifarm::journal {

namespace {

// Magic, versions and a check of these. This much stays the same in every version to come, so that a flipped
// bit can be told from a newer version.
constexpr std::size_t preamble_bytes = 16;

Bytes preamble(std::uint16_t major, std::uint16_t minor) {
  Bytes out{magic};
  Packer{out} & major& minor;
  const auto check = static_cast<std::uint32_t>(hash64(out));
  Packer{out} & check;
  return out;
}

void refuse_other_major(const std::filesystem::path& file, std::uint16_t major, std::uint16_t minor) {
  if (major == major_version) return;
  throw BadInput{
      file.string() + " cannot be read (it has journal format " + std::to_string(major) + "." +
      std::to_string(minor) + ", this mpifarm knows " + std::to_string(major_version) + "." +
      std::to_string(minor_version) + "); use " +
      (major > major_version ? "the newer mpifarm that wrote it" : "the older mpifarm that wrote it")};
}

}  // namespace

Damaged::Damaged(const std::filesystem::path& where, std::uint64_t offset, std::string_view why)
    : MachineryFailure{where.string() + " is damaged at byte " + std::to_string(offset) + " (" +
                       std::string{why} +
                       "); restore the file from a copy, or start the run anew in another directory"},
      file{where},
      at{offset} {}

std::size_t header_bytes(std::uint32_t number) {
  return preamble_bytes + 2 * sizeof(std::uint32_t) + sizeof(std::uint64_t) * (std::size_t{number} + 1);
}

Bytes encode(const SegmentHeader& header) {
  Bytes out = preamble(major_version, minor_version);
  Packer packer{out};
  packer& header.number& std::uint32_t{0} & header.run_id;
  for (const std::uint64_t length : header.known_lengths) packer& length;
  packer& hash64(out);
  return out;
}

std::optional<SegmentHeader> decode_header(const std::filesystem::path& file, BytesView start,
                                           std::uint32_t number) {
  if (start.size() < preamble_bytes) return {};
  std::uint16_t major = 0, minor = 0;
  Unpacker{start.substr(magic.size())} & major& minor;
  if (start.substr(0, preamble_bytes) != preamble(major, minor)) return {};
  refuse_other_major(file, major, minor);

  const std::size_t size = header_bytes(number);
  if (start.size() < size) return {};
  SegmentHeader header;
  std::uint32_t reserved = 0;
  std::uint64_t hash = 0;
  Unpacker fields{start.substr(preamble_bytes)};
  fields& header.number& reserved& header.run_id;
  header.known_lengths.resize(number - 1);
  for (std::uint64_t& length : header.known_lengths) fields& length;
  fields& hash;
  const BytesView hashed = start.substr(0, size - sizeof hash);
  if (hash != hash64(hashed) || header.number != number) return {};
  return header;
}

std::filesystem::path segment_path(const std::filesystem::path& run, std::uint32_t number) {
  return run / (number == 1 ? "journal" : "journal." + std::to_string(number));
}

std::uint64_t record_seed(const SegmentHeader& header) {
  return hash64(pack(std::pair{header.run_id, header.number}));
}

void encode(const RecordHeader& header, std::uint64_t seed, char* to) {
  std::memcpy(to, &header, sizeof header);
  const std::uint64_t hash = hash64({to, sizeof header}, seed);
  std::memcpy(to + sizeof header, &hash, sizeof hash);
}

bool decode(const char* from, std::uint64_t seed, RecordHeader& header) {
  std::uint64_t hash = 0;
  std::memcpy(&header, from, sizeof header);
  std::memcpy(&hash, from + sizeof header, sizeof hash);
  return hash == hash64({from, sizeof header}, seed);
}

}  // namespace mpifarm::journal

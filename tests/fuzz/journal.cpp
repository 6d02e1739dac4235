// The files of one or two segments: the first byte says whether their hashes are made good first, as no
// fuzzer guesses one; the next two, where the first file ends (0: there is one). The journal is refused, or
// read, continued and read again.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/pack.hpp"
#include "journal/ordered.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"
#include "require.hpp"
#include "support/temporary_directory.hpp"

namespace {

using namespace mpifarm;
using namespace mpifarm::journal;
using fuzz::require;

void put(std::string& bytes, std::size_t at, auto value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

// Makes every check in a segment's file agree with what is checked, down to the first record that is cut off.
void make_good(std::string& bytes, std::uint32_t number) {
  const std::size_t header = header_bytes(number);
  if (bytes.size() < header) return;
  put(bytes, 12, static_cast<std::uint32_t>(hash64(BytesView{bytes}.substr(0, 12))));
  put(bytes, header - 8, hash64(BytesView{bytes}.substr(0, header - 8)));
  SegmentHeader read{number, 0, {}};
  std::memcpy(&read.run_id, bytes.data() + 24, sizeof read.run_id);
  const std::uint64_t seed = record_seed(read);
  for (std::size_t at = header; bytes.size() - at >= record_header_bytes;) {
    RecordHeader record;
    decode(bytes.data() + at, seed, record);
    if (record.bytes > bytes.size() - at - record_header_bytes) return;
    record.payload_hash = hash64(BytesView{bytes}.substr(at + record_header_bytes, record.bytes));
    encode(record, seed, bytes.data() + at);
    at += record_header_bytes + record.bytes;
  }
}

template <class Source>
std::vector<std::string> read_all(Source&& source) {
  std::vector<std::string> all;
  for (Record record; source.next(record);) all.push_back(pack(record));
  return all;
}

// What may be refused after a survey that found no fault: false then.
template <class Action>
bool accepted(Action action) {
  try {
    action();
    return true;
  } catch (const Damaged&) {
  } catch (const BadInput&) {
  }
  return false;
}

void check_goes_on(const std::filesystem::path& run, const Survey& survey,
                   std::vector<std::string> expected) {
  Writer writer = create_segment(run, survey, survey.segments.empty() ? 7 : survey.run_id());
  writer.append(Sealed{true, "now"});
  writer.sync();
  expected.push_back(pack(Record{Sealed{true, "now"}}));
  const Survey after = inspect(run);
  require(after.sealed && after.complete && after.torn_bytes == 0 && !after.torn_segment,
          "the new segment is whole");
  require(read_all(Reader{after}) == expected, "a journal that went on reads as before, and what was added");
}

void check(const std::filesystem::path& run) {
  Survey survey;
  if (!accepted([&] { survey = inspect(run); })) return;
  for (const Segment& segment : survey.segments)
    require(segment.valid_bytes >= header_bytes(segment.header.number) &&
                segment.valid_bytes <= std::filesystem::file_size(segment.path),
            "what counts of a segment begins with its header and is there");
  if (!survey.segments.empty()) {
    const Segment& last = survey.segments.back();
    require(last.valid_bytes + survey.torn_bytes == std::filesystem::file_size(last.path),
            "every byte of the last segment is valid or torn");
  }
  std::vector<std::string> records;
  const bool whole = accepted([&] { records = read_all(Reader{survey}); });
  std::vector<std::string> followed;
  const bool followed_whole = accepted([&] { followed = read_all(Follower{run}); });
  const auto voids = [](const std::string& record) {
    return static_cast<std::size_t>(record[0]) == index_of<Redo>();
  };
  // A follower was there before what is void now became so.
  if (whole && std::none_of(records.begin(), records.end(), voids))
    require(followed_whole && followed == records, "a follower reads what a reader reads");
  accepted([&] {
    OrderedOutcomes ordered{survey, Order{}, run, 4096};
    std::optional<std::uint64_t> last;
    for (TaskOutcome outcome; ordered.next(outcome); last = outcome.id.value)
      require(!last || outcome.id.value > *last, "outcomes come in task order, each once");
  });
  if (whole) check_goes_on(run, survey, records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size < 3) return 0;
  static const support::TemporaryDirectory run;
  for (const auto& entry : std::filesystem::directory_iterator{run.path()})
    std::filesystem::remove(entry.path());
  std::uint16_t split = 0;
  std::memcpy(&split, data + 1, sizeof split);
  const BytesView files{data + 3, size - 3};
  std::vector<std::string> segments{std::string{files.substr(0, split == 0 ? files.npos : split)}};
  if (split > 0 && split < files.size()) segments.emplace_back(files.substr(split));
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    if (data[0] == 'g') make_good(segments[i], i + 1);
    std::ofstream{segment_path(run.path(), i + 1), std::ios::binary} << segments[i];
  }
  check(run.path());
  return 0;
}

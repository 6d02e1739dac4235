#include "journal/survey.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <system_error>

#include "base/numbers.hpp"
#include "journal/scanner.hpp"

namespace mpifarm::journal {

namespace {

// The numbers of the segment files in `run`; files of other names, such as journal.2.torn, are none.
std::set<std::uint32_t> segment_numbers(const std::filesystem::path& run) {
  std::set<std::uint32_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry{run, error}, end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::uint32_t number = 1;
    if (name.starts_with("journal.") && !parse_number(std::string_view{name}.substr(8), number).empty())
      continue;
    if (number > 0 && segment_path(run, number).filename() == name) numbers.insert(number);
  }
  if (error)
    throw MachineryFailure{run.string() + " could not be listed (" + error.message() +
                           "); look at the directory"};
  return numbers;
}

Bytes read_start(const std::filesystem::path& path, std::size_t bytes) {
  const FileDescriptor file = open_to_read(path);
  return Bytes{Window{file, path, bytes}.view(0, bytes)};
}

// The header of the last segment file; nothing when a crash left it without one. Records are only ever
// written behind a header that is on disk, so a file that is longer than its invalid header has been damaged.
std::optional<SegmentHeader> last_header(const std::filesystem::path& path, std::uint32_t number) {
  const std::size_t size = header_bytes(number);
  const Bytes start = read_start(path, size + 1);
  std::optional<SegmentHeader> header = decode_header(path, start, number);
  if (!header && start.size() > size) throw Damaged{path, 0, "its header is not a journal's"};
  return header;
}

void read_headers(Survey& survey) {
  const std::set<std::uint32_t> numbers = segment_numbers(survey.run);
  std::uint32_t expected = 1;
  for (const std::uint32_t number : numbers) {
    const std::filesystem::path path = segment_path(survey.run, number);
    if (number != expected)
      throw Damaged{segment_path(survey.run, expected), 0,
                    "it is missing, and " + path.filename().string() + " follows it"};
    ++expected;
    std::optional<SegmentHeader> header = last_header(path, number);
    if (header)
      survey.segments.push_back({path, std::move(*header), 0});
    else if (number == *numbers.rbegin())
      survey.torn_segment = path;
    else
      throw Damaged{path, 0, "its header is not a journal's, and another segment follows it"};
  }
}

// Each start wrote down how much of the earlier segments counted; all must agree, and the files must still
// have it.
void check_chain(Survey& survey) {
  const SegmentHeader& last = survey.segments.back().header;
  for (const Segment& segment : survey.segments) {
    if (segment.header.run_id != last.run_id) throw Damaged{segment.path, 0, "it belongs to another run"};
    const auto& lengths = segment.header.known_lengths;
    if (!std::equal(lengths.begin(), lengths.end(), last.known_lengths.begin()))
      throw Damaged{segment.path, 0, "it disagrees with a later segment on the lengths of earlier ones"};
  }
  for (std::size_t i = 0; i < last.known_lengths.size(); ++i) {
    Segment& segment = survey.segments[i];
    segment.valid_bytes = last.known_lengths[i];
    const std::uint64_t bytes = file_bytes(open_to_read(segment.path), segment.path);
    if (bytes < segment.valid_bytes)
      throw Damaged{segment.path, bytes,
                    "the file ends there and had " + std::to_string(segment.valid_bytes) + " bytes"};
    if (segment.valid_bytes < header_bytes(segment.header.number))
      throw Damaged{survey.segments.back().path, 0, "it says that an earlier segment had no header"};
  }
}

void scan_last(Survey& survey) {
  Segment& segment = survey.segments.back();
  // A live master may append meanwhile: what was not there at the beginning is left out.
  const std::uint64_t bytes = file_bytes(open_to_read(segment.path), segment.path);
  Scanner scanner{segment.path, segment.header, bytes};
  Record record;
  Scanner::Step step;
  while ((step = scanner.next()) == Scanner::Step::record) {
    survey.sealed = scanner.take(mask_of<Sealed>(), record);
    survey.complete = survey.sealed && std::get<Sealed>(record).complete;
  }
  segment.valid_bytes = scanner.offset();
  survey.torn_bytes = bytes - scanner.offset();
  if (step == Scanner::Step::end) return;
  if (const auto later = scanner.find_later_record())
    throw Damaged{segment.path, scanner.offset(),
                  std::string{scanner.why()} + ", and a valid one follows at byte " + std::to_string(*later)};
}

}  // namespace

std::optional<SegmentHeader> read_header(const std::filesystem::path& run, std::uint32_t number) {
  const std::filesystem::path path = segment_path(run, number);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  return decode_header(path, read_start(path, header_bytes(number)), number);
}

Survey inspect(const std::filesystem::path& run) {
  Survey survey;
  survey.run = run;
  read_headers(survey);
  if (survey.segments.empty()) return survey;
  check_chain(survey);
  scan_last(survey);
  return survey;
}

}  // namespace mpifarm::journal

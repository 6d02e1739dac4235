#pragma once
// What src/journal/README.md promises for given files, worked out from what was written and not by reading:
// what the torture tests hold the reader to.

#include <map>
#include <optional>
#include <utility>

#include "run_directory.hpp"

namespace mpifarm::journal {

// Under sanitizers, where all is slower, only each so many-th case of the longest tests.
#ifdef __SANITIZE_ADDRESS__
inline constexpr int stride = 5;
#else
inline constexpr int stride = 1;
#endif

// A segment as its writer meant it.
struct Meant {
  std::vector<std::uint64_t> known_lengths;  // of the segments before, as its header states them
  std::string bytes;                         // header and records
  std::vector<std::uint64_t> ends;           // of the header, then of each record
  std::vector<std::string> records;          // packed
};

struct Fate {
  std::vector<std::string> records;  // that are kept, or read before the damage is met
  std::uint64_t torn_bytes = 0;
  bool torn_segment = false;
  bool sealed = false;
  std::optional<std::pair<std::uint32_t, std::uint64_t>> damage;  // number of the segment, offset in its file

  bool operator==(const Fate&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Fate& fate) {
  out << fate.records.size() << " records, " << fate.torn_bytes << " torn bytes";
  if (fate.torn_segment) out << ", a torn segment";
  if (fate.sealed) out << ", sealed";
  if (fate.damage) out << ", damaged at byte " << fate.damage->second << " of segment " << fate.damage->first;
  return out;
}

// `found` are the files of segments 1, 2 ... as they are now.
inline Fate fate_of(const std::vector<Meant>& meant, const std::vector<std::string>& found) {
  Fate fate;
  // Whether a record (from 1; 0 is the header) is what was written.
  const auto intact = [&](std::size_t segment, std::size_t record) {
    const std::uint64_t begin = record == 0 ? 0 : meant[segment].ends[record - 1];
    const std::uint64_t bytes = meant[segment].ends[record] - begin;
    return found[segment].size() >= begin + bytes && BytesView{found[segment]}.substr(begin, bytes) ==
                                                         BytesView{meant[segment].bytes}.substr(begin, bytes);
  };
  const auto damaged = [&fate](std::size_t segment, std::uint64_t at) {
    fate.damage.emplace(static_cast<std::uint32_t>(segment + 1), at);
    return fate;
  };

  std::size_t count = found.size();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (intact(i, 0)) continue;
    fate.torn_segment = i + 1 == found.size() && found[i].size() <= meant[i].ends[0];
    if (!fate.torn_segment) return damaged(i, 0);
    --count;
  }
  if (count == 0) return fate;
  const std::size_t last = count - 1;
  const auto& lengths = meant[last].known_lengths;
  for (std::size_t i = 0; i < last; ++i)
    if (found[i].size() < lengths[i]) return damaged(i, found[i].size());

  std::size_t whole = 0;  // records of the last segment before the first bad one
  while (whole < meant[last].records.size() && intact(last, whole + 1)) ++whole;
  for (std::size_t later = whole + 1; later < meant[last].records.size(); ++later)
    if (intact(last, later + 1)) return damaged(last, meant[last].ends[whole]);

  for (std::size_t i = 0; i < last; ++i)
    for (std::size_t k = 0; meant[i].ends[k] < lengths[i]; ++k) {
      if (!intact(i, k + 1)) return damaged(i, meant[i].ends[k]);
      fate.records.push_back(meant[i].records[k]);
    }
  const auto& records = meant[last].records;
  fate.records.insert(fate.records.end(), records.begin(),
                      records.begin() + static_cast<std::ptrdiff_t>(whole));
  fate.torn_bytes = found[last].size() - meant[last].ends[whole];
  fate.sealed = whole > 0 && static_cast<std::size_t>(records[whole - 1][0]) == index_of<Sealed>();
  return fate;
}

// What opening the journal of `run` and reading it to its end comes to. Of the survey nothing is told where
// it is refused, or what it found is refused while it is read.
inline Fate read_fate(const std::filesystem::path& run) {
  Fate fate;
  try {
    const Survey survey = inspect(run);
    Reader reader{survey};
    for (Record record; reader.next(record);) fate.records.push_back(pack(record));
    fate.torn_bytes = survey.torn_bytes;
    fate.torn_segment = survey.torn_segment.has_value();
    fate.sealed = survey.sealed;
  } catch (const Damaged& error) {
    std::uint32_t number = 1;
    while (number < 100 && segment_path(run, number) != error.file) ++number;
    fate.damage.emplace(number, error.at);
    EXPECT_TRUE(std::string{error.what()}.starts_with(error.file.string() + " is damaged at byte " +
                                                      std::to_string(error.at) + " ("))
        << error.what();
  }
  return fate;
}

// The files of a directory, by name.
inline std::map<std::string, std::string> contents(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator{directory})
    files[entry.path().filename()] = read_file(entry.path());
  return files;
}

}  // namespace mpifarm::journal

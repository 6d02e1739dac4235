#pragma once
// What the journal's tests share: a run directory that goes away, sample records, and files as strings.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/pack.hpp"
#include "journal/reader.hpp"
#include "journal/writer.hpp"

namespace mpifarm::journal {

inline constexpr std::uint64_t test_run_id = 0x1234567890abcdef;

class RunDirectory {
 public:
  RunDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "mpifarm-journal-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
    path_ = name;
  }
  RunDirectory(const RunDirectory&) = delete;
  ~RunDirectory() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path segment(std::uint32_t number = 1) const { return segment_path(path_, number); }
  std::uint64_t bytes(std::uint32_t number = 1) const { return std::filesystem::file_size(segment(number)); }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_file(const std::filesystem::path& path, BytesView bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

inline void append_file(const std::filesystem::path& path, BytesView bytes) {
  std::ofstream{path, std::ios::binary | std::ios::app} << bytes;
}

inline Outcomes outcomes_of(std::uint64_t first, const std::vector<std::string>& payloads,
                            bool described = false) {
  Outcomes outcomes;
  outcomes.block.first = {first};
  outcomes.block.count = outcomes.block.succeeded = payloads.size();
  for (const std::string& payload : payloads) {
    append_entry(outcomes.block.entries, Outcome::succeeded, payload);
    if (!described) continue;
    append_varint(outcomes.descriptors, payload.size() + 1);
    outcomes.descriptors += "<" + payload;
  }
  return outcomes;
}

// One record of every type, and then some; of types that are new here, the one that says nothing.
template <std::size_t... i>
std::vector<Record> add_missing_types(std::vector<Record> records, std::index_sequence<i...>) {
  const auto add = [&records](const Record& record) {
    const auto same = [&record](const Record& other) { return other.index() == record.index(); };
    if (std::none_of(records.begin(), records.end(), same)) records.insert(std::prev(records.end()), record);
  };
  (add(Record{std::in_place_index<i>}), ...);
  return records;
}

inline std::vector<Record> sample_records() {
  return add_missing_types(
      {Started{4, 64, "2026-11-20T12:34:56Z"}, SourceItems{{0}, {11, 22, 33}, false},
       outcomes_of(0, {"one", "", "three"}, true), FailedAttempt{{3}, 1, "out of luck"},
       CrashedAttempt{{4}, 2, "killed"}, Suspects{{{5, 7}, {9, 10}}}, Spent{Nanos{3}, Nanos{2}, Nanos{1}},
       SourceItems{{3}, {}, true}, Sealed{true, "2026-11-20T12:40:00Z"}},
      std::make_index_sequence<std::variant_size_v<Record>>{});
}

inline Writer open_segment(const RunDirectory& run) {
  return create_segment(run.path(), inspect(run.path()), test_run_id);
}

inline void write_segment(const RunDirectory& run, const std::vector<Record>& records) {
  Writer writer = open_segment(run);
  for (const Record& record : records) writer.append(record);
  writer.sync();
}

// Records as packed strings: they compare and print.
inline std::vector<std::string> packed(const std::vector<Record>& records) {
  std::vector<std::string> all;
  for (const Record& record : records) all.push_back(pack(record));
  return all;
}

template <class Source>
std::vector<std::string> read_all(Source&& source) {
  std::vector<std::string> all;
  for (Record record; source.next(record);) all.push_back(pack(record));
  return all;
}

inline std::vector<std::string> read_run(const RunDirectory& run, TypeMask types = all_types) {
  return read_all(Reader{inspect(run.path()), types});
}

// The offsets at which the records of a segment end; the first is the end of the header.
inline std::vector<std::uint64_t> record_ends(const RunDirectory& run, std::uint32_t number) {
  Scanner scanner{run.segment(number), *read_header(run.path(), number), no_limit};
  std::vector<std::uint64_t> ends{scanner.offset()};
  while (scanner.next() == Scanner::Step::record) ends.push_back(scanner.offset());
  return ends;
}

}  // namespace mpifarm::journal

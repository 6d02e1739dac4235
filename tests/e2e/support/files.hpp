#pragma once
// The files that a run leaves, and a place for them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "describe/value.hpp"

namespace mpifarm::e2e {

// A directory of a test's own, removed with all that is in it.
class Workspace {
 public:
  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // Sorted; empty when a command left nothing behind.
  std::vector<std::string> names() const;

 private:
  std::filesystem::path path_;
};

std::vector<std::string> names_in(const std::filesystem::path& directory);
std::string read_text(const std::filesystem::path& file);
void write_text(const std::filesystem::path& file, const std::string& text);
std::vector<std::string> lines_of(const std::string& text);

// Cells without quoting rules beyond RFC 4180's.
using Row = std::vector<std::string>;
std::vector<Row> csv_rows(const std::string& text);

// A JSON object read from a file or a stream.
class Json {
 public:
  static Json parse(const std::string& text);
  static Json file(const std::filesystem::path& file) { return parse(read_text(file)); }

  bool has(const std::string& key) const { return value_.find(key) != nullptr; }
  std::string text(const std::string& key) const;
  std::uint64_t whole(const std::string& key) const;
  double number(const std::string& key) const;
  Json object(const std::string& key) const;
  std::vector<Json> list(const std::string& key) const;
  std::vector<std::string> keys() const;

 private:
  explicit Json(describe::Value value) : value_{std::move(value)} {}
  const describe::Value& at(const std::string& key) const;

  describe::Value value_;
};

// Bytes in all segments; 0 when there is none.
std::uint64_t journal_bytes(const std::filesystem::path& run);
// The last segment's file.
std::filesystem::path last_segment(const std::filesystem::path& run);

struct JournalTally {
  std::uint64_t outcomes = 0, failed_attempts = 0, starts = 0, seals = 0;
  bool repeated = false;  // two outcomes for one position
};
// Of a run that is not live.
JournalTally tally_journal(const std::filesystem::path& run);

}  // namespace mpifarm::e2e

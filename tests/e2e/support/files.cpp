#include "support/files.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>

#include "journal/reader.hpp"

namespace mpifarm::e2e {

namespace fs = std::filesystem;

Workspace::Workspace() {
  std::string name = fs::temp_directory_path() / "mpifarm-e2e-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
  path_ = name;
}

Workspace::~Workspace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> Workspace::names() const { return names_in(path_); }

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator{directory}) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::string read_text(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) throw std::runtime_error{"cannot read " + file.string()};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_text(const fs::path& file, const std::string& text) {
  std::ofstream{file, std::ios::binary} << text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<Row> csv_rows(const std::string& text) {
  std::vector<Row> rows;
  Row row{""};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      row.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      row.emplace_back();
    } else if (!quoted && c == '\n') {
      rows.push_back(std::move(row));
      row = {""};
    } else {
      row.back() += c;
    }
  }
  return rows;
}

Json Json::parse(const std::string& text) { return Json{describe::parse_json(text)}; }

const describe::Value& Json::at(const std::string& key) const {
  const describe::Value* found = value_.find(key);
  if (found == nullptr) throw std::runtime_error{"no key " + key + " in " + describe::to_json(value_)};
  return *found;
}

std::string Json::text(const std::string& key) const {
  const auto* text = at(key).as<std::string>();
  return text != nullptr ? *text : describe::to_json(at(key));
}

std::uint64_t Json::whole(const std::string& key) const { return std::stoull(describe::to_json(at(key))); }

double Json::number(const std::string& key) const { return std::stod(describe::to_json(at(key))); }

Json Json::object(const std::string& key) const { return Json{at(key)}; }

std::vector<Json> Json::list(const std::string& key) const {
  std::vector<Json> items;
  const auto* list = at(key).as<describe::Value::List>();
  if (list == nullptr) throw std::runtime_error{key + " is no list"};
  for (const describe::Value& item : *list) items.push_back(Json{item});
  return items;
}

std::vector<std::string> Json::keys() const {
  std::vector<std::string> keys;
  if (const auto* fields = value_.as<describe::Value::Object>())
    for (const auto& [key, value] : *fields) keys.push_back(key);
  return keys;
}

std::uint64_t journal_bytes(const fs::path& run) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (unsigned number = 1;; ++number) {
    const std::uintmax_t size = fs::file_size(journal::segment_path(run, number), error);
    if (error) return bytes;
    bytes += size;
  }
}

fs::path last_segment(const fs::path& run) {
  unsigned number = 1;
  while (fs::exists(journal::segment_path(run, number + 1))) ++number;
  return journal::segment_path(run, number);
}

JournalTally tally_journal(const fs::path& run) {
  JournalTally tally;
  std::set<std::uint64_t> positions;
  journal::Reader reader{journal::inspect(run)};
  for (journal::Record record; reader.next(record);) {
    if (const auto* outcomes = std::get_if<journal::Outcomes>(&record)) {
      tally.outcomes += outcomes->block.count;
      for (std::uint64_t i = 0; i < outcomes->block.count; ++i)
        tally.repeated |= !positions.insert(outcomes->block.first.value + i).second;
    }
    tally.failed_attempts += std::holds_alternative<journal::FailedAttempt>(record);
    tally.starts += std::holds_alternative<journal::Started>(record);
    tally.seals += std::holds_alternative<journal::Sealed>(record);
  }
  return tally;
}

}  // namespace mpifarm::e2e

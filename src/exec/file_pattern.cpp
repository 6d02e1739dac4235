#include "exec/file_pattern.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>

#include "base/error.hpp"
#include "base/printable.hpp"

namespace mpifarm::exec {
namespace {

namespace fs = std::filesystem;

bool has_wildcard(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

std::vector<std::string> parts_of(const std::string& pattern) {
  std::vector<std::string> parts;
  for (const fs::path& part : fs::path{pattern})
    if (!part.empty()) parts.push_back(part.string());
  if (!parts.empty() && parts.back() == "**") parts.emplace_back("*");  // all that is below
  return parts;
}

std::vector<fs::directory_entry> entries_of(const fs::path& directory) {
  std::vector<fs::directory_entry> entries;
  std::error_code error;
  for (fs::directory_iterator entry{directory.empty() ? "." : directory, error}, end; !error && entry != end;
       entry.increment(error))
    entries.push_back(*entry);
  if (error && error != std::errc::no_such_file_or_directory && error != std::errc::not_a_directory)
    throw BadInput{"--files cannot look into " + directory.string() + " (" + error.message() +
                   "); make it readable, or leave it out"};
  std::ranges::sort(entries);
  return entries;
}

// What mpifarm writes there changes while it is read.
bool is_run(const fs::path& directory) {
  std::error_code error;
  return fs::exists(directory / "run.json", error);
}

// Appends the files below `directory` (empty: here) that the rest of a pattern matches.
void match(const fs::path& directory, std::span<const std::string> parts, std::vector<std::string>& files) {
  if (parts.empty()) return;
  const std::string& part = parts.front();
  const bool is_last = parts.size() == 1;
  std::error_code error;
  if (part == "**" && !is_last) {
    match(directory, parts.subspan(1), files);
    for (const fs::directory_entry& entry : entries_of(directory))
      if (entry.is_directory(error) && !entry.is_symlink(error) && !is_run(entry.path()) &&
          !entry.path().filename().string().starts_with('.'))
        match(directory / entry.path().filename(), parts, files);
    return;
  }
  if (!has_wildcard(part)) {
    const fs::path path = directory / part;
    if (!is_last)
      match(path, parts.subspan(1), files);
    else if (fs::is_regular_file(path, error))
      files.push_back(path.string());
    return;
  }
  for (const fs::directory_entry& entry : entries_of(directory)) {
    const std::string name = entry.path().filename().string();
    if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    if (!is_last && entry.is_directory(error))
      match(directory / name, parts.subspan(1), files);
    else if (is_last && entry.is_regular_file(error))
      files.push_back((directory / name).string());
  }
}

}  // namespace

std::vector<std::string> matching_files(const std::string& flag, const std::vector<std::string>& patterns) {
  std::vector<std::string> files;
  std::set<std::string> known;
  for (const std::string& pattern : patterns) {
    std::vector<std::string> matched;
    match({}, parts_of(pattern), matched);
    if (matched.empty())
      throw BadInput{flag + " matches no file (\"" + printable(pattern) +
                     "\"); give files that are there, and quote patterns: ** goes into directories"};
    std::ranges::sort(matched);
    matched.erase(std::unique(matched.begin(), matched.end()), matched.end());
    for (std::string& file : matched)
      if (known.insert(file).second) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace mpifarm::exec

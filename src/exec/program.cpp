#include "exec/program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace mpifarm::exec {
namespace {

constexpr std::string_view shell_characters = "#;\"'\\*?[]&|<>(){}$`^~!\n";

// That sh does itself and no program does alike, sorted.
constexpr std::array<std::string_view, 39> shell_words{
    ".",    ":",        "alias",   "bg",   "break", "case", "cd",    "command", "continue", "do",
    "done", "elif",     "else",    "esac", "eval",  "exec", "exit",  "export",  "fg",       "fi",
    "for",  "function", "getopts", "hash", "if",    "jobs", "local", "read",    "readonly", "return",
    "set",  "shift",    "source",  "then", "times", "trap", "type",  "ulimit",  "umask"};
constexpr std::array<std::string_view, 5> more_shell_words{"unalias", "unset", "until", "wait", "while"};

bool is_shell_word(std::string_view word) {
  return std::ranges::binary_search(shell_words, word) || std::ranges::binary_search(more_shell_words, word);
}

int status_of(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return 127;
  return S_ISREG(facts.st_mode) && access(path.c_str(), X_OK) == 0 ? 0 : 126;
}

}  // namespace

Program find_program(const std::string& name, std::string_view search_path) {
  if (name.find('/') != std::string::npos) return {name, status_of(name)};
  Program best{{}, 127};
  if (name.empty()) return best;
  for (std::size_t at = 0; at <= search_path.size();) {
    const std::size_t colon = std::min(search_path.find(':', at), search_path.size());
    const std::string_view directory = search_path.substr(at, colon - at);
    const std::string path = (directory.empty() ? "." : std::string{directory}) + "/" + name;
    const int status = status_of(path);
    if (status == 0) return {path, 0};
    if (status == 126 && best.status == 127) best = {path, 126};
    at = colon + 1;
  }
  return best;
}

std::optional<std::vector<std::string>> plain_words(std::string_view line) {
  if (line.find_first_of(shell_characters) != line.npos) return std::nullopt;
  std::vector<std::string> words;
  for (std::size_t at = line.find_first_not_of(" \t"); at != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = line.find_first_not_of(" \t", end);
  }
  if (words.empty() || words[0].find('=') != std::string::npos || is_shell_word(words[0]))
    return std::nullopt;
  return words;
}

}  // namespace mpifarm::exec

#pragma once
// Programs by name, and lines that need no shell.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpifarm::exec {

// What became of a search as the shell makes it (sh(1)).
struct Program {
  std::string path;  // absolute or as given; empty when there is none
  int status = 0;    // 0; 127: not found; 126: found, and not executable
};

// `name` as it stands when it has a slash, else in the directories of `search_path`, as in PATH.
Program find_program(const std::string& name, std::string_view search_path);

// The words of a line that means the same without a shell: blanks divide it, and there is no quote, variable,
// pattern, redirection or other thing of the shell's in it, and its first word is no command of the shell's.
std::optional<std::vector<std::string>> plain_words(std::string_view line);

}  // namespace mpifarm::exec

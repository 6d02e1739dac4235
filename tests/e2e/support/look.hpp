#pragma once
// Things that a program sees of who started it: umask, limits, niceness, environment.

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "support/files.hpp"

namespace mpifarm::e2e {

// All that a program can see of them, a line each.
inline const std::string look =
    "umask; ulimit -Ha | sed 's/^/hard /'; ulimit -Sa | sed 's/^/soft /'; nice; "
    "cat /proc/self/oom_score_adj; env | sort";

// Lines that may differ: the task's own variables, the launcher's, the shell's, and the size of a core file,
// which is 0 until a task raises it; and those that begin with one of `more`.
inline std::vector<std::string> comparable(const std::string& text,
                                           const std::vector<std::string>& more = {}) {
  static const std::vector<std::string> may_differ{"MPIFARM_",
                                                   "PWD=",
                                                   "OLDPWD=",
                                                   "SHLVL=",
                                                   "_=",
                                                   "OMPI_",
                                                   "PMIX_",
                                                   "PMI_",
                                                   "ORTE_",
                                                   "HFI_NO_BACKTRACE=",
                                                   "IPATH_NO_BACKTRACE=",
                                                   "soft coredump"};
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(text)) {
    const auto begins = [&](const std::string& start) { return line.starts_with(start); };
    const bool differs = std::ranges::any_of(may_differ, begins) || std::ranges::any_of(more, begins);
    if (!differs) lines.push_back(line);
  }
  return lines;
}

// The lines that only one of them has.
inline std::vector<std::string> differences(std::vector<std::string> here, std::vector<std::string> there) {
  std::ranges::sort(here);
  std::ranges::sort(there);
  std::vector<std::string> lines;
  std::ranges::set_symmetric_difference(here, there, std::back_inserter(lines));
  return lines;
}

}  // namespace mpifarm::e2e

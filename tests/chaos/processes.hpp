#pragma once
// The processes that a start is made of, told apart by what /proc says of them.

#include <sys/types.h>

#include <string>
#include <vector>

namespace mpifarm::chaos {

struct Seen {
  pid_t id = 0, parent = 0;
  char state = '?';
  std::string name{};  // comm
  int rank = -1;       // that a launcher gave it, or the process it was forked from
};

// All that this process has started and what that started, be they orphans: this process is their subreaper.
// What has ended and was not waited for is among them.
std::vector<Seen> descendants();

// The ranks' own processes that live, by rank: neither helpers nor isolated tasks, though those inherit the
// launcher's variables. `program` is the file name of what they run.
std::vector<Seen> ranks_of(const std::vector<Seen>& all, const std::string& program);

// Living, with that name.
std::vector<Seen> named(const std::vector<Seen>& all, const std::string& name);

std::string describe(const std::vector<Seen>& processes);

}  // namespace mpifarm::chaos

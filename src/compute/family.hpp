#pragma once
// Processes and all that descends from them, wherever it has gone: the group it is in does not matter.

#include <sys/types.h>

#include <functional>
#include <vector>

namespace mpifarm {

// Lists the living descendants of this process.
std::vector<pid_t> living_descendants();

// Kills `process` and all its descendants. They are stopped first, so that none can start another meanwhile.
void kill_family(pid_t process);

// Kills all descendants of this process but the families of those children that are to be `kept`, and reaps
// its children among them. A process whose parents have died counts as a child where this process is a
// subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)). This process has one thread.
void kill_descendants(const std::function<bool(pid_t child)>& kept);

}  // namespace mpifarm

#pragma once
// What /proc says of processes of this host (proc(5)).

#include <sys/types.h>

#include <string>
#include <vector>

namespace mpifarm {

// R, S, D, T (stopped), Z (dead, not reaped) and the like; X when there is no such process.
char process_state(pid_t process);
inline bool is_living(pid_t process) {
  const char state = process_state(process);
  return state != 'Z' && state != 'X';
}
// 0 when there is no such process, or its parent is not of this name space.
pid_t parent_of(pid_t process);
// Its name as ps shows it, cut to 15 characters; empty when it is gone.
std::string process_name(pid_t process);
// Those that it, or a thread of it, has started, the dead among them; needs CONFIG_PROC_CHILDREN.
std::vector<pid_t> children_of(pid_t process);
std::vector<pid_t> living_children_of(pid_t process);

}  // namespace mpifarm

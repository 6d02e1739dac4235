#pragma once
// Things that a process inherits from its caller beside the environment: umask, soft limits and niceness.
// Tasks get those of the one who started the run, on every host.

#include <cstdint>
#include <string>
#include <vector>

namespace mpifarm {

struct Surroundings {
  std::uint32_t umask = 022;
  std::int32_t nice = 0;  // -20 to 19
  std::vector<std::uint64_t>
      soft_limits{};  // by the number of the resource (getrlimit(2)); RLIM_INFINITY as it is

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& umask& nice& soft_limits;
  }
};

// Reads those of this process, which has one thread.
Surroundings current_surroundings();

// Names the limits that cannot be taken on here, as the hard limits are lower, such as "open files (1024 of
// 4096)"; empty when all can.
std::string unreachable_limits(const Surroundings& wanted);

// Takes them on in this process, which has one thread: the soft limits as far as the hard ones allow, and a
// higher nice value. No core is dumped: the soft limit of core files becomes 0.
void take_on(const Surroundings& wanted);

}  // namespace mpifarm

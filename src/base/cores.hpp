#pragma once
// Which cores this process was granted.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpifarm {

// The CPU numbers of the affinity mask of a process, ascending; 0: of the calling thread. Empty when it
// cannot be had.
std::vector<std::uint32_t> affinity_cpus(pid_t process = 0);
// The CPUs of a core that are among `allowed`: `cpu` and its siblings.
std::vector<std::uint32_t> core_of(std::uint32_t cpu, const std::vector<std::uint32_t>& allowed);
// Sets the mask of the calling thread. Nothing happens when it is empty, or the kernel refuses.
void bind_to(const std::vector<std::uint32_t>& cpus);

// CPUs of this host that are switched on.
std::uint32_t online_cpus();

// Cores' worth of CPU time that the control groups (v2 cpu.max, v1 cfs quota) of this process allow, and that
// a Slurm job was granted on this node; 0 for no limit.
double cpu_quota();

// Letters, digits, dots, dashes and underscores; not empty.
bool is_host_name(std::string_view text);

// As Slurm calls it in its jobs, else as it calls itself.
std::string host_name();

// {0,1,2,5} as "0-2,5".
std::string format_cpus(const std::vector<std::uint32_t>& cpus);

}  // namespace mpifarm

#include "base/surroundings.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace mpifarm {
namespace {

struct Resource {
  int number;
  const char* name;
};
constexpr std::array resources{Resource{RLIMIT_AS, "address space"},
                               Resource{RLIMIT_CPU, "CPU time"},
                               Resource{RLIMIT_DATA, "data"},
                               Resource{RLIMIT_FSIZE, "file size"},
                               Resource{RLIMIT_MEMLOCK, "locked memory"},
                               Resource{RLIMIT_NOFILE, "open files"},
                               Resource{RLIMIT_NPROC, "processes"},
                               Resource{RLIMIT_STACK, "stack"}};

rlimit limit_of(int resource) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit;
}

std::string amount(rlim_t limit) { return limit == RLIM_INFINITY ? "unlimited" : std::to_string(limit); }

// Nothing for a number that the sender's kernel did not have.
const std::uint64_t* wanted_limit(const Surroundings& wanted, int resource) {
  const auto at = static_cast<std::size_t>(resource);
  return at < wanted.soft_limits.size() ? &wanted.soft_limits[at] : nullptr;
}

}  // namespace

Surroundings current_surroundings() {
  Surroundings here;
  here.umask = umask(0);
  umask(static_cast<mode_t>(here.umask));
  here.nice = getpriority(PRIO_PROCESS, 0);
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource)
    here.soft_limits.push_back(limit_of(resource).rlim_cur);
  return here;
}

std::string unreachable_limits(const Surroundings& wanted) {
  std::string names;
  for (const auto& [number, name] : resources) {
    const std::uint64_t* soft = wanted_limit(wanted, number);
    const rlim_t hard = limit_of(number).rlim_max;
    if (soft == nullptr || *soft <= hard) continue;
    names +=
        (names.empty() ? "" : ", ") + std::string{name} + " (" + amount(hard) + " of " + amount(*soft) + ")";
  }
  return names;
}

void take_on(const Surroundings& wanted) {
  umask(static_cast<mode_t>(wanted.umask));
  for (const auto& [number, name] : resources) {
    const std::uint64_t* soft = wanted_limit(wanted, number);
    rlimit limit = limit_of(number);
    if (soft == nullptr || *soft == limit.rlim_cur) continue;
    limit.rlim_cur = std::min<rlim_t>(*soft, limit.rlim_max);
    setrlimit(static_cast<__rlimit_resource>(number), &limit);
  }
  rlimit core = limit_of(RLIMIT_CORE);
  core.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &core);
  if (wanted.nice > getpriority(PRIO_PROCESS, 0)) setpriority(PRIO_PROCESS, 0, wanted.nice);
}

}  // namespace mpifarm

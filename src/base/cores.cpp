#include "base/cores.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>

#include "base/numbers.hpp"

namespace mpifarm {
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

double lower_limit(double a, double b) { return a == 0 ? b : (b == 0 ? a : std::min(a, b)); }

// v2: "max 100000" or "50000 100000".
double quota_v2(const std::filesystem::path& group) {
  std::ifstream file{group / "cpu.max"};
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::stod(quota) / period;
}

double quota_v1(const std::filesystem::path& group) {
  double quota = 0, period = 0;
  std::ifstream{group / "cpu.cfs_quota_us"} >> quota;
  std::ifstream{group / "cpu.cfs_period_us"} >> period;
  return quota > 0 && period > 0 ? quota / period : 0;
}

// The tightest limit from `group` up to the root of the hierarchy.
template <class Quota>
double quota_along(const std::filesystem::path& root, std::filesystem::path group, Quota quota) {
  double limit = quota(root);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path())
    limit = lower_limit(limit, quota(root / group));
  return limit;
}

// What a Slurm job was granted on this node: not every cluster binds its processes to it.
double slurm_cpus() {
  const char* cpus = std::getenv("SLURM_CPUS_ON_NODE");
  double granted = 0;
  const bool known = std::getenv("SLURM_JOB_ID") != nullptr && cpus != nullptr &&
                     parse_number(std::string{cpus}, granted).empty();
  return known && granted >= 1 ? granted : 0;
}

}  // namespace

std::vector<std::uint32_t> affinity_cpus(pid_t process) {
  std::vector<std::uint32_t> cpus;
  for (int most = 1024; most <= 1 << 18; most *= 2) {  // the kernel refuses a set smaller than its own
    const std::unique_ptr<cpu_set_t, FreeCpuSet> set{CPU_ALLOC(static_cast<std::size_t>(most))};
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
    if (sched_getaffinity(process, bytes, set.get()) != 0) continue;
    for (int cpu = 0; cpu < most; ++cpu)
      if (CPU_ISSET_S(static_cast<std::size_t>(cpu), bytes, set.get()))
        cpus.push_back(static_cast<std::uint32_t>(cpu));
    break;
  }
  return cpus;
}

std::vector<std::uint32_t> core_of(std::uint32_t cpu, const std::vector<std::uint32_t>& allowed) {
  const auto core_of_cpu = [](std::uint32_t number) {
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(number) + "/topology/";
    std::string siblings;
    std::getline(std::ifstream{topology + "thread_siblings_list"}, siblings);
    return siblings.empty() ? std::to_string(number) : siblings;
  };
  std::vector<std::uint32_t> core;
  const std::string wanted = core_of_cpu(cpu);
  std::ranges::copy_if(allowed, std::back_inserter(core),
                       [&](std::uint32_t other) { return core_of_cpu(other) == wanted; });
  return core;
}

void bind_to(const std::vector<std::uint32_t>& cpus) {
  if (cpus.empty()) return;
  const std::size_t most = std::size_t{cpus.back()} + 1;
  const std::unique_ptr<cpu_set_t, FreeCpuSet> set{CPU_ALLOC(most)};
  const std::size_t bytes = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(bytes, set.get());
  for (const std::uint32_t cpu : cpus) CPU_SET_S(cpu, bytes, set.get());
  sched_setaffinity(0, bytes, set.get());
}

double cpu_quota() {
  double limit = slurm_cpus();
  std::ifstream groups{"/proc/self/cgroup"};
  for (std::string line; std::getline(groups, line);) {  // "0::/path" or "4:cpu,cpuacct:/path"
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty())
      limit = lower_limit(limit, quota_along("/sys/fs/cgroup", group, quota_v2));
    else if (controllers == "cpu" || controllers.starts_with("cpu,") || controllers.ends_with(",cpu"))
      limit = lower_limit(limit, quota_along("/sys/fs/cgroup/cpu", group, quota_v1));
  }
  return limit;
}

std::uint32_t online_cpus() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? static_cast<std::uint32_t>(count) : 0;
}

bool is_host_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
}

std::string host_name() {
  if (const char* node = std::getenv("SLURMD_NODENAME"); node != nullptr && is_host_name(node)) return node;
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

std::string format_cpus(const std::vector<std::uint32_t>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(cpus[i]);
    if (last > i) text += '-' + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace mpifarm

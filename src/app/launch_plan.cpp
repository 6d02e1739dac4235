#include "app/launch_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/numbers.hpp"

namespace mpifarm::app {
namespace {

std::size_t ranks_left(const LaunchPlan& plan, std::size_t living) {
  const auto ranks = static_cast<std::size_t>(plan.ranks);
  return plan.failed.empty() ? ranks : std::max<std::size_t>(1, ranks * living / plan.hosts.size());
}

std::string list_of(const std::vector<std::string>& hosts) {
  return fmt::format("{}", fmt::join(hosts, ","));
}

// The ranks spread evenly; mpirun puts one on a host unless it is given a number.
std::string with_slots(const std::vector<std::string>& hosts, std::size_t ranks) {
  std::string text;
  for (std::size_t i = 0; i < std::min(hosts.size(), ranks); ++i) {
    const std::size_t here = ranks / hosts.size() + (i < ranks % hosts.size() ? 1 : 0);
    text += (i > 0 ? "," : "") + hosts[i] + fmt::format(":{}", here);
  }
  return text;
}

bool chooses_hosts(const LaunchPlan& plan) { return plan.names_hosts || !plan.failed.empty(); }

}  // namespace

std::string_view name_of(Launcher launcher) { return launcher == Launcher::srun ? "srun" : "mpirun"; }

std::vector<std::string> living_hosts(const LaunchPlan& plan) {
  std::vector<std::string> living = plan.hosts;
  std::erase_if(living, [&](const std::string& host) { return std::ranges::count(plan.failed, host) > 0; });
  return living;
}

std::vector<std::string> launch_words(const LaunchPlan& plan, const std::vector<std::string>& program,
                                      std::size_t cores) {
  const std::vector<std::string> living = living_hosts(plan);
  const std::size_t ranks = ranks_left(plan, living.size());
  const bool names_hosts = chooses_hosts(plan);
  std::vector<std::string> words;
  if (plan.launcher == Launcher::srun) {
    words = {"srun", "--mpi=pmix", "--no-kill", "--kill-on-bad-exit=0", "--export=ALL", "--overlap"};
    words.push_back(fmt::format("--ntasks={}", ranks));
    if (plan.cores_of_rank > 0) words.push_back(fmt::format("--cpus-per-task={}", plan.cores_of_rank));
    if (names_hosts) {
      const std::vector<std::string> used{
          living.begin(), living.begin() + static_cast<std::ptrdiff_t>(std::min(ranks, living.size()))};
      words.push_back(fmt::format("--nodes={}", used.size()));
      words.push_back("--nodelist=" + list_of(used));
    }
  } else {
    words = {"mpirun", "-n", std::to_string(ranks), "--bind-to", "none"};
    if (names_hosts) words.insert(words.end(), {"--host", with_slots(living, ranks)});
    if (ranks > cores) words.emplace_back("--oversubscribe");
    for (const std::string& variable : plan.variables) words.insert(words.end(), {"-x", variable});
  }
  words.insert(words.end(), plan.extra.begin(), plan.extra.end());
  words.insert(words.end(), program.begin(), program.end());
  return words;
}

// Slurm's PMIx brings the ranks together by a ring at the first fence of MPI_Init and by a tree at the
// second, unless told. On busy nodes a rank may then pass both before another has passed the first, which
// dies of its message (3 of 190 starts on three nodes; none of 190 by trees alone). But where only some nodes
// of a job take part, trees alone do not find what the ranks have said (22.05).
std::vector<std::pair<std::string, std::string>> launch_variables(const LaunchPlan& plan) {
  if (plan.launcher != Launcher::srun || chooses_hosts(plan)) return {};
  return {{"SLURM_PMIX_FENCE", "tree"}};
}

std::vector<std::string> probe_words(const LaunchPlan& plan, const std::string& host) {
  std::vector<std::string> words;
  if (plan.launcher == Launcher::srun)
    words = {"srun", "--mpi=none", "--overlap", "--nodes=1", "--ntasks=1", "--nodelist=" + host};
  else
    words = {"mpirun", "-n", "1", "--host", host};
  words.insert(words.end(), plan.extra.begin(), plan.extra.end());
  words.emplace_back("true");
  return words;
}

int cores_of_rank(std::string_view cpus_per_node, int ranks) {
  int least = 0, nodes = 0;
  for (std::size_t at = 0; at <= cpus_per_node.size();) {
    const std::size_t comma = std::min(cpus_per_node.find(',', at), cpus_per_node.size());
    std::string_view part = cpus_per_node.substr(at, comma - at);
    int cpus = 0, times = 1;
    if (const std::size_t bracket = part.find("(x"); bracket != std::string_view::npos) {
      if (!part.ends_with(')')) return 0;
      const std::string count{part.substr(bracket + 2, part.size() - bracket - 3)};
      if (!parse_number(count, times).empty() || times < 1) return 0;
      part = part.substr(0, bracket);
    }
    if (!parse_number(std::string{part}, cpus).empty() || cpus < 1) return 0;
    least = least == 0 ? cpus : std::min(least, cpus);
    nodes += times;
    at = comma + 1;
  }
  const int ranks_of_node = (ranks + nodes - 1) / nodes;
  return std::max(1, least / std::max(1, ranks_of_node));
}

}  // namespace mpifarm::app

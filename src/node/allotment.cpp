#include "node/allotment.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/amounts.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"

namespace mpifarm {
namespace {

// Each core is shared evenly by the ranks bound to it; the fractions that rounding leaves go to the later
// ranks, as rank 0 has the dispatching to do.
std::vector<unsigned> granted_cores(const std::vector<RankCores>& ranks) {
  std::map<std::string, std::map<std::uint32_t, unsigned>> sharers;
  std::map<std::string, unsigned> ranks_on;
  for (const RankCores& rank : ranks) {
    ++ranks_on[rank.host];
    for (const std::uint32_t cpu : rank.cpus) ++sharers[rank.host][cpu];
  }
  std::vector<unsigned> granted(ranks.size());
  std::map<std::pair<std::string, std::vector<std::uint32_t>>, double> left_over;  // of a host's equal masks
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const RankCores& rank = ranks[i];
    double share = 0;
    for (const std::uint32_t cpu : rank.cpus) share += 1.0 / sharers[rank.host][cpu];
    if (rank.quota > 0) share = std::min(share, rank.quota / ranks_on[rank.host]);
    double& rest = left_over[{rank.host, rank.cpus}];
    const double with_rest = share + rest + 1e-9;
    granted[i] = static_cast<unsigned>(std::min(std::floor(with_rest), std::floor(share) + 1));
    granted[i] = std::max(1U, granted[i]);
    rest = std::max(0.0, with_rest - granted[i]);
  }
  return granted;
}

std::string rank_on(std::size_t rank, const RankCores& cores) {
  return "rank " + std::to_string(rank) + " on " + cores.host;
}

// Whether the ranks that may run on its cores have a slot for each of them.
bool fills_cores(const std::vector<RankCores>& ranks, const std::vector<unsigned>& slots, std::size_t rank) {
  const RankCores& own = ranks[rank];
  std::size_t threads = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i].host == own.host &&
        std::ranges::find_first_of(ranks[i].cpus, own.cpus) != ranks[i].cpus.end())
      threads += slots[i];
  return threads >= own.cpus.size();
}

// From slots to tasks at once.
void group_slots(const std::vector<RankCores>& ranks, unsigned slots_per_task, Allotment& allotment) {
  const auto most = std::ranges::max_element(allotment.tasks);
  if (*most > 0 && *most < slots_per_task)
    throw BadInput{"no rank has the slots that a task needs (--slots-per-task " +
                   std::to_string(slots_per_task) + "; the most is " + std::to_string(*most) + ", of " +
                   rank_on(static_cast<std::size_t>(most - allotment.tasks.begin()),
                           ranks[static_cast<std::size_t>(most - allotment.tasks.begin())]) +
                   "); ask for fewer, or give ranks more with --threads"};
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (allotment.tasks[i] > 0 && allotment.tasks[i] < slots_per_task)
      allotment.warnings.push_back(rank_on(i, ranks[i]) + " computes nothing: it has " +
                                   counted(allotment.tasks[i], "slot") + ", a task needs " +
                                   std::to_string(slots_per_task) + " (--slots-per-task)");
    allotment.tasks[i] /= slots_per_task;
  }
}

}  // namespace

Allotment allot_slots(const std::vector<RankCores>& ranks, const AllotmentOptions& options) {
  Allotment allotment{granted_cores(ranks), {}, {}};
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (options.threads) allotment.tasks[i] = *options.threads;
    if (i == 0 && options.master_slots) allotment.tasks[i] = *options.master_slots;
    const std::size_t cores = ranks[i].cpus.size();
    if (allotment.tasks[i] > cores && cores > 0)
      allotment.warnings.push_back(
          rank_on(i, ranks[i]) + " computes on " + counted(allotment.tasks[i], "thread") +
          (ranks[i].online == cores ? " but the host has " : " but is bound to ") + counted(cores, "core") +
          " (CPU " + format_cpus(ranks[i].cpus) + "); use --threads auto" +
          (ranks[i].online == cores ? "" : ", or start it with mpirun --bind-to none"));
  }
  for (std::size_t i = 0; i < ranks.size(); ++i)
    allotment.fills_cores.push_back(fills_cores(ranks, allotment.tasks, i));
  if (options.slots_per_task > 1) group_slots(ranks, options.slots_per_task, allotment);
  return allotment;
}

}  // namespace mpifarm

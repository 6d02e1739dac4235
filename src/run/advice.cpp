#include "run/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mpifarm {
namespace {

constexpr double worth_it = 0.8;      // the share of work
constexpr double room = 1.2;          // of the time asked for, over the time expected
constexpr double start_seconds = 60;  // of the job and of MPI
constexpr double seconds_an_hour = 3600;

constexpr std::uint64_t minutes_a_day = 1440;

// Slurm's "D-HH:MM:SS", whole minutes.
std::string limit_text(double seconds) {
  const auto minutes = static_cast<std::uint64_t>(std::ceil((seconds * room + start_seconds) / 60));
  const std::uint64_t days = minutes / minutes_a_day;
  const std::string time = fmt::format("{:02}:{:02}:00", minutes / 60 % 24, minutes % 60);
  return days > 0 ? fmt::format("{}-{}", days, time) : time;
}

std::string hours_text(double core_seconds) {
  const double hours = core_seconds / seconds_an_hour;
  return hours < 0.1 ? fmt::format("{:.0f} core-seconds", core_seconds)
                     : fmt::format("{:.1f} core-hours", hours);
}

}  // namespace

std::string advice(const Summary& s, const Allocation& allocation) {
  const double all = s.wall_seconds * s.threads;
  if (!(all > 0) || !(s.busy_seconds > 0) || s.tasks == 0) return {};
  const double in_vain = std::min(s.wasted_seconds, s.busy_seconds), work = s.busy_seconds - in_vain;
  const double tail = std::clamp(s.tail_idle_seconds, 0.0, std::max(0.0, all - s.busy_seconds));
  const double waiting = std::max(0.0, all - s.busy_seconds - tail), overhead = std::max(all - work, 1e-9);
  const auto percent = [&](double part) { return fmt::format("{:.1f} %", 100 * part / all); };
  std::string text =
      fmt::format("of {}: {} work, {} in vain (retried or lost), {} idle at the end, {} {}", hours_text(all),
                  percent(work), percent(in_vain), percent(tail), percent(waiting),
                  s.lost_ranks > 0 ? "waiting, or of lost ranks" : "waiting");
  if (s.lost_ranks > 0) return text;  // what the run would have been without the loss is not known
  const double slots_a_node = static_cast<double>(s.threads) / allocation.nodes;
  const double most_by_tasks = std::max(1.0, std::floor(static_cast<double>(s.tasks) / slots_a_node));
  const double most_by_work = allocation.nodes * work * (1 / worth_it - 1) / overhead;
  const double worth = std::clamp(std::floor(most_by_work), 1.0, most_by_tasks);
  const double nodes = std::min<double>(allocation.nodes, worth);
  // Of the whole run, were it all done in one start.
  const double done = static_cast<double>(s.succeeded + s.failed - s.resumed);
  const double share = done > 0 ? static_cast<double>(s.tasks) / done : 1;
  const double wall = share * (work / nodes + overhead / allocation.nodes) / slots_a_node;
  text +=
      fmt::format("\n  advice  for such a run: --nodes={} --ntasks-per-node={} --cpus-per-task={} --time={}",
                  nodes, allocation.ranks_per_node, allocation.cores_per_rank, limit_text(wall));
  text += worth > allocation.nodes ? fmt::format("; up to {:.0f} nodes would be worth it (80 % work)", worth)
                                   : fmt::format("; more than {:.0f} {} not worth it (80 % work)", worth,
                                                 worth == 1 ? "node is" : "nodes are");
  return text;
}

}  // namespace mpifarm

#include "run/summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/amounts.hpp"
#include "base/printable.hpp"
#include "describe/json.hpp"
#include "describe/value.hpp"

namespace mpifarm {
namespace {

constexpr std::size_t most_failure_lines = 8;
constexpr std::size_t most_rank_lines = 32;
constexpr std::size_t most_host_names = 4;

std::string counted(std::uint64_t number, const std::string& what) {
  return grouped(number) + " " + what + (number == 1 ? "" : "s");
}

std::string rank_lines(const Summary& s) {
  std::string text;
  for (const RankSummary& rank : s.per_rank) {
    if (&rank - s.per_rank.data() == most_rank_lines)
      return text + fmt::format("  ...     {} more, see summary.json\n",
                                counted(s.per_rank.size() - most_rank_lines, "rank"));
    text += fmt::format("  rank    {} on {}: {}, {} busy on {}{}\n", rank.rank, rank.host,
                        counted(rank.tasks, "task"), duration_text(rank.busy_seconds),
                        counted(rank.slots, "slot"), rank.lost ? ", lost" : "");
  }
  return text;
}

}  // namespace

std::string_view to_string(Stopped stopped) {
  switch (stopped) {
    case Stopped::asked:
      return "asked";
    case Stopped::time_up:
      return "time up";
    default:
      return "";
  }
}

std::string failure_text(const FailureGroup& group) {
  std::string where;
  for (std::size_t i = 0; i < std::min(group.hosts.size(), most_host_names); ++i)
    where.append(i == 0 ? ", on " : ", ").append(group.hosts[i]);
  if (group.hosts.size() > most_host_names)
    where += fmt::format(" and {} more", group.hosts.size() - most_host_names);
  return fmt::format("{} (task {}{})", printable(group.message), group.first_task, where);
}

std::string failure_lines(const std::vector<FailureGroup>& groups) {
  std::string text;
  for (const FailureGroup& group : groups) {
    if (&group - groups.data() == most_failure_lines)
      return text + fmt::format("  ...     {} more, see summary.json\n",
                                counted(groups.size() - most_failure_lines, "kind"));
    text += fmt::format("  {:<7} {}: {}\n", group.status == "timed out" ? "timeout" : group.status,
                        grouped(group.count), failure_text(group));
  }
  return text;
}

std::string to_json(const Summary& summary) {
  return describe::to_json(describe::to_value(summary), 2) + "\n";
}

std::string for_people(const Summary& s, const std::filesystem::path& run, const std::string& results) {
  std::string text =
      fmt::format("{} {}: {} of {} tasks succeeded", s.job, s.status, grouped(s.succeeded), grouped(s.tasks));
  if (s.failed > 0)
    text += fmt::format(", {}{} failed", s.failed == s.tasks && s.tasks > 1 ? "all " : "", grouped(s.failed));
  if (s.succeeded + s.failed < s.tasks)
    text += fmt::format(", {} to do", grouped(s.tasks - s.succeeded - s.failed));
  if (s.resumed > 0) text += fmt::format(" ({} by earlier starts)", grouped(s.resumed));
  text += '\n' + failure_lines(s.failures);
  if (s.threads > 0)
    text += fmt::format("  time    {} on {} ({}), {:.1f} % busy, {} tasks/s\n", duration_text(s.wall_seconds),
                        counted(s.threads, "slot"), counted(s.ranks, "rank"), s.utilisation * 100,
                        grouped(static_cast<std::uint64_t>(s.tasks_per_second)));
  if (s.ranks > 1) text += rank_lines(s);
  for (const std::string& host : s.fenced_hosts)
    text += fmt::format("  fenced  {}: everything failed there\n", host);
  if (s.left_running > 0)
    text += fmt::format("  left    {} left processes running, which were ended (column left_running)\n",
                        counted(s.left_running, "task"));
  text += fmt::format("  digest  {}\n  run     {}", s.digest, run.string());
  if (!results.empty()) text += "\n  results " + (run / results).string();
  return text;
}

}  // namespace mpifarm

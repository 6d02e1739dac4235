#include "run/summary.hpp"

#include <fmt/format.h>

#include "describe/json.hpp"
#include "describe/value.hpp"

namespace mpifarm {
namespace {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

std::string duration(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.2f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

}  // namespace

std::string to_json(const Summary& summary) {
  return describe::to_json(describe::to_value(summary), 2) + "\n";
}

std::string for_people(const Summary& s, const std::filesystem::path& run) {
  std::string text =
      fmt::format("{} {}: {} of {} tasks succeeded", s.job, s.status, grouped(s.succeeded), grouped(s.tasks));
  if (s.failed > 0) text += fmt::format(", {} failed", grouped(s.failed));
  if (s.succeeded + s.failed < s.tasks)
    text += fmt::format(", {} to do", grouped(s.tasks - s.succeeded - s.failed));
  if (s.resumed > 0) text += fmt::format(" ({} by earlier starts)", grouped(s.resumed));
  text += '\n';
  if (s.threads > 0)
    text += fmt::format("  time    {} on {} ({}), {:.1f} % busy, {} tasks/s\n", duration(s.wall_seconds),
                        s.threads == 1 ? "1 slot" : fmt::format("{} slots", s.threads),
                        s.ranks == 1 ? "1 rank" : fmt::format("{} ranks", s.ranks), s.utilisation * 100,
                        grouped(static_cast<std::uint64_t>(s.tasks_per_second)));
  if (s.ranks > 1)
    for (const RankSummary& rank : s.per_rank)
      text += fmt::format("  rank    {} on {}: {} tasks, {} busy on {} slot{}{}\n", rank.rank, rank.host,
                          grouped(rank.tasks), duration(rank.busy_seconds), rank.slots,
                          rank.slots == 1 ? "" : "s", rank.lost ? ", lost" : "");
  text += fmt::format("  digest  {}\n  run     {}", s.digest, run.string());
  return text;
}

}  // namespace mpifarm

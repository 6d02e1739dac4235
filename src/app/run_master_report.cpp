// What rank 0 says of its run: progress, status.json and the summary.

#include <algorithm>
#include <set>

#include "app/run_master.hpp"
#include "app/slurm_job.hpp"
#include "base/clock.hpp"
#include "base/cores.hpp"
#include "base/log.hpp"
#include "describe/json.hpp"
#include "run/advice.hpp"

namespace mpifarm::app {

ProgressView RunMaster::view(TimePoint now) const {
  const Progress p = master_.progress(now);
  std::uint64_t slots = 0;
  for (const auto& [rank, tally] : scheduler_.tallies()) slots += tally.slots;
  ProgressView view{.job = std::string{plan_.type->name()},
                    .done = p.committed,
                    .failed = p.failed,
                    .running = std::min(p.leased, slots),
                    .total = plan_.manifest.tasks,
                    .wall_seconds = p.wall_seconds,
                    .per_second = speed_.per_second(),
                    .ranks = {}};
  if (!view.total && !p.source_open) view.total = p.known;
  if ((view.per_second <= 0 || scheduler_.finished()) && p.wall_seconds > 0)
    view.per_second = static_cast<double>(p.committed - p.resumed) / p.wall_seconds;
  if (!start_.verbose) return view;
  for (const auto& [rank, tally] : scheduler_.tallies())
    view.ranks.push_back(
        {rank, master_.workers()[static_cast<std::size_t>(rank)].host, tally.tasks,
         tally.slots > 0 && p.wall_seconds > 0 ? seconds(tally.busy) / (p.wall_seconds * tally.slots) : 0});
  return view;
}

void RunMaster::post_status(TimePoint now) {
  const Progress p = master_.progress(now);
  const ProgressView view = this->view(now);
  using Object = describe::Value::Object;
  Object status{{"status", "running"},
                {"job", plan_.type->name()},
                {"tasks", view.total.value_or(p.known)},
                {"source_open", p.source_open && !plan_.manifest.tasks},
                {"committed", p.committed},
                {"succeeded", p.succeeded},
                {"failed", p.failed},
                {"leased", p.leased},
                {"resumed", p.resumed},
                {"ranks", transport_.size()},
                {"wall_seconds", p.wall_seconds},
                {"tasks_per_second", view.per_second},
                {"lost_hosts", describe::to_value(lost_hosts())},
                {"fenced_hosts", describe::to_value(master_.fenced_hosts())},
                {"updated", utc_timestamp()},
                {"failures", describe::to_value(failures().groups())}};
  if (const auto left = view.seconds_left()) status.emplace_back("seconds_left", *left);
  committer_->post_status(plan_.directory.status(), describe::to_json(describe::Value{status}, 2) + "\n");
}

Failures RunMaster::failures() const {
  Failures all = totals_.failures;
  all.add(committer_->failures());
  return all;
}

std::vector<std::string> RunMaster::lost_hosts() const {
  std::set<std::string> hosts;
  for (const auto& [rank, tally] : scheduler_.tallies())
    if (tally.lost) hosts.insert(master_.workers()[static_cast<std::size_t>(rank)].host);
  hosts.erase(host_name());
  hosts.erase("");  // lost before it said its own
  return {hosts.begin(), hosts.end()};
}

void RunMaster::watch_tail(TimePoint now) {
  if (tail_began_ || !scheduler_.all_out()) return;
  tail_began_ = now;
  busy_before_tail_ = spent().busy + scheduler_.under_way(now) * width();
}

double RunMaster::tail_idle() const {
  if (!tail_began_) return 0;
  std::uint64_t slots = 0;
  for (const auto& [rank, tally] : scheduler_.tallies()) slots += std::uint64_t{tally.slots} * width();
  const double wall = std::max(0.0, seconds(master_.last_commit() - *tail_began_)),
               busy = seconds(spent().busy - busy_before_tail_);
  return std::clamp(wall * static_cast<double>(slots) - busy, 0.0, wall * static_cast<double>(slots));
}

// In a Slurm job: what its core-hours were used for.
void RunMaster::advise(const Summary& summary) const {
  const auto allocation = slurm_allocation(transport_.size(), summary.threads);
  if (!allocation) return;
  if (const std::string text = advice(summary, *allocation); !text.empty()) log::info(text);
}

journal::Spent RunMaster::spent() const {
  journal::Spent spent{.wall = master_.wall()};
  for (const auto& [rank, tally] : scheduler_.tallies()) {
    spent.busy += tally.busy * width();
    spent.cpu += tally.cpu;
  }
  return spent;
}

void RunMaster::record_spent() {
  const journal::Spent now = spent();
  if (now != std::exchange(recorded_, now)) committer_->submit({now}, scheduler_.order());
}

Summary RunMaster::summarise() const {
  Summary s;
  s.status = scheduler_.finished() || (plan_.survey && plan_.survey->complete) ? "complete" : "unfinished";
  s.stopped = to_string(stopped_);
  s.job = plan_.type->name();
  s.succeeded = scheduler_.succeeded();
  s.failed = scheduler_.failed();
  s.tasks = std::max(scheduler_.known(), scheduler_.committed());
  s.resumed = scheduler_.resumed();
  s.ranks = static_cast<unsigned>(transport_.size());
  for (const auto& [rank, tally] : scheduler_.tallies()) {
    const std::string& host = master_.workers()[static_cast<std::size_t>(rank)].host;
    s.per_rank.push_back({rank, host, tally.slots * width(), tally.lost, tally.tasks, tally.attempts,
                          tally.failed_attempts, seconds(tally.busy * width()), seconds(tally.cpu)});
    s.threads += tally.slots * width();
    s.lost_ranks += tally.lost ? 1 : 0;
    s.attempts += tally.attempts;
  }
  s.lost_hosts = lost_hosts();
  const journal::Spent spent = this->spent();
  for (const auto& [rank, tally] : scheduler_.tallies()) s.wasted_seconds += seconds(tally.wasted * width());
  s.tail_idle_seconds = tail_idle();
  s.wall_seconds = seconds(spent.wall);
  s.busy_seconds = seconds(spent.busy);
  s.cpu_seconds = seconds(spent.cpu);
  s.total_wall_seconds = seconds(spent.wall + earlier_.spent.wall);
  s.total_busy_seconds = seconds(spent.busy + earlier_.spent.busy);
  s.total_cpu_seconds = seconds(spent.cpu + earlier_.spent.cpu);
  if (s.wall_seconds > 0) {
    s.utilisation = s.busy_seconds / (s.wall_seconds * s.threads);
    s.tasks_per_second = static_cast<double>(scheduler_.committed() - s.resumed) / s.wall_seconds;
  }
  s.digest = totals_.digest.hex();
  s.failures = totals_.failures.groups();
  s.left_running = totals_.left_running;
  s.slots_per_task = width();
  s.fenced_hosts = master_.fenced_hosts();
  s.total_attempts = scheduler_.replayed_attempts() + s.attempts;
  s.starts = static_cast<unsigned>(plan_.survey ? plan_.survey->segments.size() + 1 : 1);
  s.order = plan_.manifest.order;
  s.seed = plan_.manifest.seed;
  s.started = started_;
  s.ended = utc_timestamp();
  return s;
}

}  // namespace mpifarm::app

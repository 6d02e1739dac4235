#include "sim/cluster.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <tuple>

#include "base/error.hpp"

namespace mpifarm::sim {
namespace {

enum EventKind : std::uint8_t { lease_done, delivered, reports, master_turns, committed };

// As the real ones: node/loop.hpp, node/master.cpp.
constexpr Nanos least_nap{20'000}, longest_nap{3'000'000};
constexpr std::int64_t report_takes = 10'000;  // of a node's loop
constexpr std::uint64_t most_backlog_bytes = 1 << 20;
constexpr std::uint64_t lease_header_bytes = 40;
constexpr std::int64_t longest_run = 3'000'000'000'000'000'000;  // ns, 95 years: twice that still fits

std::int64_t nanos(double seconds) { return std::llround(seconds * 1e9); }
double in_seconds(std::int64_t nanos) { return static_cast<double>(nanos) * 1e-9; }

sched::Options scheduler_options(const ClusterOptions& options) {
  sched::Options result;
  result.count = options.count;
  result.seed = options.seed;
  result.batching = options.batching;
  return result;
}

}  // namespace

Cluster::Cluster(const ClusterOptions& options)
    : options_{options}, scheduler_{scheduler_options(options)}, nodes_(options.nodes) {
  for (std::uint32_t node = 0; node < options.nodes; ++node) {
    nodes_[node].idle_slots = options.slots;
    scheduler_.on_worker_joined(static_cast<int>(node), options.slots);
  }
}

Report Cluster::run() {
  schedule(turn_at_ = 0, master_turns, 0);
  while (!scheduler_.finished()) {
    if (events_.empty()) throw std::logic_error{"the simulated run stands still with tasks left"};
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    on_event(event);
  }
  return finish();
}

void Cluster::on_event(const Event& event) {
  switch (event.kind) {
    case lease_done:
      return on_lease_done(event.what);
    case delivered: {
      const std::uint32_t node = outbox_.front().node;  // of several at one time, the first sent
      for (wire::Lease& lease : outbox_.front().assign.leases) {
        nodes_[node].queued_tasks += lease.count;
        nodes_[node].queue.push_back(std::move(lease));
      }
      outbox_.pop_front();
      return start_leases(node);
    }
    case reports:
      if (event.at == nodes_[event.what].report_at) report(event.what);  // else it was moved forward
      return;
    case master_turns:
      if (event.at == turn_at_) turn();
      return;
    default:
      scheduler_.on_committed(commits_.front().second, 0);
      backlog_bytes_ -= commits_.front().second * options_.result_bytes;
      commits_.pop_front();
      last_commit_ = now_;
      if (!scheduler_.finished()) wake_master(now_);
  }
}

void Cluster::start_leases(std::uint32_t index) {
  Node& node = nodes_[index];
  while (node.idle_slots > 0 && !node.queue.empty()) {
    const wire::Lease lease = std::move(node.queue.front());
    node.queue.pop_front();
    node.queued_tasks -= lease.count;
    --node.idle_slots;
    Time duration = 0;
    for (std::uint64_t i = 0; i < lease.count; ++i) {
      const Time one = options_.durations.draw(options_.seed, lease.first.value + i).count();
      duration += one;
      if (now_ + duration > longest_run)
        throw BadInput{"the simulated run takes more than 95 years (tasks of " + options_.durations.text() +
                       "); give shorter ones, or fewer a batch or a slot"};
      longest_ = std::max(longest_, one);
    }
    work_ += in_seconds(duration);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(running_.size()));
      running_.emplace_back();
    }
    Running& running = running_[free_.back()];
    running.node = index;
    running.outcome = {lease.id,
                       {lease.first, lease.count, lease.count, {}},  // its bytes are made when they arrive
                       Nanos{duration},
                       Nanos{duration}};
    schedule(now_ + duration, lease_done, free_.back());
    free_.pop_back();
  }
}

void Cluster::on_lease_done(std::uint32_t index) {
  Running& running = running_[index];
  const std::uint32_t at = running.node;
  Node& node = nodes_[at];
  node.task_seconds = seconds(running.outcome.busy) / static_cast<double>(running.outcome.block.count);
  node.done.leases.push_back(std::move(running.outcome));
  free_.push_back(index);
  ++node.idle_slots;
  start_leases(at);
  const double queue_lasts = static_cast<double>(node.queued_tasks) * node.task_seconds / options_.slots;
  const Time interval = sched::report_interval(Nanos{nanos(queue_lasts)}).count();
  const Time due = std::max(node.last_report + interval, node.loop_free);
  if (due <= now_)
    report(at);
  else if (due < node.report_at)
    schedule(node.report_at = due, reports, at);
}

void Cluster::report(std::uint32_t at) {
  Node& node = nodes_[at];
  node.report_at = never;
  if (node.done.leases.empty()) return;
  node.last_report = now_;
  node.loop_free = now_ + report_takes;
  std::uint64_t bytes = 0;
  for (const wire::LeaseOutcomes& part : node.done.leases)
    bytes += lease_header_bytes + part.block.count * options_.result_bytes;
  const Time arrival = transfer(in_free_, bytes);
  inbox_.push_back({arrival, at, std::exchange(node.done, {})});
  wake_master(arrival);
}

// When the message has crossed the network, which brings one after the other to or from rank 0.
Cluster::Time Cluster::transfer(Time& link_free, std::uint64_t bytes) {
  link_free = std::max(link_free, now_) + nanos(static_cast<double>(bytes) / options_.bytes_per_second);
  return link_free + nanos(options_.latency_seconds);
}

// The loop polls in naps that grow while nothing comes.
void Cluster::wake_master(Time arrival) {
  Time poll = master_free_;
  Backoff naps{least_nap, longest_nap};
  Time nap = 0;
  for (; poll < arrival && nap < longest_nap.count(); poll += nap) nap = naps.next().count();
  if (poll < arrival) poll += (arrival - poll + nap - 1) / nap * nap;
  if (poll < turn_at_) schedule(turn_at_ = poll, master_turns, 0);
}

// One turn of rank 0's loop: all that has arrived, then the hand-out.
void Cluster::turn() {
  turn_at_ = never;
  const MasterCost& cost = options_.cost;
  double spent = 0;
  std::uint64_t accepted = 0;
  const auto charge = [&](std::uint64_t leases, std::uint64_t tasks) {
    spent += static_cast<double>(leases) * cost.lease / 2 +  // the other half with the other direction
             static_cast<double>(tasks) * cost.task;
  };
  for (; !inbox_.empty() && inbox_.front().at <= now_; inbox_.pop_front()) {
    Arrival& arrival = inbox_.front();
    std::uint64_t tasks = 0;
    for (wire::LeaseOutcomes& part : arrival.outcomes.leases) {
      tasks += part.block.count;
      part.block.entries.assign(part.block.count * options_.result_bytes, 'x');
    }
    spent += cost.message;
    ++report_.messages;
    charge(arrival.outcomes.leases.size(), tasks);
    accepted += tasks;
    scheduler_.on_outcomes(static_cast<int>(arrival.node), std::move(arrival.outcomes),
                           TimePoint{Nanos{now_}}, out_);
  }
  out_.records.clear();
  scheduler_.dispatch(TimePoint{Nanos{now_}}, !options_.journal || backlog_bytes_ < most_backlog_bytes, out_);
  for (auto& [rank, message] : out_.messages) {
    auto& assign = std::get<wire::Assign>(message);
    spent += cost.message;
    ++report_.messages;
    report_.leases += assign.leases.size();
    charge(assign.leases.size(), 0);
    const Time sent = now_;
    now_ += nanos(spent);
    const Time arrival = transfer(out_free_, assign.leases.size() * lease_header_bytes);
    now_ = sent;
    outbox_.push_back({arrival, static_cast<std::uint32_t>(rank), std::move(assign)});
    schedule(arrival, delivered, static_cast<std::uint32_t>(rank));
  }
  out_.messages.clear();
  master_busy_ += nanos(spent);
  master_free_ = now_ + nanos(spent);
  report_.most_leases = std::max(report_.most_leases, scheduler_.leases_out());
  report_.most_intervals = std::max<std::uint64_t>(report_.most_intervals, scheduler_.done_intervals());
  if (accepted > 0) commit(accepted);
  if (!inbox_.empty()) wake_master(inbox_.front().at);
}

void Cluster::commit(std::uint64_t tasks) {
  const Time takes = options_.journal ? nanos(static_cast<double>(tasks) * options_.cost.commit) : 0;
  committer_free_ = std::max(committer_free_, master_free_) + takes;
  committer_busy_ += takes;
  backlog_bytes_ += tasks * options_.result_bytes;
  commits_.emplace_back(committer_free_, tasks);
  schedule(committer_free_, committed, 0);
}

void Cluster::schedule(Time at, std::uint8_t kind, std::uint32_t what) { events_.push({at, what, kind}); }

Report Cluster::finish() const {
  if (scheduler_.committed() != options_.count) throw std::logic_error{"the simulated run lost tasks"};
  Report report = report_;
  const double slots = static_cast<double>(options_.nodes) * options_.slots;
  report.makespan_seconds = in_seconds(last_commit_);
  report.work_seconds = work_;
  report.bound_seconds = std::max(report.work_seconds / slots, in_seconds(longest_));
  if (last_commit_ > 0) {
    report.efficiency = report.bound_seconds / report.makespan_seconds;
    report.master_busy = in_seconds(master_busy_) / report.makespan_seconds;
    report.committer_busy = in_seconds(committer_busy_) / report.makespan_seconds;
  }
  constexpr std::uint64_t interval_bytes = 64;  // a node of the set's tree
  report.master_bytes = report.most_leases * (sizeof(sched::Lease) + sizeof(LeaseId) + 16) +
                        report.most_intervals * interval_bytes + most_backlog_bytes;
  return report;
}

std::optional<double> shortest_mean(ClusterOptions options, double wanted, std::uint64_t tasks_per_slot) {
  const std::uint64_t slots = std::uint64_t{options.nodes} * options.slots;
  options.count = std::min(options.count, slots * tasks_per_slot);
  const auto reaches = [&](double mean) {
    options.durations.mean = mean;
    ClusterOptions ideal = options;
    ideal.cost = {};
    ideal.latency_seconds = 0;
    ideal.bytes_per_second = 1e15;
    return simulate(options).efficiency >= wanted * simulate(ideal).efficiency;
  };
  constexpr double least = least_mean, most = 1e4, precision = 1.1;
  double enough = std::clamp(options.durations.mean, least, most);
  while (!reaches(enough)) {
    if (enough == most) return std::nullopt;
    enough = std::min(enough * 4, most);
  }
  double too_short = std::max(enough / 4, least);
  while (enough > least && reaches(too_short))
    enough = std::exchange(too_short, std::max(too_short / 4, least));
  while (enough > least && enough / too_short > precision) {
    const double middle = std::sqrt(enough * too_short);
    (reaches(middle) ? enough : too_short) = middle;
  }
  return enough;
}

}  // namespace mpifarm::sim

#pragma once
// The scheduler and the codec without clock, transport and threads: what a benchmark times and an instruction
// counter counts.

#include <string>
#include <utility>
#include <vector>

#include "sched/scheduler.hpp"
#include "wire/codec.hpp"

namespace mpifarm::bench {

// The whole of a run as the scheduler sees it: hand out, answer, commit, until `tasks` are done. Returns how
// many are committed in the end.
inline std::uint64_t schedule(std::uint64_t tasks, std::uint64_t batch, bool sequential) {
  constexpr int ranks = 8;
  constexpr unsigned slots = 4;
  sched::Options options;
  options.sequential = sequential;
  options.count = tasks;
  options.batching = {.batch = batch, .prefetch = 60 * batch};
  sched::Scheduler scheduler{options};
  for (int rank = 0; rank < ranks; ++rank) scheduler.on_worker_joined(rank, slots);
  const Bytes entries = successes(batch, Bytes(8, 'x'));
  const std::size_t entry_bytes = entries.size() / batch;
  std::uint64_t pulled = 0;
  sched::Outbox out;
  for (TimePoint now{}; !scheduler.finished(); now += Nanos{1000}) {
    if (const std::uint64_t wanted = scheduler.items_wanted(); sequential && wanted > 0) {
      std::vector<Bytes> items;
      items.reserve(wanted);
      for (; items.size() < wanted && pulled < tasks; ++pulled) items.emplace_back(40, 'd');
      scheduler.on_items(std::move(items), pulled == tasks, out);
    }
    scheduler.dispatch(now, true, out);
    for (auto& [rank, message] : std::exchange(out.messages, {})) {
      wire::Outcomes outcomes;
      outcomes.leases.reserve(std::get<wire::Assign>(message).leases.size());
      for (const wire::Lease& lease : std::get<wire::Assign>(message).leases) {
        wire::LeaseOutcomes& part = outcomes.leases.emplace_back();
        part.lease = lease.id;
        part.block.first = lease.first;
        part.block.count = part.block.succeeded = lease.count;
        part.block.entries.assign(entries, 0, lease.count * entry_bytes);
        part.busy = part.cpu = Nanos{1000};
      }
      scheduler.on_outcomes(rank, std::move(outcomes), now, out);
    }
    for (const journal::Record& record : out.records)
      if (const auto* outcomes = std::get_if<journal::Outcomes>(&record))
        scheduler.on_committed(outcomes->block.succeeded, outcomes->block.count - outcomes->block.succeeded);
    out.records.clear();
  }
  return scheduler.committed();
}

// One message each way, with `leases` batches of `batch` tasks. Returns the tasks that came out.
inline std::uint64_t exchange_messages(std::uint64_t leases, std::uint64_t batch) {
  wire::Assign assign;
  wire::Outcomes outcomes;
  for (std::uint64_t i = 0; i < leases; ++i) {
    assign.leases.push_back({{i}, {i * batch}, batch, 1, {}});
    outcomes.leases.push_back(
        {{i}, {{i * batch}, batch, batch, successes(batch, Bytes(16, 'x'))}, Nanos{1}, Nanos{1}});
  }
  std::uint64_t tasks = 0;
  const wire::ToWorker there = wire::decode_to_worker(wire::encode(wire::ToWorker{std::move(assign)}));
  for (const wire::Lease& lease : std::get<wire::Assign>(there).leases) tasks += lease.count;
  const wire::ToMaster back = wire::decode_to_master(wire::encode(wire::ToMaster{std::move(outcomes)}));
  for (const wire::LeaseOutcomes& part : std::get<wire::Outcomes>(back).leases) tasks += part.block.count;
  return tasks / 2;
}

}  // namespace mpifarm::bench

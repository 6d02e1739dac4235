#include "sched/batching.hpp"

#include <algorithm>
#include <cmath>

namespace mpifarm::sched {
namespace {

constexpr double master_lease_seconds = 2e-7;  // but so long that one master keeps up with all slots
constexpr double held_seconds = 20e-3;         // a worker's queue lasts about this long
// Tasks this long are not queued behind others: a round trip costs nothing beside them, even when all slots
// ask at once.
constexpr double no_prefetch_seconds = 0.1, no_prefetch_seconds_a_slot = 2e-4;
constexpr Nanos longest_report_interval = std::chrono::milliseconds{50};
constexpr double batch_bytes = 128e3;  // descriptors and results of a batch, at most about
constexpr double held_bytes = 4e6;     // and of what workers hold beyond two batches a slot
constexpr std::uint64_t most_tasks = 1 << 20;

std::uint64_t whole(double tasks) {
  return static_cast<std::uint64_t>(std::clamp(tasks, 1.0, static_cast<double>(most_tasks)));
}

}  // namespace

void TaskCost::observe(std::uint64_t tasks, Nanos busy, std::uint64_t bytes) {
  if (tasks == 0) return;
  const double count = static_cast<double>(tasks);
  const double task_seconds = std::max(mpifarm::seconds(busy) / count, 1e-9);
  const double task_bytes = static_cast<double>(bytes) / count;
  tasks_ += count;  // many tasks count for more than the few that were first, and cold
  const double weight = std::max(0.3, count / tasks_);
  seconds_ += weight * (task_seconds - seconds_);
  bytes_ += weight * (task_bytes - bytes_);
}

// Factoring (Hummel, Schonberg, Flynn 1992): a batch is at most half of an even share of what is left, so
// batches shrink to 1 at the tail. There, nothing is queued behind a running task either, as another slot may
// be free sooner.
HandOut hand_out(const BatchingOptions& options, const TaskCost& cost, std::uint64_t left,
                 std::uint64_t slots_here, std::uint64_t slots_all, double speed) {
  HandOut result;
  const std::uint64_t share = std::max<std::uint64_t>(1, left / (2 * slots_all));
  const double slots = static_cast<double>(slots_all);
  if (options.batch)
    result.batch = *options.batch;
  else if (cost.known())
    result.batch = std::min(
        {whole(std::max(seconds(options.batch_lasts), master_lease_seconds * slots) / cost.seconds()),
         whole(batch_bytes / std::max(cost.bytes(), 1.0)), share});

  const std::uint64_t running = slots_here * result.batch;
  std::uint64_t prefetch = running;  // before anything is known: one more for each slot
  if (options.prefetch) {
    prefetch = *options.prefetch;
  } else if (left < 2 * slots_all ||
             (cost.known() &&
              cost.seconds() >= std::max(no_prefetch_seconds, no_prefetch_seconds_a_slot * slots))) {
    prefetch = 0;
  } else if (cost.known()) {
    // Where memory is the limit, a slow worker holds less, so that its queue is no longer than others': what
    // is to come in order would wait for it.
    const double part = std::clamp(speed, 0.1, 1.0) / slots;
    const std::uint64_t fits = whole(held_bytes / std::max(cost.bytes(), 1.0) * part);
    const std::uint64_t lasts = std::min(whole(held_seconds / cost.seconds()), std::max(share, result.batch));
    prefetch = std::max(running, slots_here * std::min(lasts, fits));
  }
  result.hold = running + prefetch;
  return result;
}

Nanos report_interval(Nanos queue_lasts) { return std::min(queue_lasts / 4, longest_report_interval); }

}  // namespace mpifarm::sched

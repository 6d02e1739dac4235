// Whole runs of the real scheduler and codec with simulated workers, from hundreds of seeds.

#include "support/simulation.hpp"

#include <gtest/gtest.h>

namespace mpifarm {
namespace {

using support::Simulation;
using support::SimulationOptions;

SimulationOptions random_options(std::uint64_t seed) {
  std::mt19937_64 random{seed ^ 0x5eed};
  const auto below = [&random](std::uint64_t n) { return random() % n; };
  SimulationOptions options;
  options.workers = static_cast<int>(1 + below(8));
  options.losses = below(2) == 0;
  options.restarts = below(2) == 0 ? 0 : static_cast<unsigned>(1 + below(3));
  options.tasks.seed = seed;
  options.tasks.count = below(10) == 0 ? below(3) : below(120);
  options.tasks.sequential = below(2) == 0;
  options.tasks.failure_rate = below(2) == 0 ? 0 : 0.3;
  options.tasks.retries = static_cast<unsigned>(below(4));

  sched::Options& scheduler = options.scheduler;
  scheduler.sequential = options.tasks.sequential;
  scheduler.count = options.tasks.sequential ? 0 : options.tasks.count;
  scheduler.order = static_cast<OrderKind>(below(3));
  scheduler.seed = seed;
  scheduler.retries = options.tasks.retries;
  scheduler.retry_delay = Nanos{static_cast<std::int64_t>(below(2) * 4'000'000)};
  scheduler.window = 1 + below(40);
  if (below(3) == 0) scheduler.batching.batch = 1 + below(12);
  if (below(3) == 0) scheduler.batching.prefetch = below(12);
  if (below(4) == 0) scheduler.most_ahead = 1 + below(30);
  scheduler.copies = below(2) == 0;
  scheduler.copy_age = Nanos{static_cast<std::int64_t>(below(3) * 1'000'000)};
  scheduler.isolates_suspects = true;
  scheduler.crash_limit = static_cast<unsigned>(1 + below(3));
  for (std::uint64_t left = options.tasks.count > 0 ? below(3) : 0; left > 0; --left)
    options.tasks.poison.insert(below(options.tasks.count));
  return options;
}

TEST(SimulatedRuns, EndWithEveryTaskOnce) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Simulation simulation{random_options(seed), seed};
    try {
      simulation.run();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "seed " << seed << ": " << error.what();
      return;
    }
  }
}

TEST(SimulatedRuns, DropWhatLostWorkersAndOldLeasesSay) {
  SimulationOptions options;
  options.tasks.count = 100;
  options.scheduler.count = 100;
  options.workers = 4;
  options.losses = true;
  std::uint64_t stale = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Simulation simulation{options, seed};
    ASSERT_NO_THROW(simulation.run()) << "seed " << seed;
    stale += simulation.stale();
  }
  EXPECT_GT(stale, 0U) << "the simulation never repeated an old answer";
}

// A fresh scheduler that replays the first part of a run's journal finishes exactly the rest.
TEST(SimulatedRuns, GoOnFromEveryPartOfTheirJournal) {
  SimulationOptions options = random_options(3);
  options.tasks = {
      .seed = 8, .count = 40, .sequential = false, .retries = 2, .failure_rate = 0.3, .poison = {}};
  options.scheduler = {};
  options.scheduler.count = 40;
  options.scheduler.order = OrderKind::shuffle;
  options.scheduler.seed = 8;
  options.scheduler.retries = 2;
  options.restarts = 0;
  Simulation first{options, 1};
  first.run();
  for (std::size_t size = 0; size <= first.journal().size(); ++size) {
    sched::Scheduler second{options.scheduler};
    std::uint64_t outcomes = 0;
    for (std::size_t i = 0; i < size; ++i) {
      second.on_replayed(first.journal()[i]);
      if (const auto* block = std::get_if<journal::Outcomes>(&first.journal()[i]))
        outcomes += block->block.count;
    }
    second.check_invariants();
    EXPECT_EQ(second.resumed(), outcomes);
    EXPECT_EQ(second.committed(), outcomes);
    EXPECT_EQ(second.finished(), outcomes == 40);
    second.on_worker_joined(1, 50);
    std::uint64_t handed_out = 0;
    for (bool more = true; more;) {
      sched::Outbox out;
      second.dispatch({}, true, out);
      more = !out.messages.empty();
      for (const auto& [rank, message] : out.messages)
        for (const wire::Lease& lease : std::get<wire::Assign>(message).leases) handed_out += lease.count;
    }
    EXPECT_EQ(handed_out, 40 - outcomes);
    second.check_invariants();
  }
}

}  // namespace
}  // namespace mpifarm

// Workers that join, answer, get lost and drain.

#include "sched/scheduler.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "driver.hpp"

namespace mpifarm::sched {
namespace {

Options of(std::uint64_t count) {
  Options options;
  options.count = count;
  return options;
}

Options in_batches(std::uint64_t count, std::uint64_t batch, std::uint64_t prefetch = 0) {
  Options options = of(count);
  options.batching = {.batch = batch, .prefetch = prefetch};
  return options;
}

TEST(Scheduler, OfNoTasksIsFinishedAtOnce) {
  Driver driver{of(0)};
  EXPECT_TRUE(driver.scheduler.finished());
  driver.join(0, 4);
  EXPECT_TRUE(driver.dispatch().empty());
}

TEST(Scheduler, HandsNothingToNobodyOrToWorkersWithoutSlots) {
  Driver driver{of(10)};
  EXPECT_TRUE(driver.dispatch().empty());
  driver.join(0, 0);
  EXPECT_TRUE(driver.dispatch().empty());
}

TEST(Scheduler, EveryTaskGoesOutOnceAndCountsWhenCommitted) {
  Driver driver{of(1000)};
  for (Rank rank = 0; rank < 3; ++rank) driver.join(rank, 2);
  const auto times = driver.work_off();
  EXPECT_EQ(times.size(), 1000U);
  for (const auto& [position, count] : times) EXPECT_EQ(count, 1) << position;
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.succeeded(), 1000U);
  EXPECT_EQ(driver.scheduler.resumed(), 0U);
  std::uint64_t tasks = 0;
  for (const auto& [rank, tally] : driver.scheduler.tallies()) tasks += tally.tasks;
  EXPECT_EQ(tasks, 1000U);
}

TEST(Scheduler, IsNotFinishedBeforeTheJournalSaysSo) {
  Driver driver{of(2)};
  driver.join(0, 4);
  for (const Given& given : driver.dispatch()) driver.answer(given);
  EXPECT_FALSE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.committed(), 0U);
  EXPECT_EQ(driver.scheduler.uncommitted(), 2U);
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

TEST(Scheduler, GrantsNoCreditWhileTheJournalIsBehind) {
  Driver driver{of(100)};
  driver.join(0, 2);
  EXPECT_TRUE(driver.dispatch(false).empty());
  EXPECT_FALSE(driver.dispatch(true).empty());
}

TEST(Scheduler, AWorkerHoldsWhatItsSlotsAndPrefetchAllow) {
  Driver driver{in_batches(1000, 5, 10)};
  driver.join(0, 3);
  EXPECT_EQ(tasks_in(driver.dispatch()), 3U * 5 + 10);
  EXPECT_EQ(driver.scheduler.leased(), 25U);
  EXPECT_TRUE(driver.dispatch().empty());
}

TEST(Scheduler, ALeaseThatTakesLongKeepsNoOtherSlotIdle) {
  constexpr std::uint64_t tasks = 30'000;
  Driver driver{of(tasks)};
  driver.join(0, 2);
  std::optional<Given> stuck;
  for (auto given = driver.dispatch(); !given.empty(); given = driver.dispatch())
    for (const Given& one : given) {
      if (!stuck && one.lease.count > 1000)
        stuck = one;
      else
        driver.answer(one);
    }
  driver.commit_all();
  ASSERT_TRUE(stuck);
  EXPECT_EQ(driver.scheduler.committed(), tasks - stuck->lease.count);
}

TEST(Scheduler, FewTasksReachAllWorkers) {
  Driver driver{in_batches(4, 1)};
  for (Rank rank = 0; rank < 4; ++rank) driver.join(rank, 1);
  std::set<Rank> ranks;
  for (const Given& given : driver.dispatch()) ranks.insert(given.rank);
  EXPECT_EQ(ranks.size(), 4U);
}

TEST(Scheduler, SmallOutcomesThatFollowEachOtherShareARecord) {
  Driver driver{in_batches(60, 3)};
  driver.join(0, 4);
  const std::vector<Given> given = driver.dispatch();
  ASSERT_GE(given.size(), 4U);
  wire::Outcomes outcomes;
  for (const std::size_t i : {0U, 1U, 3U}) {
    OutcomeBlock block{given[i].lease.first, 3, 3, {}};
    for (int task = 0; task < 3; ++task) append_entry(block.entries, Outcome::succeeded, "r");
    outcomes.leases.push_back({given[i].lease.id, block, Nanos{1}, Nanos{1}});
  }
  Outbox out;
  driver.scheduler.on_outcomes(0, outcomes, {}, out);
  driver.scheduler.check_invariants();
  ASSERT_EQ(out.records.size(), 2U) << "the third does not follow the second";
  const auto& first = std::get<journal::Outcomes>(out.records[0]).block;
  EXPECT_EQ(first.first, given[0].lease.first);
  EXPECT_EQ(first.count, 6U);
  EXPECT_EQ(first.succeeded, 6U);
  BytesView entries = first.entries;
  for (int task = 0; task < 6; ++task) EXPECT_EQ(take_entry(entries).payload, "r");
  EXPECT_TRUE(entries.empty());
}

TEST(Scheduler, LargeOutcomesHaveARecordEach) {
  Driver driver{in_batches(2, 1)};
  driver.join(0, 2);
  const std::vector<Given> given = driver.dispatch();
  ASSERT_EQ(given.size(), 2U);
  wire::Outcomes outcomes;
  for (const Given& one : given) {
    OutcomeBlock block{one.lease.first, 1, 1, {}};
    append_entry(block.entries, Outcome::succeeded, std::string(3000, 'x'));
    outcomes.leases.push_back({one.lease.id, block, Nanos{1}, Nanos{1}});
  }
  Outbox out;
  driver.scheduler.on_outcomes(0, outcomes, {}, out);
  EXPECT_EQ(out.records.size(), 2U);
}

TEST(LeaseTable, TheIdOfAnEndedLeaseFindsNothing) {
  LeaseTable table;
  const auto add = [&table](int rank, Bytes descriptors) {
    auto [id, lease] = table.add();
    EXPECT_TRUE(lease.descriptors.empty());
    lease.rank = rank;
    lease.descriptors = std::move(descriptors);
    return id;
  };
  const LeaseId first = add(1, "d");
  ASSERT_NE(table.find(first), nullptr);
  EXPECT_EQ(table.find(first)->descriptors, "d");
  table.remove(first);
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_TRUE(table.empty());
  const LeaseId second = add(2, {});
  EXPECT_NE(second, first) << "the place is the same, the id is not";
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(table.find(second)->rank, 2);
  EXPECT_EQ(table.find({12345}), nullptr);
  EXPECT_EQ(table.size(), 1U);
}

TEST(Scheduler, TakesPartialOutcomesInTheOrderOfTheLease) {
  Driver driver{in_batches(6, 6)};
  driver.join(0, 1);
  const Given given = driver.dispatch().at(0);
  driver.answer(given, 0, "ss");
  driver.answer(given, 2, "s");
  EXPECT_THROW(driver.answer(given, 2, "s"), CorruptData) << "answered before";
  EXPECT_THROW(driver.answer(given, 4, "s"), CorruptData) << "one left out";
  EXPECT_THROW(driver.answer(given, 3, "ssss"), CorruptData) << "more than it holds";
  driver.answer(given, 3, "sss");
  EXPECT_TRUE(driver.scheduler.nothing_leased());
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

TEST(Scheduler, RefusesABlockThatClaimsMoreSuccessesThanTasks) {
  Driver driver{in_batches(2, 2)};
  driver.join(0, 1);
  const Given given = driver.dispatch().at(0);
  OutcomeBlock block{given.lease.first, 1, 2, {}};
  append_entry(block.entries, Outcome::succeeded, "");
  Outbox out;
  EXPECT_THROW(driver.scheduler.on_outcomes(0, {{{given.lease.id, block, {}, {}}}}, {}, out), CorruptData);
}

TEST(Scheduler, ALostWorkersTasksGoToOthers) {
  Driver driver{in_batches(10, 5)};
  driver.join(0, 1);
  driver.join(1, 1);
  const auto given = driver.dispatch();
  ASSERT_EQ(given.size(), 2U);
  driver.answer(given[1], 0, "ss");
  driver.lose(given[1].rank);
  EXPECT_TRUE(driver.scheduler.tallies().at(given[1].rank).lost);
  driver.answer(given[0]);
  const auto again = driver.dispatch();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].rank, given[0].rank);
  EXPECT_EQ(again[0].lease.first.value, given[1].lease.first.value + 2) << "what it had answered is kept";
  EXPECT_EQ(again[0].lease.count, 3U);
  EXPECT_EQ(again[0].lease.attempt, 1U) << "the task did not fail";
  driver.answer(again[0]);
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

TEST(Scheduler, WhatALostWorkerStillSaysIsDropped) {
  Driver driver{in_batches(4, 2)};
  driver.join(0, 1);
  driver.join(1, 1);
  const auto given = driver.dispatch();
  driver.lose(given[1].rank);
  driver.answer(given[1], 'f');
  driver.lose(given[1].rank);
  EXPECT_EQ(driver.records_of<journal::Outcomes>().size(), 0U);
  EXPECT_EQ(driver.scheduler.tallies().at(given[1].rank).attempts, 0U);
  EXPECT_EQ(driver.scheduler.stale(), 0U);
  driver.answer(given[0]);
  driver.work_off();
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.succeeded(), 4U);
}

TEST(Scheduler, AnAnswerToAnothersLeaseIsDropped) {
  Driver driver{in_batches(2, 1)};
  driver.join(0, 1);
  driver.join(1, 1);
  auto given = driver.dispatch();
  Given forged = given[0];
  forged.rank = given[1].rank;
  driver.answer(forged);
  EXPECT_EQ(driver.scheduler.stale(), 1U);
  EXPECT_TRUE(driver.records.empty());
  driver.answer(given[0]);
  driver.answer(given[0]);
  EXPECT_EQ(driver.scheduler.stale(), 2U) << "a lease that has ended";
  EXPECT_EQ(driver.records_of<journal::Outcomes>().size(), 1U);
}

TEST(Scheduler, ALostWorkersWordThatItHasDrainedIsDropped) {
  Driver driver{of(10)};
  driver.join(0, 1);
  driver.dispatch();
  driver.lose(0);
  EXPECT_NO_THROW(driver.scheduler.on_drained(0));
  EXPECT_NO_THROW(driver.scheduler.on_drained(7)) << "nor is a stranger's heard";
  driver.scheduler.check_invariants();
}

TEST(Scheduler, DrainsAndGivesBack) {
  Driver driver{in_batches(10, 4)};
  driver.join(0, 1);
  driver.join(1, 1);
  const auto given = driver.dispatch();
  driver.scheduler.on_drain();
  EXPECT_TRUE(driver.scheduler.draining());
  driver.answer(given[0], 0, "s");
  EXPECT_TRUE(driver.dispatch().empty()) << "nothing is handed out any more";
  driver.scheduler.on_drained(0);
  driver.scheduler.on_drained(1);
  driver.scheduler.check_invariants();
  EXPECT_TRUE(driver.scheduler.nothing_leased());
  EXPECT_EQ(driver.scheduler.leased(), 0U);
  driver.commit_all();
  EXPECT_EQ(driver.scheduler.committed(), 1U);
  EXPECT_FALSE(driver.scheduler.finished());
}

TEST(Scheduler, LateJoinersGetTheirShare) {
  Driver driver{in_batches(10, 1)};
  driver.join(0, 1);
  EXPECT_EQ(tasks_in(driver.dispatch()), 1U);
  driver.join(5, 3);
  const auto given = driver.dispatch();
  EXPECT_EQ(tasks_in(given), 3U);
  for (const Given& one : given) EXPECT_EQ(one.rank, 5);
}

TEST(Scheduler, StaysWithinMostAhead) {
  Options options = in_batches(100, 4, 50);
  options.most_ahead = 10;
  Driver driver{options};
  driver.join(0, 4);
  auto given = driver.dispatch();
  EXPECT_EQ(tasks_in(given), 10U);
  for (std::size_t i = 1; i < given.size(); ++i) driver.answer(given[i]);
  EXPECT_TRUE(driver.dispatch().empty()) << "the first has no outcome yet";
  driver.answer(given[0]);
  EXPECT_EQ(tasks_in(driver.dispatch()), 10U);
}

TEST(Scheduler, SaysTheOrderWithEveryHandOut) {
  Options options = of(50);
  options.order = OrderKind::shuffle;
  options.seed = 4;
  Driver driver{options};
  driver.join(0, 1);
  driver.dispatch();
  for (std::uint64_t position = 0; position < 50; ++position)
    EXPECT_EQ(driver.order.id({position}), (Order{OrderKind::shuffle, 50, 4, 0, {}}.id({position})));
}

TEST(Scheduler, TalliesWhatEachWorkerDid) {
  Driver driver{in_batches(4, 2)};
  driver.join(0, 1);
  driver.join(1, 1);
  const auto given = driver.dispatch();
  driver.answer(given[0], 0, "sf", std::chrono::milliseconds{3});
  driver.answer(given[1], 0, "ss", std::chrono::milliseconds{5});
  const WorkerTally first = driver.scheduler.tallies().at(given[0].rank);
  EXPECT_EQ(first.tasks, 2U);
  EXPECT_EQ(first.attempts, 2U);
  EXPECT_EQ(first.failed_attempts, 1U);
  EXPECT_EQ(first.busy, std::chrono::milliseconds{3});
  EXPECT_EQ(first.slots, 1U);
  driver.commit_all();
  EXPECT_EQ(driver.scheduler.failed(), 1U);
  EXPECT_EQ(driver.scheduler.succeeded(), 3U);
}

}  // namespace
}  // namespace mpifarm::sched

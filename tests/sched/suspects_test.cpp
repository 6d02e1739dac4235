// Tasks that may have ended a process: isolated, counted, and in the end given up.

#include <gtest/gtest.h>

#include <set>

#include "driver.hpp"

namespace mpifarm::sched {
namespace {

Options isolating(std::uint64_t count, unsigned crash_limit = 2, bool sequential = false) {
  Options options;
  options.sequential = sequential;
  options.count = sequential ? 0 : count;
  options.crash_limit = crash_limit;
  options.isolates_suspects = true;
  options.batching = {.batch = 4, .prefetch = 4};
  return options;
}

TEST(Suspects, AreWhatALostRankHeldAndNothingElse) {
  Driver driver{isolating(20)};
  driver.join(0, 1);
  driver.join(1, 1);
  const auto given = driver.dispatch();
  std::set<std::uint64_t> held;
  for (const Given& one : given) {
    EXPECT_FALSE(one.lease.isolated);
    for (std::uint64_t i = 0; one.rank == 1 && i < one.lease.count; ++i)
      held.insert(one.lease.first.value + i);
  }
  ASSERT_FALSE(held.empty());
  driver.lose(1);
  for (const Given& one : given)
    if (one.rank == 0) driver.answer(one);
  std::set<std::uint64_t> isolated;
  for (auto next = driver.dispatch(); !next.empty(); next = driver.dispatch())
    for (const Given& one : next) {
      for (std::uint64_t i = 0; one.lease.isolated && i < one.lease.count; ++i)
        isolated.insert(one.lease.first.value + i);
      EXPECT_EQ(one.lease.attempt, 1U) << "a lost rank is no fault of the task";
      driver.answer(one);
    }
  EXPECT_EQ(isolated, held);
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

TEST(Suspects, AreNoneWhereNothingIsIsolated) {
  Options options = isolating(8);
  options.isolates_suspects = false;
  Driver driver{options};
  driver.join(0, 1);
  driver.join(1, 1);
  driver.dispatch();
  driver.lose(1);
  EXPECT_TRUE(driver.records_of<journal::Suspects>().empty());
  for (const Given& one : driver.dispatch()) EXPECT_FALSE(one.lease.isolated);
}

TEST(Suspects, AreKnownToTheNextStart) {
  Driver first{isolating(40)};
  first.join(0, 1);
  first.join(1, 1);
  first.dispatch();
  first.lose(1);
  Driver second{isolating(40)};
  for (const journal::Record& record : first.records) second.scheduler.on_replayed(record);
  Outbox out;
  second.scheduler.on_suspects({{37, 38}}, out);
  EXPECT_EQ(out.records.size(), 1U);
  second.join(0, 40);
  std::set<std::uint64_t> isolated;
  for (const Given& one : second.dispatch())
    for (std::uint64_t i = 0; one.lease.isolated && i < one.lease.count; ++i)
      isolated.insert(one.lease.first.value + i);
  std::set<std::uint64_t> expected{37};
  for (const auto& record : first.records_of<journal::Suspects>())
    for (const Interval& interval : record.positions)
      for (std::uint64_t position = interval.begin; position < interval.end; ++position)
        expected.insert(position);
  EXPECT_EQ(isolated, expected);
  EXPECT_GT(expected.size(), 1U);
}

TEST(Crashes, AreIsolatedAndCountedApartFromFailures) {
  Options options = isolating(1, 3);
  options.retries = 1;
  Driver driver{options};
  driver.join(0, 1);
  Given given = driver.dispatch().at(0);
  driver.answer(given, 'c');
  given = driver.dispatch().at(0);
  EXPECT_TRUE(given.lease.isolated);
  EXPECT_EQ(given.lease.attempt, 2U);
  driver.answer(given, 'f');
  given = driver.dispatch().at(0);
  EXPECT_EQ(given.lease.attempt, 3U);
  driver.answer(given, 'c');
  given = driver.dispatch().at(0);
  EXPECT_EQ(given.lease.attempt, 4U);
  driver.answer(given, 'c');
  EXPECT_TRUE(driver.dispatch().empty());
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.failed(), 1U);
  const auto crashes = driver.records_of<journal::CrashedAttempt>();
  ASSERT_EQ(crashes.size(), 2U) << "the last is the outcome";
  EXPECT_EQ(crashes[1].crashes, 2U);
  EXPECT_EQ(crashes[1].message, "message");
}

TEST(Crashes, OfEarlierStartsCount) {
  Driver first{isolating(2, 2)};
  first.join(0, 1);
  first.answer(first.dispatch().at(0), 0, "cs");
  Driver second{isolating(2, 2)};
  for (const journal::Record& record : first.records) second.scheduler.on_replayed(record);
  EXPECT_EQ(second.scheduler.replayed_attempts(), 2U);
  second.join(0, 1);
  const Given given = second.dispatch().at(0);
  EXPECT_TRUE(given.lease.isolated);
  EXPECT_EQ(given.lease.attempt, 2U);
  second.answer(given, 'c');
  EXPECT_TRUE(second.dispatch().empty());
  EXPECT_EQ(second.records_of<journal::Outcomes>().size(), 1U);
}

TEST(Crashes, AreForGoodAtOnceWhereOneIsTooMany) {
  Driver driver{isolating(2, 1)};
  driver.join(0, 1);
  driver.answer(driver.dispatch().at(0), 0, "cs");
  EXPECT_TRUE(driver.dispatch().empty());
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

}  // namespace
}  // namespace mpifarm::sched

// Failed attempts: counted, delayed, and the last one kept.

#include <gtest/gtest.h>

#include "driver.hpp"

namespace mpifarm::sched {
namespace {

using std::chrono::seconds;

Options retrying(std::uint64_t count, unsigned retries, Nanos delay = Nanos{0}) {
  Options options;
  options.count = count;
  options.retries = retries;
  options.retry_delay = delay;
  options.batching = {.batch = 4, .prefetch = 0};
  return options;
}

TEST(Retries, WithoutThemAFailureIsForGood) {
  Driver driver{retrying(4, 0)};
  driver.join(0, 1);
  driver.answer(driver.dispatch().at(0), 0, "sfsf");
  EXPECT_TRUE(driver.records_of<journal::FailedAttempt>().empty());
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.failed(), 2U);
}

TEST(Retries, GoAloneWithTheNextAttempt) {
  Driver driver{retrying(4, 2)};
  driver.join(0, 4);
  driver.answer(driver.dispatch().at(0), 0, "sffs");
  const auto again = driver.dispatch();
  ASSERT_EQ(again.size(), 2U);
  for (const Given& given : again) {
    EXPECT_EQ(given.lease.count, 1U);
    EXPECT_EQ(given.lease.attempt, 2U);
  }
  EXPECT_EQ(again[0].lease.first.value, 1U);
  EXPECT_EQ(again[1].lease.first.value, 2U);
  driver.answer(again[0], 's');
  driver.answer(again[1], 'f');
  const Given last = driver.dispatch().at(0);
  EXPECT_EQ(last.lease.attempt, 3U);
  driver.answer(last, 'f');
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.succeeded(), 3U);
  EXPECT_EQ(driver.scheduler.failed(), 1U);
}

TEST(Retries, AreNotAtAWorkerUntilTheyAreHandedOut) {
  Driver driver{retrying(8, 1, std::chrono::seconds{1})};
  driver.join(0, 1);
  EXPECT_FALSE(driver.scheduler.earliest_is_leased());
  const Given first = driver.dispatch().at(0);
  EXPECT_TRUE(driver.scheduler.earliest_is_leased());
  driver.answer(first, 'f');
  EXPECT_FALSE(driver.scheduler.earliest_is_leased()) << "it waits for its time";
  driver.now += std::chrono::seconds{2};
  driver.dispatch(false);
  EXPECT_FALSE(driver.scheduler.earliest_is_leased()) << "it waits for a worker";
  driver.dispatch();
  EXPECT_TRUE(driver.scheduler.earliest_is_leased());
}

TEST(Retries, AreJournaledOneByOne) {
  Driver driver{retrying(1, 2)};
  driver.join(0, 1);
  for (int attempt = 1; attempt <= 3; ++attempt) driver.answer(driver.dispatch().at(0), 'f');
  const auto attempts = driver.records_of<journal::FailedAttempt>();
  ASSERT_EQ(attempts.size(), 2U) << "the last failure is the outcome";
  EXPECT_EQ(attempts[0].attempt, 1U);
  EXPECT_EQ(attempts[1].attempt, 2U);
  EXPECT_EQ(attempts[1].position.value, 0U);
  EXPECT_EQ(attempts[1].message, "message");
  ASSERT_EQ(driver.records_of<journal::Outcomes>().size(), 1U);
  EXPECT_EQ(driver.scheduler.tallies().at(0).attempts, 3U);
  EXPECT_EQ(driver.scheduler.tallies().at(0).failed_attempts, 3U);
  EXPECT_EQ(driver.scheduler.tallies().at(0).tasks, 1U);
}

TEST(Retries, WaitTwiceAsLongEachTime) {
  Driver driver{retrying(1, 4, seconds{10})};
  driver.now = TimePoint{seconds{1000}};
  driver.join(0, 1);
  EXPECT_FALSE(driver.scheduler.next_due().has_value());
  for (const int delay : {10, 20, 40, 80}) {
    driver.answer(driver.dispatch().at(0), 'f');
    ASSERT_TRUE(driver.scheduler.next_due().has_value());
    const TimePoint due = *driver.scheduler.next_due();
    EXPECT_GE(due, driver.now + seconds{delay});
    EXPECT_LT(due, driver.now + seconds{delay} * 3 / 2);
    driver.now = due - Nanos{1};
    EXPECT_TRUE(driver.dispatch().empty()) << "too early";
    driver.now = due;
  }
  driver.answer(driver.dispatch().at(0), 'f');
  EXPECT_FALSE(driver.scheduler.next_due().has_value());
  driver.commit_all();
  EXPECT_TRUE(driver.scheduler.finished());
}

TEST(Retries, OfTasksThatFailedTogetherAreSpread) {
  Driver driver{retrying(4, 1, seconds{10})};
  driver.join(0, 1);
  driver.answer(driver.dispatch().at(0), 'f');
  std::size_t moments = 0;
  while (driver.scheduler.next_due()) {
    driver.now = *driver.scheduler.next_due();
    EXPECT_EQ(driver.dispatch().size(), 1U);
    ++moments;
  }
  EXPECT_EQ(moments, 4U);
}

TEST(Retries, BecomeDueWithoutCreditAndAreHandedOutWithIt) {
  Driver driver{retrying(1, 1)};
  driver.join(0, 1);
  driver.answer(driver.dispatch().at(0), 'f');
  EXPECT_TRUE(driver.dispatch(false).empty());
  EXPECT_EQ(driver.dispatch(true).at(0).lease.attempt, 2U);
}

TEST(Retries, OfALostWorkerAreTheSameAttempt) {
  Driver driver{retrying(1, 3)};
  driver.join(0, 1);
  driver.answer(driver.dispatch().at(0), 'f');
  EXPECT_EQ(driver.dispatch().at(0).lease.attempt, 2U);
  driver.lose(0);
  driver.join(1, 1);
  EXPECT_EQ(driver.dispatch().at(0).lease.attempt, 2U);
}

TEST(Retries, LetTheOthersOfTheirBatchGoOnTogether) {
  Driver driver{retrying(12, 1)};
  driver.join(0, 3);
  const auto given = driver.dispatch();
  ASSERT_EQ(given.size(), 3U);
  driver.answer(given[0], 0, "ssf");
  driver.lose(0);
  driver.join(1, 3);
  std::map<std::uint64_t, std::uint32_t> attempts;
  for (auto more = driver.dispatch(); !more.empty(); more = driver.dispatch())
    for (const Given& one : more) {
      for (std::uint64_t i = 0; i < one.lease.count; ++i)
        attempts[one.lease.first.value + i] = one.lease.attempt;
      driver.answer(one);
    }
  EXPECT_EQ(attempts.size(), 10U);
  for (const auto& [position, attempt] : attempts) EXPECT_EQ(attempt, position == 2 ? 2U : 1U) << position;
}

TEST(Retries, KeepTheDescriptor) {
  Options options = retrying(0, 2);
  options.sequential = true;
  Driver driver{options};
  driver.join(0, 1);
  driver.items({"zero", "one", "two"}, true);
  driver.answer(driver.dispatch().at(0), 0, "sfs");
  const Given again = driver.dispatch().at(0);
  EXPECT_EQ(texts_of(again.lease.descriptors), std::vector<std::string>{"one"});
  driver.lose(0);
  driver.join(1, 1);
  const Given elsewhere = driver.dispatch().at(0);
  EXPECT_EQ(texts_of(elsewhere.lease.descriptors), std::vector<std::string>{"one"});
  driver.answer(elsewhere, 's');
  const auto outcomes = driver.records_of<journal::Outcomes>();
  EXPECT_EQ(texts_of(outcomes.back().descriptors), std::vector<std::string>{"one"});
}

}  // namespace
}  // namespace mpifarm::sched

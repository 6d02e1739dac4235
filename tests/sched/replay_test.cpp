// A journal's records bring a fresh scheduler to where the last one was.

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "driver.hpp"

namespace mpifarm::sched {
namespace {

Options options_for(bool sequential, OrderKind order) {
  Options options;
  options.sequential = sequential;
  options.count = sequential ? 0 : 20;
  options.order = order;
  options.seed = 2;
  options.window = 8;
  options.retries = 2;
  options.batching = {.batch = 3, .prefetch = 3};
  return options;
}

std::vector<std::string> items(std::uint64_t from, std::uint64_t to) {
  std::vector<std::string> texts;
  for (; from < to; ++from) texts.push_back("item " + std::to_string(from));
  return texts;
}

void replay(const std::vector<journal::Record>& records, Driver& into) {
  for (const journal::Record& record : records) into.scheduler.on_replayed(record);
  into.scheduler.check_invariants();
}

TEST(Replay, LeavesExactlyTheRest) {
  for (const bool sequential : {false, true})
    for (const OrderKind order : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle}) {
      Driver first{options_for(sequential, order)};
      first.join(0, 2);
      if (sequential) first.items(items(0, 20), true);
      const auto given = first.dispatch();
      ASSERT_GE(given.size(), 2U);
      first.answer(given[1], 0, "ss");
      first.commit_all();

      Driver second{options_for(sequential, order)};
      replay(first.records, second);
      EXPECT_EQ(second.scheduler.resumed(), 2U);
      EXPECT_EQ(second.scheduler.committed(), 2U);
      second.join(0, 2);
      if (sequential) second.items(items(0, 20), true);
      const auto times = second.work_off();
      EXPECT_EQ(times.size(), 18U);
      EXPECT_FALSE(times.contains(given[1].lease.first.value));
      EXPECT_FALSE(times.contains(given[1].lease.first.value + 1));
      EXPECT_TRUE(second.scheduler.finished());
      EXPECT_EQ(second.scheduler.resumed(), 2U) << "of earlier starts only";
      EXPECT_EQ(second.scheduler.committed(), 20U);
    }
}

TEST(Replay, KeepsTheFailedAttempts) {
  Driver first{options_for(false, OrderKind::fifo)};
  first.join(0, 1);
  first.answer(first.dispatch().at(0), 0, "sfs");
  first.commit_all();

  Driver second{options_for(false, OrderKind::fifo)};
  replay(first.records, second);
  EXPECT_EQ(second.scheduler.replayed_attempts(), 3U);
  second.join(0, 1);
  const auto given = second.dispatch();
  EXPECT_EQ(given.at(0).lease.first.value, 1U);
  EXPECT_EQ(given.at(0).lease.count, 1U);
  EXPECT_EQ(given.at(0).lease.attempt, 2U);
  second.answer(given.at(0), 'f');
  const Given last = second.dispatch().at(0);
  EXPECT_EQ(last.lease.attempt, 3U);
  second.answer(last, 'f');
  EXPECT_EQ(second.records_of<journal::FailedAttempt>().size(), 1U);
  EXPECT_EQ(second.records_of<journal::Outcomes>().size(), 1U);
}

TEST(Replay, CountsWhatFailed) {
  Options options = options_for(false, OrderKind::fifo);
  options.retries = 0;
  Driver first{options};
  first.join(0, 1);
  first.answer(first.dispatch().at(0), 0, "sff");
  Driver second{options};
  replay(first.records, second);
  EXPECT_EQ(second.scheduler.succeeded(), 1U);
  EXPECT_EQ(second.scheduler.failed(), 2U);
}

TEST(Replay, JournalsNoItemTwice) {
  Driver first{options_for(true, OrderKind::fifo)};
  first.items(items(0, 5), false);

  Driver second{options_for(true, OrderKind::fifo)};
  replay(first.records, second);
  second.items(items(0, 3), false);
  EXPECT_TRUE(second.records.empty());
  second.items(items(3, 7), false);
  const auto records = second.records_of<journal::SourceItems>();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].first.value, 5U);
  EXPECT_EQ(records[0].keys, (std::vector<std::uint64_t>{hash64("item 5"), hash64("item 6")}));
  second.items({}, true);

  Driver third{options_for(true, OrderKind::fifo)};
  replay(first.records, third);
  replay(second.records, third);
  third.items(items(0, 7), true);
  EXPECT_TRUE(third.records.empty()) << "neither items nor the end";
}

TEST(Replay, OfACompleteRunIsFinished) {
  Driver first{options_for(false, OrderKind::lifo)};
  first.join(0, 2);
  first.work_off();
  Driver second{options_for(false, OrderKind::lifo)};
  replay(first.records, second);
  EXPECT_TRUE(second.scheduler.finished());
  second.join(0, 1);
  EXPECT_TRUE(second.dispatch().empty());
}

// What is done already is passed over without being kept: memory is for what is in flight.
TEST(Replay, OfAStreamAsksForTheItemsBehindWhatIsDone) {
  Options options = options_for(true, OrderKind::fifo);
  Driver first{options};
  first.join(0, 2);
  first.items(items(0, 14), false);
  first.work_off();

  Driver second{options};
  replay(first.records, second);
  second.join(0, 1);
  second.items(items(0, 14), false);
  EXPECT_TRUE(second.dispatch().empty());
  EXPECT_EQ(second.scheduler.items_wanted(), 2 * options.window);
  second.items(items(14, 20), true);
  const auto given = second.dispatch();
  EXPECT_EQ(texts_of(given.at(0).lease.descriptors), items(14, 17));
}

}  // namespace
}  // namespace mpifarm::sched

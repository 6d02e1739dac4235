// Sequential sources: items that arrive late, windows, and what the journal says of them.

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "driver.hpp"

namespace mpifarm::sched {
namespace {

Options stream(OrderKind order = OrderKind::fifo, std::uint64_t window = 4) {
  Options options;
  options.sequential = true;
  options.order = order;
  options.seed = 6;
  options.window = window;
  options.batching = {.batch = 3, .prefetch = 100};
  return options;
}

std::vector<std::string> numbered(std::uint64_t from, std::uint64_t to) {
  std::vector<std::string> texts;
  for (; from < to; ++from) texts.push_back("item " + std::to_string(from));
  return texts;
}

// Each task of a hand-out came with the item of its id.
void expect_own_items(const Driver& driver, const std::vector<Given>& given) {
  for (const Given& one : given) {
    const auto texts = texts_of(one.lease.descriptors);
    ASSERT_EQ(texts.size(), one.lease.count);
    for (std::uint64_t i = 0; i < one.lease.count; ++i)
      EXPECT_EQ(texts[i], "item " + std::to_string(driver.order.id({one.lease.first.value + i}).value));
  }
}

TEST(Source, ItemsThatArriveLateAreHandedOutAsTheyCome) {
  Driver driver{stream()};
  driver.join(0, 2);
  EXPECT_TRUE(driver.dispatch().empty());
  EXPECT_FALSE(driver.scheduler.finished());
  for (std::uint64_t i = 0; i < 10; ++i) {
    driver.items(numbered(i, i + 1), false);
    const auto given = driver.dispatch();
    EXPECT_EQ(tasks_in(given), 1U);
    expect_own_items(driver, given);
    for (const Given& one : given) driver.answer(one);
    driver.commit_all();
    EXPECT_FALSE(driver.scheduler.finished()) << "the source has not ended";
  }
  driver.items({}, true);
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_EQ(driver.scheduler.known(), 10U);
}

TEST(Source, AnEmptyOneEndsTheRun) {
  Driver driver{stream()};
  driver.join(0, 1);
  driver.items({}, true);
  EXPECT_TRUE(driver.scheduler.finished());
  EXPECT_FALSE(driver.scheduler.source_open());
  ASSERT_EQ(driver.records_of<journal::SourceItems>().size(), 1U);
  EXPECT_TRUE(driver.records_of<journal::SourceItems>()[0].end);
}

TEST(Source, IsAskedForABoundedNumberOfItems) {
  Driver driver{stream(OrderKind::fifo, 10)};
  EXPECT_EQ(driver.scheduler.items_wanted(), 20U);
  driver.items(numbered(0, 20), false);
  EXPECT_EQ(driver.scheduler.items_wanted(), 0U) << "nobody takes them";
  driver.join(0, 1);
  const std::uint64_t taken = tasks_in(driver.dispatch());
  EXPECT_EQ(driver.scheduler.items_wanted(), taken);
  driver.items({}, true);
  EXPECT_EQ(driver.scheduler.items_wanted(), 0U);
}

TEST(Source, ManySlotsAreAskedForMoreThanAWindow) {
  Driver driver{stream(OrderKind::fifo, 10)};
  driver.join(0, 100);
  EXPECT_GE(driver.scheduler.items_wanted(), 1600U) << "with less, every hand-out would be a tail's";
}

TEST(Source, ItemsAreJournaledByTheirHash) {
  Driver driver{stream()};
  driver.items(numbered(0, 2), false);
  driver.items(numbered(2, 3), true);
  const auto records = driver.records_of<journal::SourceItems>();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].first.value, 0U);
  EXPECT_EQ(records[0].keys, (std::vector<std::uint64_t>{hash64("item 0"), hash64("item 1")}));
  EXPECT_FALSE(records[0].end);
  EXPECT_EQ(records[1].first.value, 2U);
  EXPECT_EQ(records[1].keys, std::vector<std::uint64_t>{hash64("item 2")});
  EXPECT_TRUE(records[1].end);
}

TEST(Source, OutcomesAreJournaledWithTheirItems) {
  Driver driver{stream()};
  driver.join(0, 1);
  driver.items(numbered(0, 3), true);
  const Given given = driver.dispatch().at(0);
  driver.answer(given, 0, "s");
  driver.answer(given, 1, "fs");
  const auto outcomes = driver.records_of<journal::Outcomes>();
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(texts_of(outcomes[0].descriptors), numbered(0, 1));
  EXPECT_EQ(texts_of(outcomes[1].descriptors), numbered(1, 3));
}

TEST(Source, UnderLifoAndShuffleWholeWindowsGoOut) {
  for (const OrderKind order : {OrderKind::lifo, OrderKind::shuffle}) {
    Driver driver{stream(order, 4)};
    driver.join(0, 1);
    driver.items(numbered(0, 3), false);
    EXPECT_TRUE(driver.dispatch().empty()) << "the window is not full";
    driver.items(numbered(3, 6), false);
    auto given = driver.dispatch();
    EXPECT_EQ(tasks_in(given), 4U);
    expect_own_items(driver, given);
    for (const Given& one : given) driver.answer(one);
    driver.items(numbered(6, 7), true);
    given = driver.dispatch();
    EXPECT_EQ(tasks_in(given), 3U) << "the last window is what there is";
    expect_own_items(driver, given);
    for (const Given& one : given) driver.answer(one);
    driver.commit_all();
    EXPECT_TRUE(driver.scheduler.finished());
  }
}

TEST(Source, LifoTurnsEachWindowRound) {
  Driver driver{stream(OrderKind::lifo, 4)};
  driver.join(0, 1);
  driver.items(numbered(0, 6), true);
  std::vector<std::string> texts;
  for (const Given& one : driver.dispatch())
    for (const std::string& text : texts_of(one.lease.descriptors)) texts.push_back(text);
  EXPECT_EQ(texts, (std::vector<std::string>{"item 3", "item 2", "item 1", "item 0", "item 5", "item 4"}));
}

TEST(Source, ALostWorkersItemsGoToOthers) {
  for (const OrderKind order : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle}) {
    Driver driver{stream(order, 8)};
    driver.join(0, 1);
    driver.items(numbered(0, 16), true);
    const auto given = driver.dispatch();
    driver.answer(given[0], 0, "s");
    driver.lose(0);
    driver.join(1, 1);
    const auto again = driver.dispatch();
    EXPECT_EQ(tasks_in(again), 15U);
    expect_own_items(driver, again);
  }
}

TEST(Source, EmptyItemsAreItemsToo) {
  Driver driver{stream()};
  driver.join(0, 1);
  driver.items({"", "", ""}, true);
  const auto given = driver.dispatch();
  EXPECT_EQ(tasks_in(given), 3U);
  EXPECT_EQ(texts_of(given.at(0).lease.descriptors), (std::vector<std::string>{"", "", ""}));
}

// A batch is at most about 1 MB, however short its tasks are.
TEST(Source, LargeItemsMakeSmallBatches) {
  Options options = stream(OrderKind::fifo, 4096);
  options.batching = {};
  Driver driver{options};
  driver.join(0, 1);
  driver.items(std::vector<std::string>(1000, std::string(50'000, 'x')), false);
  for (int round = 0; round < 5; ++round)
    for (const Given& one : driver.dispatch()) {
      EXPECT_LE(one.lease.descriptors.size(), 2'000'000U);
      driver.answer(one, 's', Nanos{1000});
    }
}

}  // namespace
}  // namespace mpifarm::sched

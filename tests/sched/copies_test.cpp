// The tail: idle slots race copies of what others do not come to an end with.

#include <gtest/gtest.h>

#include <set>

#include "driver.hpp"

namespace mpifarm::sched {
namespace {

using std::chrono::seconds;

Options racing(std::uint64_t count, std::uint64_t batch) {
  Options options;
  options.count = count;
  options.copies = true;
  options.batching = {.batch = batch, .prefetch = 0};
  return options;
}

// Two ranks of two slots, the last lease still out, and time gone by.
struct Tail {
  explicit Tail(Options options) : driver{options} {
    driver.join(1, 2);
    driver.join(2, 2);
    for (auto given = driver.dispatch(); !given.empty(); given = driver.dispatch())
      for (const Given& one : given) {
        const bool last = one.lease.first.value + one.lease.count == options.count;
        if (last)
          late = one;
        else
          driver.answer(one);
      }
    driver.commit_all();
    driver.now += seconds{10};
  }
  Driver driver;
  Given late;
};

TEST(Copies, OfARunningTaskGoToAnotherRank) {
  Tail tail{racing(20, 1)};
  const auto copies = tail.driver.dispatch();
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_NE(copies[0].rank, tail.late.rank);
  EXPECT_EQ(copies[0].lease.first, tail.late.lease.first);
  EXPECT_EQ(copies[0].lease.attempt, tail.late.lease.attempt);
  tail.driver.now += seconds{100};
  EXPECT_TRUE(tail.driver.dispatch().empty()) << "one copy is enough";
  tail.driver.answer(copies[0]);
  tail.driver.commit_all();
  EXPECT_TRUE(tail.driver.scheduler.finished()) << "it does not wait for the loser";
  tail.driver.answer(tail.late);
  EXPECT_EQ(tail.driver.scheduler.stale(), 1U);
  EXPECT_EQ(tail.driver.scheduler.succeeded(), 20U);
}

TEST(Copies, OfTasksThatWaitGoToAnyIdleSlot) {
  Tail tail{racing(24, 8)};
  ASSERT_EQ(tail.late.lease.count, 8U);
  std::set<std::uint64_t> copied;
  for (auto copies = tail.driver.dispatch(); !copies.empty(); copies = tail.driver.dispatch()) {
    EXPECT_LE(copies.size(), 3U) << "more copies than idle slots";
    for (const Given& copy : copies) {
      EXPECT_EQ(copy.lease.count, 1U);
      EXPECT_TRUE(copied.insert(copy.lease.first.value).second);
      tail.driver.answer(copy);
    }
    tail.driver.now += seconds{1};
  }
  EXPECT_EQ(copied.size(), 8U) << "at last the one that runs";
  tail.driver.commit_all();
  EXPECT_TRUE(tail.driver.scheduler.finished());
}

TEST(Copies, AreNotMadeOfWhatTakesNoLongerThanUsual) {
  Tail tail{racing(20, 1)};
  tail.driver.now -= seconds{10};
  tail.driver.now += std::chrono::milliseconds{400};
  EXPECT_TRUE(tail.driver.dispatch().empty());
}

TEST(Copies, AreNotMadeOfWhatMayHaveEndedAProcess) {
  Options options = racing(20, 1);
  options.isolates_suspects = true;
  Tail tail{options};
  Outbox out;
  tail.driver.scheduler.on_suspects({{tail.late.lease.first.value, tail.late.lease.first.value + 1}}, out);
  EXPECT_TRUE(tail.driver.dispatch().empty());
}

TEST(Copies, AreNotMadeWhereTheyMayNot) {
  Options options = racing(20, 1);
  options.copies = false;
  Tail tail{options};
  EXPECT_TRUE(tail.driver.dispatch().empty());
}

TEST(Copies, KeepATaskWhenOneOfItsHoldersIsLost) {
  for (const bool original : {true, false}) {
    Tail tail{racing(20, 1)};
    const Given copy = tail.driver.dispatch().at(0);
    tail.driver.lose(original ? tail.late.rank : copy.rank);
    tail.driver.now += seconds{1};
    for (const Given& again : tail.driver.dispatch())
      EXPECT_NE(again.rank, original ? copy.rank : tail.late.rank) << "its holder has it already";
    tail.driver.answer(original ? copy : tail.late);
    tail.driver.commit_all();
    EXPECT_TRUE(tail.driver.scheduler.finished());
  }
}

TEST(Copies, ThatFailLeaveTheOtherItsChance) {
  Tail tail{racing(20, 1)};
  const Given copy = tail.driver.dispatch().at(0);
  tail.driver.answer(copy, 'f');
  EXPECT_FALSE(tail.driver.scheduler.finished());
  tail.driver.answer(tail.late, 's');
  tail.driver.commit_all();
  EXPECT_TRUE(tail.driver.scheduler.finished());
  EXPECT_EQ(tail.driver.scheduler.failed(), 0U);
}

TEST(Copies, OfAStreamBringTheirDescriptors) {
  Options options = racing(0, 4);
  options.sequential = true;
  Driver driver{options};
  driver.join(1, 1);
  driver.join(2, 3);
  std::vector<std::string> items;
  for (int i = 0; i < 12; ++i) items.push_back("item " + std::to_string(i));
  driver.items(items, true);
  std::vector<Given> late;
  for (auto given = driver.dispatch(); !given.empty(); given = driver.dispatch())
    for (const Given& one : given)
      if (one.rank == 1 || late.empty())
        late.push_back(one);
      else
        driver.answer(one);
  ASSERT_FALSE(late.empty());
  driver.now += seconds{10};
  const auto copies = driver.dispatch();
  ASSERT_FALSE(copies.empty());
  for (const Given& copy : copies)
    EXPECT_EQ(texts_of(copy.lease.descriptors),
              (std::vector<std::string>{"item " + std::to_string(copy.lease.first.value)}));
}

}  // namespace
}  // namespace mpifarm::sched

// The folder brings what arrives in any order into task order, within its window.

#include "node/folder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "outcomes.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

std::vector<std::uint64_t> first_numbers(std::uint64_t count) {
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<journal::Outcomes> random_blocks(std::uint64_t tasks, std::mt19937_64& random) {
  std::vector<journal::Outcomes> blocks;
  for (std::uint64_t first = 0; first < tasks;) {
    const std::uint64_t count = std::min<std::uint64_t>(tasks - first, 1 + random() % 9);
    blocks.push_back(numbered_outcomes(first, count));
    first += count;
  }
  return blocks;
}

TEST(Folder, RandomArrivalEqualsSerialOrder) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random{seed};
    auto blocks = random_blocks(500, random);
    std::ranges::shuffle(blocks, random);
    KeepingSink one, two;
    Folder folder{{&one, &two}, std::size_t{1} << 30};
    for (auto& block : blocks) folder.submit(std::move(block));
    EXPECT_EQ(folder.finish(), 500U);
    EXPECT_EQ(one.ids, first_numbers(500));
    EXPECT_EQ(two.ids, one.ids);
    for (std::uint64_t id = 0; id < 500; ++id) ASSERT_EQ(one.payloads[id], std::to_string(id));
  }
}

TEST(Folder, GivesEachTaskItsDescriptor) {
  KeepingSink sink;
  Folder folder{{&sink}, 1 << 20};
  journal::Outcomes outcomes = numbered_outcomes(0, 3, 0, 2);
  for (const char* text : {"zero", "", "two"}) append_sized(outcomes.descriptors, text);
  folder.submit(std::move(outcomes));
  EXPECT_EQ(folder.finish(), 3U);
  EXPECT_EQ(sink.descriptors, (std::vector<std::string>{"zero", "", "two"}));
}

TEST(Folder, SaysHowMuchWaitsForAnEarlierTask) {
  KeepingSink sink;
  Folder folder{{&sink}, 1 << 20};
  EXPECT_EQ(folder.early_bytes(), 0U);
  folder.submit(numbered_outcomes(3, 3));
  EXPECT_TRUE(support::eventually([&] { return folder.early_bytes() > 0; }));
  folder.submit(numbered_outcomes(0, 3));
  EXPECT_TRUE(support::eventually([&] { return folder.early_bytes() == 0; }));
  EXPECT_EQ(folder.finish(), 6U);
}

TEST(Folder, StopsWhereAGapIsLeft) {
  KeepingSink sink;
  Folder folder{{&sink}, 1 << 20};
  folder.submit(numbered_outcomes(0, 4));
  folder.submit(numbered_outcomes(5, 10));
  EXPECT_EQ(folder.finish(), 4U);
  EXPECT_EQ(sink.ids, first_numbers(4));
}

TEST(Folder, BeyondItsWindowStopsForGoodAndSaysWhere) {
  KeepingSink sink;
  Folder folder{{&sink}, 10'000};
  folder.submit(numbered_outcomes(0, 4));
  for (std::uint64_t first = 10; first < 60; first += 10) folder.submit(numbered_outcomes(first, 10, 300));
  folder.submit(numbered_outcomes(4, 6));
  EXPECT_EQ(folder.finish(), 4U);
  EXPECT_EQ(sink.ids, first_numbers(4)) << "what comes after an overflow is for the journal to tell";
}

TEST(Folder, CountsOnlyWhatWaitsAgainstItsWindow) {
  KeepingSink sink;
  Folder folder{{&sink}, 10'000};
  for (std::uint64_t first = 0; first < 1000; first += 20) {
    folder.submit(numbered_outcomes(first + 10, 10, 300));
    folder.submit(numbered_outcomes(first, 10, 300));
  }
  EXPECT_EQ(folder.finish(), 1000U);
}

TEST(Folder, RethrowsWhatASinkThrows) {
  KeepingSink sink;
  sink.throw_at = 7;
  Folder folder{{&sink}, 1 << 20};
  for (std::uint64_t first = 0; first < 20; first += 5) folder.submit(numbered_outcomes(first, 5));
  EXPECT_EQ(support::message_of<MachineryFailure>([&] { folder.finish(); }), "the sink is full");
  EXPECT_EQ(sink.ids.back(), 7U) << "nothing is fed after a failure";
}

TEST(Folder, WorksOffItsBacklog) {
  KeepingSink sink;
  Folder folder{{&sink}, 1 << 20};
  for (std::uint64_t first = 0; first < 1000; first += 10) folder.submit(numbered_outcomes(first, 10));
  EXPECT_TRUE(support::eventually([&] { return folder.backlog_bytes() == 0; }));
  EXPECT_EQ(folder.finish(), 1000U);
}

TEST(Folder, IsDestroyedUnfinished) {
  KeepingSink sink;
  for (int i = 0; i < 50; ++i) {
    Folder folder{{&sink}, 1 << 20};
    folder.submit(numbered_outcomes(0, 100));
  }
}

}  // namespace
}  // namespace mpifarm

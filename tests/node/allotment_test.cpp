// Who computes on how many slots, as tables.

#include "node/allotment.hpp"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

using Slots = std::vector<unsigned>;
using Cpus = std::vector<std::uint32_t>;

Slots automatic(const std::vector<RankCores>& ranks) { return allot_slots(ranks, {}).tasks; }

Cpus cpus(std::uint32_t from, std::uint32_t to) {
  Cpus all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

TEST(Allotment, ARankAloneGetsItsCores) {
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 0}}), Slots{8});
  EXPECT_EQ(automatic({{"a", {3}, 0}}), Slots{1});
}

TEST(Allotment, RanksBoundApartShareNothing) {
  EXPECT_EQ(automatic({{"a", cpus(0, 4), 0}, {"a", cpus(4, 6), 0}}), (Slots{4, 2}));
}

TEST(Allotment, HostsShareNothing) {
  EXPECT_EQ(automatic({{"a", cpus(0, 4), 0}, {"b", cpus(0, 4), 0}}), (Slots{4, 4}));
}

TEST(Allotment, RanksOfOneMaskDivideIt) {
  EXPECT_EQ(automatic({{"a", cpus(0, 4), 0}, {"a", cpus(0, 4), 0}}), (Slots{2, 2}));
  EXPECT_EQ(automatic({{"a", cpus(0, 2), 0}, {"a", cpus(0, 2), 0}}), (Slots{1, 1}));
}

TEST(Allotment, WhatRoundingLeavesGoesToLaterRanks) {
  EXPECT_EQ(automatic({{"a", cpus(0, 3), 0}, {"a", cpus(0, 3), 0}}), (Slots{1, 2}));
  EXPECT_EQ(automatic({{"a", cpus(0, 4), 0}, {"a", cpus(0, 4), 0}, {"a", cpus(0, 4), 0}}), (Slots{1, 1, 2}));
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 0}, {"a", cpus(0, 8), 0}, {"a", cpus(0, 8), 0}}), (Slots{2, 3, 3}));
}

TEST(Allotment, EveryRankGetsASlotThoughCoresAreFew) {
  const std::vector<RankCores> ranks(5, {"a", cpus(0, 2), 0});
  EXPECT_EQ(automatic(ranks), (Slots{1, 1, 1, 1, 1}));
}

TEST(Allotment, OneMaskWithinAnotherIsSharedWhereItLies) {
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 0}, {"a", cpus(0, 2), 0}}), (Slots{7, 1}));
}

TEST(Allotment, FractionsStayAmongRanksThatShare) {
  const Cpus left = cpus(0, 3), right = cpus(3, 6);
  const Slots slots = automatic({{"a", left, 0}, {"a", right, 0}, {"a", left, 0}, {"a", right, 0}});
  EXPECT_EQ(slots[0] + slots[2], 3U);
  EXPECT_EQ(slots[1] + slots[3], 3U);
}

TEST(Allotment, TheControlGroupLimits) {
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 2.0}}), Slots{2});
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 0.5}}), Slots{1});
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 100}}), Slots{8});
  EXPECT_EQ(automatic({{"a", cpus(0, 8), 4}, {"a", cpus(0, 8), 4}}), (Slots{2, 2}));
}

TEST(Allotment, NeverGivesAHostMoreThanItsCoresOrOneARank) {
  std::uint64_t state = 1;
  const auto below = [&state](std::uint64_t n) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % n;
  };
  for (int round = 0; round < 2000; ++round) {
    std::vector<RankCores> ranks(1 + below(6));
    std::set<std::uint32_t> used;
    std::size_t shared_masks = 0;
    const auto first = static_cast<std::uint32_t>(below(4)),
               last = first + 1 + static_cast<std::uint32_t>(below(8));
    for (RankCores& rank : ranks) {
      rank = {"a", cpus(first, last), 0};
      used.insert(rank.cpus.begin(), rank.cpus.end());
      ++shared_masks;
    }
    unsigned total = 0;
    for (const unsigned slots : automatic(ranks)) total += slots;
    EXPECT_EQ(total, std::max(used.size(), shared_masks)) << "every core is given once";
  }
}

TEST(Allotment, WhatTheUserFixedIsKept) {
  const std::vector<RankCores> ranks{{"a", cpus(0, 4), 0}, {"a", cpus(0, 4), 0}};
  EXPECT_EQ(allot_slots(ranks, {.threads = 3, .master_slots = {}}).tasks, (Slots{3, 3}));
  EXPECT_EQ(allot_slots(ranks, {.threads = 3, .master_slots = 0}).tasks, (Slots{0, 3}));
  EXPECT_EQ(allot_slots(ranks, {.threads = {}, .master_slots = 1}).tasks, (Slots{1, 2}));
}

TEST(Allotment, WarnsOfAPoolLargerThanItsBindingByName) {
  const std::vector<RankCores> ranks{{"a", cpus(0, 4), 0}, {"b", {0, 1, 5}, 0}, {"c", {7}, 0}};
  const Allotment allotment = allot_slots(ranks, {.threads = 4, .master_slots = {}});
  ASSERT_EQ(allotment.warnings.size(), 2U);
  EXPECT_NE(
      allotment.warnings[0].find("rank 1 on b computes on 4 threads but is bound to 3 cores (CPU 0-1,5)"),
      std::string::npos)
      << allotment.warnings[0];
  EXPECT_NE(allotment.warnings[1].find("bound to 1 core (CPU 7)"), std::string::npos)
      << allotment.warnings[1];
  EXPECT_TRUE(allot_slots(ranks, {}).warnings.empty());
}

TEST(AllotSlots, GroupsThemForTasksThatTakeSeveral) {
  const std::vector<RankCores> ranks(3, RankCores{"a", {0, 1}, 0, 2});
  AllotmentOptions options;
  options.threads = 7;
  options.master_slots = 2;
  options.slots_per_task = 3;
  const Allotment allotment = allot_slots(ranks, options);
  EXPECT_EQ(allotment.tasks, (Slots{0, 2, 2}));
  EXPECT_THAT(allotment.warnings, testing::Contains(testing::HasSubstr("rank 0 on a computes nothing")));
  options.slots_per_task = 8;
  EXPECT_THAT(support::message_of<BadInput>([&] { allot_slots(ranks, options); }),
              testing::AllOf(testing::HasSubstr("--slots-per-task 8"), testing::HasSubstr("the most is 7"),
                             testing::HasSubstr("rank 1 on a")));
  options.threads = 0;
  options.master_slots = 0;
  EXPECT_EQ(allot_slots(ranks, options).tasks, (Slots{0, 0, 0}));  // said elsewhere
}

TEST(Allotment, TellsWhichRanksFillTheirCores) {
  const auto fills = [](const std::vector<RankCores>& ranks, std::optional<unsigned> threads) {
    return allot_slots(ranks, {.threads = threads, .master_slots = {}}).fills_cores;
  };
  using Fills = std::vector<bool>;
  EXPECT_EQ(fills({{"a", cpus(0, 4), 0}}, {}), Fills{true});
  EXPECT_EQ(fills({{"a", cpus(0, 4), 0}}, 3), Fills{false}) << "the loop has one to itself";
  EXPECT_EQ(fills({{"a", cpus(0, 4), 0}, {"a", cpus(0, 4), 0}}, 2), (Fills{true, true}));
  EXPECT_EQ(fills({{"a", cpus(0, 4), 0}, {"b", cpus(0, 4), 0}}, 2), (Fills{false, false}));
}

}  // namespace
}  // namespace mpifarm

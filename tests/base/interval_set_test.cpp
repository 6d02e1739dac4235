// IntervalSet against std::set under random operations.

#include "base/interval_set.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>
#include <vector>

namespace mpifarm {
namespace {

constexpr std::uint64_t universe = 80;

class Twin {
 public:
  explicit Twin(unsigned seed) : engine_{seed} {}

  void operate() {
    const Interval interval = some_interval();
    switch (engine_() % 4) {
      case 0:
        intervals_.insert(interval);
        for (std::uint64_t n = interval.begin; n < interval.end; ++n) numbers_.insert(n);
        break;
      case 1:
        intervals_.erase(interval);
        for (std::uint64_t n = interval.begin; n < interval.end; ++n) numbers_.erase(n);
        break;
      case 2:
        insert_new(interval);
        break;
      default:
        take_front(1 + engine_() % 6);
    }
  }

  void compare() {
    ASSERT_EQ(intervals_.count(), numbers_.size());
    ASSERT_EQ(intervals_.empty(), numbers_.empty());
    for (std::uint64_t n = 0; n <= universe; ++n)
      ASSERT_EQ(intervals_.contains(n), numbers_.contains(n)) << n;
    std::uint64_t last_end = std::numeric_limits<std::uint64_t>::max();
    for (const auto& [begin, end] : intervals_.intervals()) {
      ASSERT_LT(begin, end);
      ASSERT_TRUE(last_end == std::numeric_limits<std::uint64_t>::max() || last_end < begin)
          << "neighbours that touch are one interval";
      last_end = end;
    }
    compare_gaps(some_interval());
  }

 private:
  Interval some_interval() {
    const std::uint64_t begin = engine_() % universe;
    return {begin, std::min(universe, begin + engine_() % 20)};
  }

  void insert_new(Interval interval) {
    const auto from = numbers_.lower_bound(interval.begin);
    const bool is_new = interval.begin >= interval.end || from == numbers_.end() || *from >= interval.end;
    ASSERT_EQ(intervals_.insert_new(interval), is_new);
    for (std::uint64_t n = interval.begin; is_new && n < interval.end; ++n) numbers_.insert(n);
  }

  void take_front(std::uint64_t most) {
    if (numbers_.empty()) return;
    const Interval taken = intervals_.take_front(most);
    ASSERT_EQ(taken.begin, *numbers_.begin());
    ASSERT_GE(taken.size(), 1U);
    ASSERT_LE(taken.size(), most);
    for (std::uint64_t n = taken.begin; n < taken.end; ++n) ASSERT_EQ(numbers_.erase(n), 1U);
    ASSERT_TRUE(taken.size() == most || !numbers_.contains(taken.end)) << "took less than it could";
  }

  void compare_gaps(Interval interval) {
    std::vector<std::uint64_t> missing, visited;
    for (std::uint64_t n = interval.begin; n < interval.end; ++n)
      if (!numbers_.contains(n)) missing.push_back(n);
    intervals_.for_each_missing(interval, [&](Interval gap) {
      for (std::uint64_t n = gap.begin; n < gap.end; ++n) visited.push_back(n);
    });
    ASSERT_EQ(visited, missing);
    ASSERT_EQ(intervals_.intersects(interval), missing.size() < interval.size());
    const auto first = intervals_.first_missing(interval);
    ASSERT_EQ(first.has_value(), !missing.empty());
    ASSERT_TRUE(!first || first->begin == missing.front());
  }

  std::mt19937 engine_;
  IntervalSet intervals_;
  std::set<std::uint64_t> numbers_;
};

TEST(IntervalSet, IsASetOfNumbers) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    Twin twin{seed};
    for (int i = 0; i < 150; ++i) {
      twin.operate();
      twin.compare();
      if (::testing::Test::HasFatalFailure()) FAIL() << "seed " << seed;
    }
  }
}

TEST(IntervalSet, HoldsTheWholeRange) {
  constexpr std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  IntervalSet set;
  set.insert({0, last});
  EXPECT_EQ(set.count(), last);
  set.erase({1, last - 1});
  EXPECT_EQ(set.count(), 2U);
  EXPECT_EQ(set.first_missing({0, last}), (Interval{1, last - 1}));
  EXPECT_TRUE(set.contains(last - 1));
  EXPECT_FALSE(set.contains(last));
}

TEST(IntervalSet, IgnoresWhatIsEmpty) {
  IntervalSet set;
  set.insert({5, 5});
  set.insert({7, 3});
  EXPECT_TRUE(set.empty());
  set.insert({0, 10});
  set.erase({4, 4});
  set.erase({7, 3});
  EXPECT_EQ(set.count(), 10U);
  EXPECT_FALSE(set.intersects({4, 4}));
  EXPECT_FALSE(set.first_missing({4, 4}).has_value());
}

}  // namespace
}  // namespace mpifarm

// Where the time went, and what to ask for next.

#include "run/advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mpifarm {
namespace {

using testing::HasSubstr;

// 4 nodes of 10 slots, 1000 s; of the 40,000 slot seconds so many were work.
Summary hour(double work) {
  Summary s;
  s.tasks = s.succeeded = 100'000;
  s.threads = 40;
  s.wall_seconds = 1000;
  s.busy_seconds = work;
  return s;
}

const Allocation four{.nodes = 4, .ranks_per_node = 1, .cores_per_rank = 10};

TEST(Advice, SaysWhereTheTimeWent) {
  Summary s = hour(38'000);
  s.wasted_seconds = 2000;
  s.tail_idle_seconds = 1500;
  EXPECT_THAT(advice(s, four),
              HasSubstr("of 11.1 core-hours: 90.0 % work, 5.0 % in vain (retried or lost), 3.8 % "
                        "idle at the end, 1.2 % waiting"));
}

// 36,000 work and 4,000 not: with x times the nodes 36,000 and 4,000 x, so 80 % at 2.25 times.
TEST(Advice, MoreNodesWhileTheyWork) {
  const std::string text = advice(hour(36'000), four);
  EXPECT_THAT(text, HasSubstr("--nodes=4 --ntasks-per-node=1 --cpus-per-task=10 --time=00:21:00"));
  EXPECT_THAT(text, HasSubstr("up to 9 nodes would be worth it"));
}

// 20,000 and 20,000: 80 % at a quarter of the nodes, where it takes (20,000 + 5,000) / 10 s.
TEST(Advice, FewerNodesWhenTheyIdle) {
  const std::string text = advice(hour(20'000), four);
  EXPECT_THAT(text, HasSubstr("--nodes=1 "));
  EXPECT_THAT(text, HasSubstr("--time=00:51:00"));
  EXPECT_THAT(text, HasSubstr("more than 1 node is not worth it"));
}

TEST(Advice, NoMoreNodesThanTasks) {
  Summary s = hour(39'999);
  s.tasks = s.succeeded = 60;
  EXPECT_THAT(advice(s, four), HasSubstr("up to 6 nodes"));
}

TEST(Advice, IsOfTheWholeRun) {
  Summary s = hour(36'000);
  s.resumed = 50'000;
  EXPECT_THAT(advice(s, four), HasSubstr("--time=00:41:00"));
  s.wall_seconds = 300'000;
  s.busy_seconds = 36'000 * 300;
  EXPECT_THAT(advice(s, four), HasSubstr("--time=8-08:01:00"));
}

TEST(Advice, IsSilentAboutNothing) {
  EXPECT_EQ(advice(Summary{}, four), "");
  EXPECT_EQ(advice(hour(0), four), "");
}

}  // namespace
}  // namespace mpifarm

// Hosts where everything fails are handed nothing more.

#include <gtest/gtest.h>

#include <set>

#include "driver.hpp"

namespace mpifarm::sched {
namespace {

constexpr std::size_t bad_host = 1;

// Two hosts of two ranks of a slot each; on one of them everything fails.
struct TwoHosts {
  TwoHosts() : driver{options()} {
    for (const Rank rank : {0, 1, 2, 3}) driver.join(rank, 1, rank < 2 ? 0 : bad_host);
  }
  static Options options() {
    Options options;
    options.count = 1000;
    options.batching = {.batch = 1, .prefetch = 0};
    return options;
  }
  static std::size_t host_of(Rank rank) { return rank < 2 ? 0 : bad_host; }
  // The bad one is quick: the others answer only when it has nothing left.
  void fail_until_it_is_given_nothing() {
    for (auto given = driver.dispatch(); !given.empty(); given = driver.dispatch())
      for (const Given& one : given) {
        if (host_of(one.rank) == bad_host)
          driver.answer(one, 'f');
        else
          slow.push_back(one);
      }
  }
  Driver driver;
  std::vector<Given> slow;
};

TEST(Fencing, AQuickHostWhereEverythingFailsDoesNotTakeTheWholeList) {
  TwoHosts hosts;
  hosts.fail_until_it_is_given_nothing();
  hosts.driver.commit_all();
  EXPECT_EQ(hosts.driver.scheduler.failed(), 10U);
  EXPECT_TRUE(hosts.driver.scheduler.take_fenced_hosts().empty());
  std::uint64_t probes = 0;
  while (!hosts.slow.empty()) {
    for (const Given& one : std::exchange(hosts.slow, {}))
      hosts.driver.answer(one, TwoHosts::host_of(one.rank) == bad_host ? 'f' : 's');
    for (const Given& one : hosts.driver.dispatch()) {
      EXPECT_EQ(one.lease.count, 1U);
      probes += TwoHosts::host_of(one.rank) == bad_host ? 1 : 0;
      hosts.slow.push_back(one);
    }
  }
  hosts.driver.commit_all();
  EXPECT_EQ(probes, 3U);
  EXPECT_EQ(hosts.driver.scheduler.failed(), 13U);
  EXPECT_EQ(hosts.driver.scheduler.take_fenced_hosts(), std::vector<std::size_t>{bad_host});
  EXPECT_TRUE(hosts.driver.scheduler.finished());
}

TEST(Fencing, TheLastOnesAreHandedOutAgainWhenTheOthersAreLost) {
  TwoHosts hosts;
  hosts.fail_until_it_is_given_nothing();
  for (const Rank rank : {0, 1}) hosts.driver.lose(rank);
  EXPECT_FALSE(hosts.driver.dispatch().empty());
  for (const auto& [position, times] : hosts.driver.work_off()) EXPECT_EQ(times, 1) << position;
}

// As when tasks of a product are dealt out in lockstep, and every other one fails by itself.
TEST(Fencing, AHostThatHappensToGetAllBadTasksGoesOn) {
  TwoHosts hosts;
  int unlucky = 12;
  for (auto given = hosts.driver.dispatch(); !given.empty(); given = hosts.driver.dispatch())
    for (const Given& one : given) {
      const bool fails = TwoHosts::host_of(one.rank) == bad_host && unlucky > 0
                             ? unlucky-- > 0
                             : one.lease.first.value % 2 == 0;
      hosts.driver.answer(one, fails ? 'f' : 's');
    }
  hosts.driver.commit_all();
  EXPECT_TRUE(hosts.driver.scheduler.finished());
  EXPECT_TRUE(hosts.driver.scheduler.take_fenced_hosts().empty());
}

TEST(Fencing, TasksThatFailEverywhereFenceNobody) {
  TwoHosts hosts;
  for (auto given = hosts.driver.dispatch(); !given.empty(); given = hosts.driver.dispatch())
    for (const Given& one : given) hosts.driver.answer(one, 'f');
  hosts.driver.commit_all();
  EXPECT_EQ(hosts.driver.scheduler.failed(), 1000U);
  EXPECT_TRUE(hosts.driver.scheduler.take_fenced_hosts().empty());
}

}  // namespace
}  // namespace mpifarm::sched

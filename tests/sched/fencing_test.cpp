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
  std::uint64_t others = 0;
  while (!hosts.slow.empty()) {
    for (const Given& one : std::exchange(hosts.slow, {})) hosts.driver.answer(one);
    for (const Given& one : hosts.driver.dispatch()) {
      EXPECT_EQ(TwoHosts::host_of(one.rank), 0U);
      hosts.slow.push_back(one);
      ++others;
    }
  }
  hosts.driver.commit_all();
  EXPECT_EQ(hosts.driver.scheduler.take_fenced_hosts(), std::vector<std::size_t>{bad_host});
  EXPECT_EQ(others, 1000U - 12);
  EXPECT_TRUE(hosts.driver.scheduler.finished());
}

TEST(Fencing, TheLastOnesAreHandedOutAgainWhenTheOthersAreLost) {
  TwoHosts hosts;
  hosts.fail_until_it_is_given_nothing();
  for (const Rank rank : {0, 1}) hosts.driver.lose(rank);
  EXPECT_FALSE(hosts.driver.dispatch().empty());
  for (const auto& [position, times] : hosts.driver.work_off()) EXPECT_EQ(times, 1) << position;
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

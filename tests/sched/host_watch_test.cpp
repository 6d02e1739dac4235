#include "sched/host_watch.hpp"

#include <gtest/gtest.h>

namespace mpifarm::sched {
namespace {

using Hosts = std::vector<std::size_t>;

HostWatch watch_of(std::size_t hosts, unsigned slots) {
  HostWatch watch;
  for (std::size_t host = 0; host < hosts; ++host) watch.on_joined(host, slots);
  return watch;
}

// Gives the host a task, which ends as said.
void probe(HostWatch& watch, std::size_t host, bool succeeds) {
  ASSERT_TRUE(watch.wants_probe(host));
  watch.on_probe(host);
  EXPECT_FALSE(watch.wants_probe(host)) << "one at a time";
  watch.on_attempts(host, succeeds ? 1 : 0, succeeds ? 0 : 1);
}

TEST(HostWatch, FencesAHostWhereEverythingFails) {
  HostWatch watch = watch_of(3, 4);
  watch.on_attempts(1, 0, 10);
  watch.on_attempts(0, 5, 0);
  EXPECT_FALSE(watch.wants_probe(1));
  watch.on_attempts(2, 5, 0);
  for (const int times : {1, 2, 3}) {
    SCOPED_TRACE(times);
    EXPECT_TRUE(watch.take_fenced().empty());
    probe(watch, 1, false);
  }
  EXPECT_EQ(watch.take_fenced(), Hosts{1});
  EXPECT_TRUE(watch.is_barred(1));
  EXPECT_FALSE(watch.wants_probe(1));
  EXPECT_FALSE(watch.is_barred(0));
  EXPECT_TRUE(watch.take_fenced().empty());  // said once
}

TEST(HostWatch, ASuccessOfAProbeFreesTheHost) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 10, 0);
  probe(watch, 0, false);
  probe(watch, 0, true);
  EXPECT_FALSE(watch.is_barred(0));
  EXPECT_TRUE(watch.take_fenced().empty());
}

TEST(HostWatch, WhatAHostHeldBeforeIsNoProbe) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 10, 0);
  for (int i = 0; i < 10; ++i) watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.take_fenced().empty());
  EXPECT_TRUE(watch.wants_probe(0));
}

TEST(HostWatch, AProbeThatIsLostIsGivenAgain) {
  HostWatch watch;
  for (const std::size_t host : {0, 0, 1}) watch.on_joined(host, 2);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 10, 0);
  watch.on_probe(0);
  watch.on_lost(0, 2);
  EXPECT_TRUE(watch.wants_probe(0));
}

TEST(HostWatch, GivesASuspectNothingUntilOthersAreHeard) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 9);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.is_barred(0));
  EXPECT_FALSE(watch.wants_probe(0));
}

TEST(HostWatch, WaitsForAFailureOfEverySlot) {
  HostWatch watch = watch_of(2, 64);
  watch.on_attempts(0, 0, 63);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.is_barred(0));
}

TEST(HostWatch, BlamesTasksThatFailElsewhereToo) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 25, 2);
  EXPECT_TRUE(watch.is_barred(0));
  watch.on_attempts(1, 0, 1);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 9);  // the row begins anew
  EXPECT_FALSE(watch.is_barred(0));
}

TEST(HostWatch, ASuccessEndsTheRow) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(1, 50, 0);
  watch.on_attempts(0, 0, 9);
  watch.on_attempts(0, 1, 5);
  watch.on_attempts(0, 0, 9);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.is_barred(0));
  watch.on_attempts(0, 1, 0);  // of what it still held
  EXPECT_FALSE(watch.is_barred(0));
}

TEST(HostWatch, CountsOnlyWhatOthersDoFromThenOn) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(1, 1000, 0);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 9, 0);
  EXPECT_FALSE(watch.wants_probe(0));
  watch.on_attempts(1, 1, 0);
  EXPECT_TRUE(watch.wants_probe(0));
}

TEST(HostWatch, TheLastHostGoesOn) {
  HostWatch alone = watch_of(1, 2);
  alone.on_attempts(0, 0, 1000);
  EXPECT_FALSE(alone.is_barred(0));

  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 3, 0);
  ASSERT_TRUE(watch.is_barred(0));
  watch.on_lost(1, 4);
  EXPECT_FALSE(watch.is_barred(0));
}

TEST(HostWatch, TwoHostsThatFailAreNotBothKeptWaiting) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 0, 2);
  EXPECT_TRUE(watch.is_barred(0));
  watch.on_attempts(1, 0, 8);
  EXPECT_FALSE(watch.is_barred(0));
  EXPECT_TRUE(watch.is_barred(1));
  watch.on_attempts(0, 0, 3);
  EXPECT_FALSE(watch.is_barred(1));
}

}  // namespace
}  // namespace mpifarm::sched

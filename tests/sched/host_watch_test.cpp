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

TEST(HostWatch, FencesAHostWhereEverythingFails) {
  HostWatch watch = watch_of(3, 4);
  watch.on_attempts(1, 0, 10);
  watch.on_attempts(0, 2, 0);
  EXPECT_TRUE(watch.take_fenced().empty());
  watch.on_attempts(2, 1, 0);
  EXPECT_EQ(watch.take_fenced(), Hosts{1});
  EXPECT_TRUE(watch.is_barred(1));
  EXPECT_FALSE(watch.is_barred(0));
  EXPECT_TRUE(watch.take_fenced().empty());  // said once
}

TEST(HostWatch, GivesASuspectNothingUntilOthersAreHeard) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 9);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.is_barred(0));
  EXPECT_TRUE(watch.take_fenced().empty());
}

TEST(HostWatch, WaitsForAFailureOfEverySlot) {
  HostWatch watch = watch_of(2, 64);
  watch.on_attempts(0, 0, 63);
  EXPECT_FALSE(watch.is_barred(0));
  watch.on_attempts(0, 0, 1);
  EXPECT_TRUE(watch.is_barred(0));
}

TEST(HostWatch, BlamesTasksThatFailEverywhere) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(0, 0, 10);
  watch.on_attempts(1, 0, 3);
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

TEST(HostWatch, CountsOnlyWhatOthersDidMeanwhile) {
  HostWatch watch = watch_of(2, 4);
  watch.on_attempts(1, 1000, 0);
  watch.on_attempts(0, 0, 10);
  EXPECT_TRUE(watch.take_fenced().empty());
  watch.on_attempts(1, 3, 0);
  EXPECT_EQ(watch.take_fenced(), Hosts{0});
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

// A worker whose loop stands still leaves.

#include "app/turn_watch.hpp"

#include <gtest/gtest.h>

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{5};

void stand_still() {
  const std::atomic<std::uint64_t> turns = 7;
  const TurnWatch watch{turns, 2, look, 3};
  std::this_thread::sleep_for(std::chrono::minutes{1});
}

TEST(TurnWatchDeathTest, EndsAProcessWhoseLoopStandsStill) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(stand_still(), testing::ExitedWithCode(75), "rank 2 leaves");
}

TEST(TurnWatch, LeavesALoopThatTurnsAlone) {
  std::atomic<std::uint64_t> turns = 0;
  const TurnWatch watch{turns, 2, look, 100};
  for (const TimePoint end = Clock::now() + std::chrono::seconds{1}; Clock::now() < end;
       std::this_thread::sleep_for(std::chrono::milliseconds{1}))
    ++turns;
}

TEST(TurnWatch, EndsAtOnceWithItsLoop) {
  const std::atomic<std::uint64_t> turns = 0;
  const TimePoint begin = Clock::now();
  { const TurnWatch watch{turns, 2, std::chrono::hours{1}, 1}; }
  EXPECT_LT(Clock::now() - begin, std::chrono::minutes{1});
}

}  // namespace
}  // namespace mpifarm::app

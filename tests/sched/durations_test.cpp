// What share of the tasks takes how long.

#include "sched/durations.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace mpifarm::sched {
namespace {

TEST(Durations, KnowNothingAtFirst) { EXPECT_EQ(Durations{}.covering(0.95), Nanos{0}); }

TEST(Durations, CoverWithAtMostAQuarterMore) {
  for (std::int64_t nanos = 1; nanos < std::int64_t{1} << 60; nanos = nanos * 5 / 4 + 1) {
    Durations durations;
    durations.observe(1, Nanos{nanos});
    const Nanos covering = durations.covering(0.95);
    EXPECT_GT(covering, Nanos{nanos});
    EXPECT_LE(covering.count(), nanos / 4 * 5 + 5) << nanos;
  }
}

TEST(Durations, LeaveTheShareOutThatTakesLonger) {
  Durations durations;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const double uniform = Random{1, i}.uniform();
    durations.observe(1, std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{uniform}));
  }
  EXPECT_NEAR(static_cast<double>(durations.covering(0.5).count()) * 1e-9, 0.55, 0.1);
  EXPECT_NEAR(static_cast<double>(durations.covering(0.95).count()) * 1e-9, 1.0, 0.1);
}

TEST(Durations, CountTheTasksOfABatch) {
  Durations durations;
  durations.observe(99, std::chrono::milliseconds{99});
  durations.observe(1, std::chrono::seconds{1});
  EXPECT_LT(durations.covering(0.95), std::chrono::milliseconds{2});
  EXPECT_GT(durations.covering(1), std::chrono::milliseconds{999});
}

}  // namespace
}  // namespace mpifarm::sched

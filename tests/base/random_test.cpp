// Philox against the known answers of Random123 (kat_vectors, philox4x32-10), and the streams made of it.

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace mpifarm {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, IsAFunctionOfSeedAndId) {
  Random one{3, 4}, again{3, 4};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one(), again());
}

TEST(Random, DiffersByEveryBitOfSeedAndId) {
  std::set<std::uint64_t> firsts{Random{0, 0}()};
  for (int bit = 0; bit < 64; ++bit) {
    firsts.insert(Random{std::uint64_t{1} << bit, 0}());
    firsts.insert(Random{0, std::uint64_t{1} << bit}());
  }
  EXPECT_EQ(firsts.size(), 129U);
}

TEST(Random, RepeatsNothingSoon) {
  Random random{1, 1};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(random());
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random{11, 0};
  constexpr int count = 100'000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < count; ++i) {
    const double u = random.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    const double n = random.normal();
    ASSERT_TRUE(std::isfinite(n));
    normal_sum += n;
    normal_squares += n * n;
  }
  EXPECT_NEAR(sum / count, 0.5, 0.005);
  EXPECT_NEAR(normal_sum / count, 0, 0.015);
  EXPECT_NEAR(normal_squares / count, 1, 0.025);
}

}  // namespace
}  // namespace mpifarm

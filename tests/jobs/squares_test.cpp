#include "jobs/squares.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "serial_farm.hpp"

namespace {

using mpifarm::support::SerialFarm;
using Farm = SerialFarm<Squares>;

constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

TEST(Squares, AreThoseKnown) {
  Farm farm{{}};
  const auto computed = farm.run();
  ASSERT_EQ(computed.size(), 10'000U);
  const std::vector<std::pair<std::int64_t, std::int64_t>> known{
      {3411, 11634921}, {1605, 2576025}, {1398, 1954404},  {4729, 22363441}, {5300, 28090000},
      {7471, 55815841}, {68, 4624},      {7866, 61873956}, {339, 114921}};
  for (const auto& [n, square] : known) {
    EXPECT_EQ(computed[static_cast<std::size_t>(n)].result.n, n);
    EXPECT_EQ(computed[static_cast<std::size_t>(n)].result.square, square);
  }
  EXPECT_EQ(farm.conclude(), "largest square: 99980001");
}

// Squares without multiplying: each is the one before and the next odd number.
TEST(Squares, AreSumsOfOddNumbers) {
  Farm farm{{{"--from", "-300"}, {"--to", "300"}}};
  std::int64_t expected = 90'000, n = -300;
  for (const auto& computed : farm.run()) {
    EXPECT_EQ(computed.result.n, n);
    EXPECT_EQ(computed.result.square, expected);
    expected += 2 * n++ + 1;
  }
  EXPECT_EQ(n, 300);
}

TEST(Squares, BeyondInt64AreFailures) {
  const Farm farm{{{"--from", "3037000499"}, {"--to", "3037000501"}}};
  EXPECT_EQ(farm.compute(0).result.square, 9223372030926249001);
  EXPECT_EQ(farm.compute(1).outcome, mpifarm::Outcome::failed);
  EXPECT_EQ(farm.compute(1).message, "the square does not fit 64 bits");
}

TEST(Squares, CountRangesWiderThanInt64) {
  const Farm farm{{{"--from", std::to_string(smallest)}, {"--to", std::to_string(largest)}}};
  EXPECT_EQ(farm.job().size(), std::numeric_limits<std::uint64_t>::max());
  const Squares squares{{smallest, largest}};
  EXPECT_EQ(squares.task(0).n, smallest);
  EXPECT_EQ(squares.task(std::uint64_t{1} << 63).n, 0);
  EXPECT_EQ(squares.task(std::numeric_limits<std::uint64_t>::max() - 1).n, largest - 1);
}

TEST(Squares, RefuseARangeThatEndsBeforeItStarts) {
  EXPECT_EQ(mpifarm::support::refusal<Squares>({{"--from", "10"}, {"--to", "3"}}),
            "--to is below --from (3 is below 10); give a --to of at least --from");
  EXPECT_EQ(Farm({{"--from", "3"}, {"--to", "3"}}).job().size(), 0U);
}

TEST(Squares, HaveTheirFieldsAsColumns) {
  EXPECT_EQ(mpifarm::job_type<Squares>().result_columns(), (std::vector<std::string>{"n", "square"}));
}

}  // namespace

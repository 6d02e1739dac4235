#include "jobs/pi.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "serial_farm.hpp"

namespace {

using Farm = mpifarm::support::SerialFarm<Pi>;

// From D. Bailey, P. Borwein and S. Plouffe, who count digits from 1.
constexpr auto first_digits = "243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89";
constexpr auto digits_from_the_millionth = "26C65E52CB4593";

std::uint64_t inside_serially(std::uint64_t seed, std::uint64_t id, std::uint64_t points) {
  mpifarm::Random random{seed, id};
  std::uint64_t inside = 0;
  for (std::uint64_t i = 0; i < points; ++i) {
    const double x = random.uniform();
    const double y = random.uniform();
    if (x * x + y * y < 1) ++inside;
  }
  return inside;
}

TEST(PiSampled, EqualsASerialLoop) {
  constexpr std::uint64_t seed = 42;
  Farm farm{{{"--samples", "2500"}, {"--per-task", "1000"}}, seed};
  const auto computed = farm.run();
  ASSERT_EQ(computed.size(), 3U);
  for (std::uint64_t id = 0; id < 3; ++id) {
    const std::uint64_t points = id == 2 ? 500 : 1000;
    EXPECT_EQ(computed[id].result.samples, points);
    EXPECT_EQ(computed[id].result.inside, inside_serially(seed, id, points));
    EXPECT_EQ(computed[id].result.digits, "");
  }
}

TEST(PiSampled, IsWithinFiveStandardErrors) {
  Farm farm{{{"--samples", "2000000"}}};
  double inside = 0;
  for (const auto& computed : farm.run()) inside += static_cast<double>(computed.result.inside);
  double estimate = 0, error = 0;
  const std::string text = farm.conclude();
  ASSERT_EQ(std::sscanf(text.c_str(), "pi is about %lf +- %lf, from 2000000 points", &estimate, &error), 2);
  EXPECT_NEAR(estimate, 4 * inside / 2e6, 1e-4);
  EXPECT_NEAR(error, std::sqrt(std::numbers::pi * (4 - std::numbers::pi) / 2e6), 1e-4);
  EXPECT_LT(std::abs(estimate - std::numbers::pi), 5 * error);
}

TEST(PiSampled, HasOneTaskForEveryPoint) {
  Farm farm{{{"--samples", "10"}, {"--per-task", "3"}}};
  std::uint64_t next = 0;
  for (const auto& task : farm.tasks()) {
    EXPECT_EQ(task.first, next);
    next += task.count;
  }
  EXPECT_EQ(next, 10U);
  const Farm huge{{{"--samples", "18446744073709551615"}, {"--per-task", "18446744073709551615"}}};
  EXPECT_EQ(huge.job().size(), 1U);
}

TEST(PiSampled, StopsWhenAsked) {
  const Farm farm{{{"--samples", "1000000000000"}, {"--per-task", "1000000000000"}}};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(farm.compute(0, {}, 1, stop.get_token()).message, "stopped before its end");
}

TEST(PiSampled, OfOnePointHasNoError) {
  Farm farm{{{"--samples", "1"}}};
  farm.run();
  const std::string text = farm.conclude();
  EXPECT_TRUE(text == "pi is about 4.0 +- 0.0, from 1 points" ||
              text == "pi is about 0.0 +- 0.0, from 1 points")
      << text;
}

TEST(PiDigits, StartAsKnown) {
  Farm farm{{{"--digits", "64"}}};
  farm.run();
  EXPECT_EQ(farm.conclude(), std::string{"3."} + first_digits);
}

TEST(PiDigits, OfAnyNumberAreTheSame) {
  for (const std::size_t count : {1U, 15U, 16U, 17U, 63U}) {
    Farm farm{{{"--digits", std::to_string(count)}}};
    farm.run();
    EXPECT_EQ(farm.conclude(), "3." + std::string{first_digits}.substr(0, count));
  }
}

TEST(PiDigits, FromTheMillionthAreThosePublished) {
  const Farm farm{{{"--digits", "1000016"}}};
  constexpr std::uint64_t id = 1'000'000 / Pi::digits_per_task;
  ASSERT_EQ(farm.job().size(), id + 1);
  const std::string digits = farm.compute(id - 1).result.digits + farm.compute(id).result.digits;
  EXPECT_EQ(digits.substr(Pi::digits_per_task - 1, 14), digits_from_the_millionth);
}

// The series is summed anew for each position, so that a digit which comes out twice is a check of both.
TEST(PiDigits, AreTheSameFromAnyPosition) {
  const std::stop_token never;
  const mpifarm::Context context{0, never, nullptr};
  for (const std::uint64_t first : {0ULL, 1ULL, 100ULL, 4095ULL, 4096ULL, 20'000ULL}) {
    const std::string digits = Pi::hex_digits(first, 24, context);
    for (const std::uint64_t later : {1U, 7U, 16U})
      EXPECT_EQ(Pi::hex_digits(first + later, 24 - later, context), digits.substr(later))
          << first << '+' << later;
  }
}

TEST(PiDigits, ThatCannotBeToldAreRefused) {
  const mpifarm::Context context{0, {}, nullptr};
  EXPECT_EQ(Pi::hex_digits(1000, 28, context).size(), 28U);
  EXPECT_THROW(Pi::hex_digits(1000, 32, context), std::runtime_error);
}

TEST(PiDigits, OfFailedTasksAreMarked) {
  Pi pi{{.digits = 40}};
  pi.reduce(pi.task(1), {0, 0, "0123456789ABCDEF"});
  EXPECT_EQ(pi.conclude(), "3.????????????????0123456789ABCDEF????????");
}

TEST(Pi, RefusesParamsWithoutWork) {
  EXPECT_EQ(mpifarm::support::refusal<Pi>({{"--samples", "0"}}),
            "--samples is 0 (pi is estimated from them); give 1 or more");
  EXPECT_EQ(mpifarm::support::refusal<Pi>({{"--per-task", "0"}}),
            "--per-task is 0 (no task would draw a point); give 1 or more");
  EXPECT_EQ(mpifarm::support::refusal<Pi>({{"--digits", "1000000001"}}),
            "--digits is too large (1000000001); give at most 1000000000");
}

TEST(Pi, WithoutAnySuccessIsUnknown) { EXPECT_EQ(Farm{{}}.conclude(), "pi is unknown: no task succeeded"); }

}  // namespace

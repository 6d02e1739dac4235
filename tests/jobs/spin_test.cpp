#include "jobs/spin.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "base/clock.hpp"
#include "serial_farm.hpp"

namespace {

using Farm = mpifarm::support::SerialFarm<Spin>;
using mpifarm::Outcome;
using std::chrono::steady_clock;

constexpr auto no_work = "1";  // --steps-per-second: tasks that take no time

std::vector<double> drawn(const std::string& law, const Farm::Flags& more = {}) {
  Farm::Flags flags{{"--law", law}, {"--count", "20000"}, {"--steps-per-second", no_work}};
  flags.insert(flags.end(), more.begin(), more.end());
  std::vector<double> all;
  for (const auto& computed : Farm{flags}.run()) all.push_back(computed.result.seconds);
  return all;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double share_below(const std::vector<double>& values, double limit) {
  return static_cast<double>(std::ranges::count_if(values, [=](double value) { return value < limit; })) /
         static_cast<double>(values.size());
}

TEST(Spin, ReturnsTheSameHoweverFastTheMachine) {
  for (const char* law : {"constant", "uniform", "lognormal", "pareto"}) {
    std::vector<std::string> packed;
    for (const char* rate : {"0", no_work, "1000000", "100000000"}) {
      Farm farm{{{"--law", law}, {"--count", "50"}, {"--duration", "1e-5"}, {"--steps-per-second", rate}}};
      std::string& all = packed.emplace_back();
      for (const auto& computed : farm.run()) all += computed.packed;
      all += farm.conclude();
    }
    for (const std::string& other : packed) EXPECT_EQ(other, packed[0]) << law;
  }
}

TEST(Spin, ReturnsAnotherValueForEachTaskAndSeed) {
  const Farm one{{}, 1}, two{{}, 2};
  EXPECT_NE(one.compute(0).result.value, one.compute(1).result.value);
  EXPECT_NE(one.compute(0).result.value, two.compute(0).result.value);
  EXPECT_EQ(one.compute(5, {}, 1).result.value, one.compute(5, {}, 3).result.value);
}

// Tolerances are five standard errors of the mean, or of the share.
TEST(SpinLaw, Constant) {
  for (const double seconds : drawn("constant")) ASSERT_EQ(seconds, 1e-3);
}

TEST(SpinLaw, Uniform) {
  const auto values = drawn("uniform");
  EXPECT_NEAR(mean(values), 1e-3, 5 * 1e-3 / std::sqrt(3 * 20'000.));
  EXPECT_NEAR(share_below(values, 0.5e-3), 0.25, 0.016);
  EXPECT_LT(std::ranges::max(values), 2e-3);
  EXPECT_GE(std::ranges::min(values), 0);
}

TEST(SpinLaw, Lognormal) {
  const auto values = drawn("lognormal", {{"--sigma", "0.5"}});
  EXPECT_NEAR(mean(values), 1e-3, 5 * 1e-3 * std::sqrt((std::exp(0.25) - 1) / 20'000));
  EXPECT_NEAR(share_below(values, 1e-3 * std::exp(-0.125)), 0.5, 0.018);  // the median
}

TEST(SpinLaw, Pareto) {
  const auto values = drawn("pareto", {{"--alpha", "3"}});
  EXPECT_NEAR(mean(values), 1e-3,
              5 * 1e-3 / std::sqrt(3 * 20'000.));  // variance: mean^2 / (alpha (alpha - 2))
  const double least = 1e-3 * 2 / 3;
  EXPECT_GE(std::ranges::min(values), least * (1 - 1e-12));
  EXPECT_NEAR(share_below(values, least * std::cbrt(2)), 0.5, 0.018);  // the median
}

TEST(SpinFailures, HaveTheShareAsked) {
  Farm farm{{{"--count", "20000"}, {"--fail-rate", "0.1"}, {"--steps-per-second", no_work}}};
  int failed = 0;
  for (const auto& computed : farm.run()) {
    if (computed.outcome == Outcome::succeeded) continue;
    ++failed;
    ASSERT_EQ(computed.message, "drawn to fail (attempt 1)");
  }
  EXPECT_NEAR(failed, 2000, 5 * std::sqrt(20'000 * 0.1 * 0.9));
}

TEST(SpinFailures, ArePerAttemptAndTheSameEveryTime) {
  const Farm::Flags flags{{"--fail-rate", "0.5"}, {"--steps-per-second", no_work}};
  const Farm farm{flags, 3}, again{flags, 3}, other_seed{flags, 4};
  int differ_by_attempt = 0, differ_by_seed = 0, both_failed = 0;
  for (std::uint64_t id = 0; id < 1000; ++id) {
    const bool first = farm.compute(id, {}, 1).outcome == Outcome::failed;
    const bool second = farm.compute(id, {}, 2).outcome == Outcome::failed;
    ASSERT_EQ(again.compute(id, {}, 1).outcome == Outcome::failed, first);
    ASSERT_EQ(again.compute(id, {}, 2).outcome == Outcome::failed, second);
    differ_by_attempt += first != second;
    differ_by_seed += first != (other_seed.compute(id, {}, 1).outcome == Outcome::failed);
    both_failed += first && second;
  }
  EXPECT_NEAR(differ_by_attempt, 500, 80);
  EXPECT_NEAR(differ_by_seed, 500, 80);
  EXPECT_NEAR(both_failed, 250, 70);
}

TEST(SpinFailures, AreNoneOrAllAtTheEnds) {
  for (const auto& [rate, expected] : {std::pair{"0", Outcome::succeeded}, {"1", Outcome::failed}}) {
    Farm farm{{{"--fail-rate", rate}, {"--steps-per-second", no_work}}};
    for (const auto& computed : farm.run()) ASSERT_EQ(computed.outcome, expected);
  }
}

double cpu_seconds_of(const Farm& farm, std::uint64_t id) {
  const mpifarm::Nanos start = mpifarm::thread_cpu_time();
  EXPECT_EQ(farm.compute(id).outcome, Outcome::succeeded);
  return mpifarm::seconds(mpifarm::thread_cpu_time() - start);
}

TEST(SpinWork, TakesTheCpuTimeAsked) {
  const Farm farm{{{"--duration", "0.02"}}};
  farm.compute(0);  // measures the rate
  double best = 1;
  for (std::uint64_t id = 0; id < 5; ++id) best = std::min(best, cpu_seconds_of(farm, id));
  EXPECT_GT(best, 0.01);
  EXPECT_LT(best, 0.04);
}

TEST(SpinWork, MeasuresTheRateInAShortTime) {
  EXPECT_LT(cpu_seconds_of(Farm{{{"--duration", "0"}}}, 0), 0.1);
}

TEST(SpinWork, StopsEarlyWhenAsked) {
  const Farm farm{{{"--duration", "1000"}}};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(farm.compute(0, {}, 1, stop.get_token()).message, "stopped before its end");
}

TEST(SpinWait, SleepsWithoutCpuTime) {
  const Farm farm{{{"--wait", ""}, {"--duration", "0.05"}}};
  const auto start = steady_clock::now();
  EXPECT_LT(cpu_seconds_of(farm, 0), 0.02);
  EXPECT_GE(steady_clock::now() - start, std::chrono::milliseconds{50});
}

TEST(SpinWait, EndsEarlyWhenAsked) {
  const Farm farm{{{"--wait", ""}, {"--duration", "1000"}}};
  std::stop_source stop;
  const auto start = steady_clock::now();
  const std::jthread stopper{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{30});
    stop.request_stop();
  }};
  const auto computed = farm.compute(0, {}, 1, stop.get_token());
  EXPECT_EQ(computed.outcome, Outcome::failed);
  EXPECT_EQ(computed.message, "stopped before its end");
  EXPECT_LT(steady_clock::now() - start, std::chrono::seconds{10});
}

TEST(Spin, ConcludesWithTheDrawnDurations) {
  Farm farm{{{"--count", "4"}, {"--duration", "0.25"}, {"--steps-per-second", no_work}}};
  farm.run();
  EXPECT_EQ(farm.conclude(), "4 tasks of 1 s in all, the longest 0.25 s");
}

TEST(Spin, RefusesParamsOutOfRange) {
  EXPECT_EQ(mpifarm::support::refusal<Spin>({{"--fail-rate", "1.5"}}),
            "--fail-rate is out of range (1.5); give a share from 0 to 1");
  for (const auto& [flag, value] : std::vector<mpifarm::describe::GivenFlag>{{"--duration", "-1"},
                                                                             {"--duration", "nan"},
                                                                             {"--duration", "inf"},
                                                                             {"--sigma", "-1"},
                                                                             {"--alpha", "1"},
                                                                             {"--fail-rate", "-1"},
                                                                             {"--fail-rate", "nan"}})
    EXPECT_NE(mpifarm::support::refusal<Spin>({{flag, value}}), "") << flag << ' ' << value;
  EXPECT_EQ(mpifarm::support::refusal<Spin>({{"--law", "paretto"}}),
            "--law is none of constant, uniform, lognormal, pareto (\"paretto\"); did you mean pareto?");
}

TEST(Spin, ShowsItsLawsInItsFlags) {
  const auto flags = mpifarm::job_type<Spin>().flags();
  const auto law = std::ranges::find(flags, "--law", &mpifarm::describe::FlagInfo::name);
  ASSERT_NE(law, flags.end());
  EXPECT_EQ(law->type_name, "one of constant|uniform|lognormal|pareto");
}

}  // namespace

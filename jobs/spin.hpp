#pragma once
// A synthetic load, to measure how a machine and a layout do: tasks of drawn durations that compute, wait or
// fail as told. What a task returns depends on its id and the seed alone, never on the machine's speed.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <mpifarm.hpp>
#include <mutex>
#include <stdexcept>

struct Spin {
  static constexpr auto name = "spin";
  static constexpr auto summary = "A synthetic load: tasks of drawn durations that compute, wait or fail";
  static constexpr mpifarm::ParamHelp help[] = {
      {"count", "tasks"},
      {"duration", "mean of the tasks' durations, seconds"},
      {"law", "how they are distributed"},
      {"sigma", "lognormal: standard deviation of the logarithm"},
      {"alpha", "pareto: exponent of the tail, above 1"},
      {"wait", "sleep instead of computing"},
      {"fail_rate", "share of attempts that fail, 0 to 1"},
      {"steps_per_second", "of one core; 0: measured once in each process"},
  };
  static constexpr auto source_params = {"count"};

  enum class Law { constant, uniform, lognormal, pareto };  // uniform: from 0 to twice the mean

  struct Params {
    std::uint64_t count = 1000;  // tasks
    double duration = 1e-3;      // their mean, seconds
    Law law = Law::constant;
    double sigma = 1;                    // lognormal: standard deviation of the logarithm
    double alpha = 1.5;                  // pareto: exponent of the tail, above 1
    bool wait = false;                   // sleep instead of computing
    double fail_rate = 0;                // share of attempts that fail, 0 to 1
    std::uint64_t steps_per_second = 0;  // of one core; 0: measured once in each process
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    double seconds;  // as drawn
    std::uint64_t value;
  };

  // Throws BadInput for params out of range.
  explicit Spin(const Params& params) : params_{params} {
    check(params.duration >= 0 && params.duration <= longest_seconds, "--duration", params.duration,
          "give seconds from 0 to 1e9");
    check(params.sigma >= 0 && params.sigma <= 10, "--sigma", params.sigma, "give a number from 0 to 10");
    check(params.alpha > 1 && params.alpha <= 1000, "--alpha", params.alpha,
          "give a number above 1, where a Pareto law has a mean, and at most 1000");
    check(params.fail_rate >= 0 && params.fail_rate <= 1, "--fail-rate", params.fail_rate,
          "give a share from 0 to 1");
  }

  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }

  // Throws at its end for an attempt drawn to fail, and early when asked to stop.
  Result compute(const Task&, mpifarm::Context& context) const {
    mpifarm::Random random = context.random();
    const Result result{draw_seconds(random), random()};
    if (params_.wait)
      wait(result.seconds, context);
    else
      work(result, context);
    if (params_.fail_rate > 0 && draw_failure(context) < params_.fail_rate)
      throw std::runtime_error{"drawn to fail (attempt " + std::to_string(context.attempt()) + ")"};
    return result;
  }

  void reduce(const Task&, const Result& result) {
    ++tasks_;
    seconds_ += result.seconds;
    longest_ = std::max(longest_, result.seconds);
  }

  std::string conclude() const {
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(), "%llu tasks of %.6g s in all, the longest %.6g s",
                  static_cast<unsigned long long>(tasks_), seconds_, longest_);
    return text.data();
  }

 private:
  static constexpr double longest_seconds = 1e9;
  static constexpr std::uint64_t steps_between_looks = 1 << 18;  // about a millisecond

  static void check(bool fits, const char* flag, double value, const char* advice) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.17g", value);
    if (!fits)
      throw mpifarm::BadInput{std::string{flag} + " is out of range (" + text.data() + "); " + advice};
  }

  // Every law has the mean `duration`.
  double draw_seconds(mpifarm::Random& random) const {
    const double mean = params_.duration;
    switch (params_.law) {
      case Law::constant:
        return mean;
      case Law::uniform:
        return 2 * mean * random.uniform();
      case Law::lognormal:
        return random.lognormal(mean, params_.sigma);
      case Law::pareto:
        return random.pareto(mean, params_.alpha);
    }
    return mean;
  }

  // Uniform in [0, 1), a function of seed, id and attempt: from the far end of the task's random stream,
  // whose blocks are numbered from 0.
  static double draw_failure(const mpifarm::Context& context) {
    const auto halves = [](std::uint64_t value) {
      return std::array{static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32)};
    };
    const auto block = halves(~std::uint64_t{context.attempt()});
    const auto id = halves(context.id().value);
    const auto words = mpifarm::philox({block[0], block[1], id[0], id[1]}, halves(context.seed()));
    return words[0] * 0x1p-32;
  }

  [[noreturn]] static void stop() { throw std::runtime_error{"stopped before its end"}; }

  static void wait(double seconds, const mpifarm::Context& context) {
    const std::chrono::duration<double> duration{std::min(seconds, longest_seconds)};
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(duration);
    std::mutex mutex;
    std::condition_variable_any never_notified;  // but woken by the stop token
    std::unique_lock lock{mutex};
    never_notified.wait_until(lock, context.stop_token(), end, [] { return false; });
    if (std::chrono::steady_clock::now() < end) stop();
  }

  void work(const Result& result, const mpifarm::Context& context) const {
    const double rate =
        params_.steps_per_second > 0 ? static_cast<double>(params_.steps_per_second) : measured_rate();
    const auto steps = static_cast<std::uint64_t>(std::min(result.seconds * rate, 0x1p63));
    std::uint64_t state = result.value;
    for (std::uint64_t left = steps; left > 0;) {
      const std::uint64_t now = std::min(left, steps_between_looks);
      state = run_steps(state, now);
      left -= now;
      if (left > 0 && context.stop_requested()) stop();
    }
  }

  // A chain of dependent steps of the SplitMix64 mixer: G. Steele, D. Lea, C. Flood, "Fast splittable
  // pseudorandom number generators", OOPSLA 2014. Some 4 ns each. Never inlined, so that what is measured is
  // what runs, and never left out.
  [[gnu::noinline]] static std::uint64_t run_steps(std::uint64_t state, std::uint64_t steps) {
    for (; steps > 0; --steps) {
      state += 0x9E3779B97F4A7C15;
      state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9;
      state = (state ^ state >> 27) * 0x94D049BB133111EB;
      state ^= state >> 31;
    }
    asm volatile("" : "+r"(state));
    return state;
  }

  // Steps a second of an undisturbed core. The first call measures, in some 30 ms.
  static double measured_rate() {
    static const double rate = measure_rate();
    return rate;
  }

  // By CPU time, which does not count while others have the core, and the best of many runs, as a sibling
  // hardware thread or a slow clock frequency only ever makes one slower.
  static double measure_rate() {
    constexpr double long_enough = 1e-3;
    constexpr int runs = 12;
    std::uint64_t steps = 1 << 12;
    double best = cpu_seconds(steps);
    while (best < long_enough && steps < std::uint64_t{1} << 32) best = cpu_seconds(steps *= 2);
    for (int run = 0; run < runs; ++run) best = std::min(best, cpu_seconds(steps));
    return static_cast<double>(steps) / std::max(best, 1e-9);
  }

  static double cpu_seconds(std::uint64_t steps) {
    const auto now = [] {
      std::timespec spent{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
      return static_cast<double>(spent.tv_sec) + 1e-9 * static_cast<double>(spent.tv_nsec);
    };
    const double start = now();
    run_steps(steps, steps);
    return now() - start;
  }

  Params params_;
  std::uint64_t tasks_ = 0;
  double seconds_ = 0, longest_ = 0;
};
BOOST_DESCRIBE_ENUM(Spin::Law, constant, uniform, lognormal, pareto)
BOOST_DESCRIBE_STRUCT(Spin::Params, (),
                      (count, duration, law, sigma, alpha, wait, fail_rate, steps_per_second))
BOOST_DESCRIBE_STRUCT(Spin::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Spin::Result, (), (seconds, value))

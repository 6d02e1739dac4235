#pragma once
// Pi in two ways: estimated from random points in the unit square, or as hexadecimal digits, each range of
// them computed without those before it.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <mpifarm.hpp>
#include <stdexcept>

struct Pi {
  static constexpr auto name = "pi";
  static constexpr auto summary = "Estimate pi from random points, or compute its hexadecimal digits";
  static constexpr mpifarm::ParamHelp help[] = {
      {"samples", "random points in all"},
      {"per_task", "points a task"},
      {"digits", "when not 0: this many hexadecimal digits instead"},
  };
  static constexpr auto source_params = {"samples", "per_task"};

  struct Params {
    std::uint64_t samples = 10'000'000;  // random points in all
    std::uint64_t per_task = 100'000;    // points a task; the last task takes what is left
    std::uint64_t digits = 0;            // when not 0: this many hexadecimal digits after the point instead
  };
  struct Task {
    std::uint64_t first, count;  // points or digits, from 0
  };
  struct Result {
    std::uint64_t samples, inside;  // points drawn, and those of them in the quarter circle
    std::string digits;             // upper case
  };

  static constexpr std::uint64_t digits_per_task = 16;
  static constexpr std::uint64_t most_digits = 1'000'000'000;  // as `conclude` holds them all

  // Throws BadInput for params without work, or beyond `most_digits`.
  explicit Pi(const Params& params) : params_{params} {
    if (params.samples == 0)
      throw mpifarm::BadInput{"--samples is 0 (pi is estimated from them); give 1 or more"};
    if (params.per_task == 0)
      throw mpifarm::BadInput{"--per-task is 0 (no task would draw a point); give 1 or more"};
    if (params.digits > most_digits)
      throw mpifarm::BadInput{"--digits is too large (" + std::to_string(params.digits) + "); give at most " +
                              std::to_string(most_digits)};
  }

  std::uint64_t size() const { return total() / share() + (total() % share() != 0); }
  Task task(std::uint64_t i) const {
    const std::uint64_t first = i * share();
    return {first, std::min(share(), total() - first)};
  }

  Result compute(const Task& task, mpifarm::Context& context) const {
    if (params_.digits > 0) return {0, 0, hex_digits(task.first, task.count, context)};
    return {task.count, points_inside(task.count, context), {}};
  }

  void reduce(const Task& task, const Result& result) {
    samples_ += result.samples;
    inside_ += result.inside;
    if (params_.digits == 0) return;
    digits_.resize(task.first, '?');  // of failed tasks
    digits_ += result.digits;
  }

  std::string conclude() {
    if (params_.digits == 0) return estimate();
    digits_.resize(params_.digits, '?');
    return "3." + digits_;
  }

  // Digits `first` to `first + count` after the point, by the digit extraction of D. Bailey, P. Borwein and
  // S. Plouffe, "On the rapid computation of various polylogarithmic constants", Math. Comp. 66 (1997):
  // 16^n pi = 4 S(1) - 2 S(4) - S(5) - S(6) modulo 1. The time grows with `first`. Fractions are cut, not
  // rounded, to 128 bits, so the error is below 4 units a term; digits that it could touch are refused.
  // `count` is at most 32.
  static std::string hex_digits(std::uint64_t first, std::uint64_t count, const mpifarm::Context& context) {
    const Wide fraction = 4 * series(1, first, context) - 2 * series(4, first, context) -
                          series(5, first, context) - series(6, first, context);
    const Wide error = 4 * (Wide{first} + 1 + tail_terms + 1);
    std::string digits;
    for (std::uint64_t i = 0; i < count; ++i) {
      const unsigned shift = 124 - 4 * static_cast<unsigned>(i);
      if ((fraction - error) >> shift != (fraction + error) >> shift)
        throw std::runtime_error{"digit " + std::to_string(first + i) + " cannot be told from 128 bits"};
      digits += "0123456789ABCDEF"[static_cast<unsigned>(fraction >> shift) & 15];
    }
    return digits;
  }

 private:
  using Wide = unsigned __int128;  // of fractions: counts 2^-128

  static constexpr std::uint64_t steps_between_looks = 1 << 16;  // some milliseconds

  std::uint64_t total() const { return params_.digits > 0 ? params_.digits : params_.samples; }
  std::uint64_t share() const { return params_.digits > 0 ? digits_per_task : params_.per_task; }

  static void look_for_stop(std::uint64_t step, const mpifarm::Context& context) {
    if (step % steps_between_looks == 0 && context.stop_requested())
      throw std::runtime_error{"stopped before its end"};
  }

  static std::uint64_t points_inside(std::uint64_t count, const mpifarm::Context& context) {
    mpifarm::Random random = context.random();
    std::uint64_t inside = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      look_for_stop(i, context);
      const double x = random.uniform();
      const double y = random.uniform();
      inside += x * x + y * y < 1;
    }
    return inside;
  }

  // Four times the share of points inside, with its standard error sqrt(p (1 - p) / n) to two digits.
  std::string estimate() const {
    if (samples_ == 0) return "pi is unknown: no task succeeded";
    const auto samples = static_cast<double>(samples_);
    const double share_inside = static_cast<double>(inside_) / samples;
    const double error = 4 * std::sqrt(share_inside * (1 - share_inside) / samples);
    const int decimals = error > 0 ? std::max(0, 1 - static_cast<int>(std::floor(std::log10(error)))) : 1;
    std::array<char, 120> text{};
    std::snprintf(text.data(), text.size(), "pi is about %.*f +- %.*f, from %llu points", decimals,
                  4 * share_inside, decimals, error, static_cast<unsigned long long>(samples_));
    return text.data();
  }

  static constexpr std::uint64_t tail_terms = 31;  // those after the n-th that 128 bits can show

  // S(j): the sum over k of 16^(n - k) / (8 k + j), modulo 1. n is at most `most_digits`.
  static Wide series(std::uint64_t j, std::uint64_t n, const mpifarm::Context& context) {
    Wide sum = 0;
    for (std::uint64_t k = 0; k <= n; ++k) {
      look_for_stop(k, context);
      const std::uint64_t divisor = 8 * k + j;
      sum += fraction_of(power_of_16(n - k, divisor), divisor);
    }
    for (std::uint64_t i = 1; i <= tail_terms; ++i) sum += (Wide{1} << (128 - 4 * i)) / (8 * (n + i) + j);
    return sum;
  }

  // 16^exponent modulo `modulus`, which is below 2^62; binary, from the highest bit of the exponent.
  static std::uint64_t power_of_16(std::uint64_t exponent, std::uint64_t modulus) {
    std::uint64_t power = 1 % modulus;
    for (int bit = std::bit_width(exponent) - 1; bit >= 0; --bit) {
      const unsigned doublings = 4 * static_cast<unsigned>(exponent >> bit & 1);
      power = static_cast<std::uint64_t>(((Wide{power} * power) << doublings) % modulus);
    }
    return power;
  }

  // part / whole, for part < whole, cut to 128 bits: long division in two digits of 64 bits.
  static Wide fraction_of(std::uint64_t part, std::uint64_t whole) {
    const Wide shifted = Wide{part} << 64;
    return (shifted / whole) << 64 | ((shifted % whole) << 64) / whole;
  }

  Params params_;
  std::uint64_t samples_ = 0, inside_ = 0;
  std::string digits_;
};
BOOST_DESCRIBE_STRUCT(Pi::Params, (), (samples, per_task, digits))
BOOST_DESCRIBE_STRUCT(Pi::Task, (), (first, count))
BOOST_DESCRIBE_STRUCT(Pi::Result, (), (samples, inside, digits))

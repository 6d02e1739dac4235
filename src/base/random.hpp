#pragma once
// Counter-based random numbers: the stream is a function of (seed, id), so it is the same on every layout.
// Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11.

#include <array>
#include <cstdint>
#include <limits>

namespace mpifarm {

// The ten rounds of Philox4x32. Pure.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

// A uniform random bit generator for <random>; 2^66 numbers a stream. One thread.
class Random {
 public:
  using result_type = std::uint64_t;

  Random(std::uint64_t seed, std::uint64_t id) : seed_{seed}, id_{id} {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() {
    if (left_ == 0) refill();
    return words_[--left_];
  }
  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }
  // Standard normal, by Box and Muller (1958); the same bits wherever libm is the same.
  double normal();
  // By their mean: a lognormal variable has exp(mu + sigma^2 / 2), a Pareto one least * alpha / (alpha - 1),
  // alpha > 1. By inverting the distribution function.
  double lognormal(double mean, double sigma);
  double pareto(double mean, double alpha);

 private:
  void refill();

  std::uint64_t seed_, id_, block_ = 0;
  std::array<std::uint64_t, 2> words_{};
  unsigned left_ = 0;
};

}  // namespace mpifarm

#pragma once
// How long simulated tasks take.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace mpifarm::sim {

// A law with its mean, seconds. Plain data.
struct Durations {
  enum class Law : std::uint8_t {
    constant,
    uniform,
    lognormal,
    pareto
  };  // uniform: from 0 to twice the mean

  Law law = Law::constant;
  double mean = 0.5;
  double shape = 1;  // lognormal: standard deviation of the logarithm; pareto: exponent of the tail, above 1

  // A function of (seed, task) alone, at most 30 years.
  Nanos draw(std::uint64_t seed, std::uint64_t task) const;
  std::string text() const;  // as parse_durations takes it
};

// "0.5", "constant:0.5", "uniform:0.5", "lognormal:0.5,1", "pareto:0.5,1.5": the mean, and the shape. Throws
// BadInput.
Durations parse_durations(std::string_view text);

}  // namespace mpifarm::sim

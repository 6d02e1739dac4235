#include "base/random.hpp"

#include <cmath>
#include <numbers>

namespace mpifarm {
namespace {

constexpr std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
constexpr std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

void Random::refill() {
  const auto words = philox({low(block_), high(block_), low(id_), high(id_)}, {low(seed_), high(seed_)});
  ++block_;
  words_ = {std::uint64_t{words[1]} << 32 | words[0], std::uint64_t{words[3]} << 32 | words[2]};
  left_ = 2;
}

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

double Random::lognormal(double mean, double sigma) {
  return mean * std::exp(sigma * normal() - sigma * sigma / 2);
}

double Random::pareto(double mean, double alpha) {
  return mean * (alpha - 1) / alpha * std::pow(1 - uniform(), -1 / alpha);
}

}  // namespace mpifarm

#include "base/order.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "base/error.hpp"
#include "base/numbers.hpp"

namespace mpifarm {
namespace {

// One round function of the Feistel network: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// A keyed four-round Feistel network over an even number of bits (Luby and Rackoff 1988), walked along its
// cycle until it falls below the size (Black and Rogaway 2002): fewer than four steps on average, as the
// domain is below 4 * size.
std::uint64_t shuffled(std::uint64_t offset, std::uint64_t size, std::uint64_t seed) {
  const int half_bits = size > 1 ? (std::bit_width(size - 1) + 1) / 2 : 1;
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  do {
    std::uint64_t left = offset >> half_bits;
    std::uint64_t right = offset & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t next = left ^ (mix(right + seed + round * 0x9e3779b97f4a7c15) & mask);
      left = right;
      right = next;
    }
    offset = left << half_bits | right;
  } while (offset >= size);
  return offset;
}

}  // namespace

OrderKind parse_order(std::string_view text) {
  if (text == "fifo") return OrderKind::fifo;
  if (text == "lifo") return OrderKind::lifo;
  if (text == "shuffle") return OrderKind::shuffle;
  throw BadInput{"--order is not known (\"" + std::string{text} + "\"); use fifo, lifo or shuffle"};
}

std::string_view to_string(OrderKind kind) {
  switch (kind) {
    case OrderKind::lifo:
      return "lifo";
    case OrderKind::shuffle:
      return "shuffle";
    default:
      return "fifo";
  }
}

Shard parse_shard(std::string_view flag, std::string_view text) {
  constexpr std::uint64_t most = 1'000'000;
  Shard shard;
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string number{text.substr(0, slash)}, of{text.substr(std::min(slash + 1, text.size()))};
  if (!parse_number(number, shard.number).empty() || !parse_number(of, shard.of).empty() ||
      shard.number < 1 || shard.number > shard.of || shard.of > most)
    throw BadInput{std::string{flag} + " is no part of a whole (\"" + std::string{text} +
                   "\"); give K/N with K from 1 to N, and N at most a million"};
  return shard;
}

Order::Order(OrderKind kind, std::uint64_t count, std::uint64_t seed, std::uint64_t window, Shard shard)
    : kind_{kind}, count_{count}, seed_{seed}, window_{window}, shard_{shard} {}

std::uint64_t Order::permuted(std::uint64_t position) const {
  const std::uint64_t window = window_ > 0 ? window_ : count_;
  const std::uint64_t base = position / window * window;
  const std::uint64_t size = std::min(window, count_ - base);
  const std::uint64_t offset = position - base;
  return base + (kind_ == OrderKind::lifo ? size - 1 - offset : shuffled(offset, size, seed_ + base));
}

}  // namespace mpifarm

#pragma once
// XXH3 hashes, and the run's digest as a sum of them. Source of the algorithm: Yann Collet,
// https://xxhash.com

#include <compare>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace mpifarm {

// 128 bits: different for different bytes, as far as anybody will see.
struct Hash128 {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};
Hash128 hash128(BytesView bytes);

std::uint64_t hash64(BytesView bytes, std::uint64_t seed = 0);

// A sum, modulo 2^128, of one hash a task: free of order, equal for equal answers, and mergeable by addition.
class Digest {
 public:
  // Adds the task `id` with its result encoding (measured fields left out).
  void add_success(std::uint64_t id, BytesView result);
  // Adds the task `id` as not succeeded, whatever the reason.
  void add_failure(std::uint64_t id);
  void add(const Digest& other) { sum_ += other.sum_; }

  std::string hex() const;  // 32 lower-case digits
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  unsigned __int128 sum_ = 0;
};

}  // namespace mpifarm

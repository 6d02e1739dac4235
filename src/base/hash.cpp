#include "base/hash.hpp"

#define XXH_INLINE_ALL  // a call for each 16 bytes costs as much as the hash
#include <xxhash.h>

#include <array>
#include <cstdio>

namespace mpifarm {
namespace {

unsigned __int128 seeded_hash128(BytesView bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return static_cast<unsigned __int128>(hash.high64) << 64 | hash.low64;
}

// The id enters through the seed, so that the result is hashed where it lies. Ids and "not succeeded" must
// not meet: success uses seeds of even multiples, failure an input that no success has (a different length
// and seed).
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15;

}  // namespace

std::uint64_t hash64(BytesView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(BytesView bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

void Digest::add_success(std::uint64_t id, BytesView result) { sum_ += seeded_hash128(result, id * golden); }

void Digest::add_failure(std::uint64_t id) {
  sum_ += seeded_hash128("\xffnot succeeded\xff", ~(id * golden));
}

std::string Digest::hex() const {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(sum_ >> 64),
                static_cast<unsigned long long>(sum_));
  return text.data();
}

}  // namespace mpifarm

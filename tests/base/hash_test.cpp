// The digest: a sum that says which tasks ended how, and nothing about their order.

#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mpifarm {
namespace {

Digest of_success(std::uint64_t id, BytesView result) {
  Digest digest;
  digest.add_success(id, result);
  return digest;
}

Digest of_failure(std::uint64_t id) {
  Digest digest;
  digest.add_failure(id);
  return digest;
}

TEST(Digest, IsFreeOfOrder) {
  Digest forwards, backwards;
  for (std::uint64_t id = 0; id < 100; ++id) {
    forwards.add_success(id, std::to_string(id * id));
    backwards.add_success(99 - id, std::to_string((99 - id) * (99 - id)));
  }
  EXPECT_EQ(forwards, backwards);
  EXPECT_EQ(forwards.hex(), backwards.hex());
}

TEST(Digest, OfPartsAddsUp) {
  Digest whole, first, second;
  for (std::uint64_t id = 0; id < 20; ++id) {
    Digest& part = id % 3 == 0 ? first : second;
    if (id % 5 == 0) {
      whole.add_failure(id);
      part.add_failure(id);
    } else {
      whole.add_success(id, "r");
      part.add_success(id, "r");
    }
  }
  second.add(first);
  EXPECT_EQ(whole, second);
}

TEST(Digest, CarriesBeyond64Bits) {
  Digest sum;
  for (std::uint64_t id = 0; id < 64; ++id) sum.add_success(id, "x");
  Digest doubled = sum;
  doubled.add(sum);
  EXPECT_NE(doubled, sum);
  EXPECT_EQ(doubled.hex().size(), 32U);
}

TEST(Digest, TellsIdsResultsAndFailuresApart) {
  EXPECT_NE(of_success(1, "a"), of_success(2, "a"));
  EXPECT_NE(of_success(1, "a"), of_success(1, "b"));
  EXPECT_NE(of_success(0, ""), Digest{});
  EXPECT_NE(of_success(0, "a"), of_success(0, std::string("a\0", 2)));
  EXPECT_NE(of_failure(0), Digest{});
  EXPECT_NE(of_failure(1), of_failure(2));
  EXPECT_NE(of_failure(1), of_success(1, ""));
}

TEST(Digest, TellsWhichTaskHadWhichResult) {
  Digest straight = of_success(1, "a"), crossed = of_success(1, "b");
  straight.add(of_success(2, "b"));
  crossed.add(of_success(2, "a"));
  EXPECT_NE(straight, crossed);
}

TEST(Digest, IsWrittenAs32LowerCaseDigits) {
  EXPECT_EQ(Digest{}.hex(), std::string(32, '0'));
  const std::string hex = of_success(1, "a").hex();
  EXPECT_EQ(hex.size(), 32U);
  EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Hash64, DependsOnBytesAndSeed) {
  EXPECT_EQ(hash64("a"), hash64("a"));
  EXPECT_NE(hash64("a"), hash64("b"));
  EXPECT_NE(hash64("a", 1), hash64("a", 2));
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2) << "XXH3 of nothing, from its reference";
}

}  // namespace
}  // namespace mpifarm

// Varints, packed values and outcome entries: what goes in comes out, and cut input is refused at every
// length.

#include "base/pack.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/interval_set.hpp"
#include "base/outcome.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

enum class Colour : std::uint16_t { red, green = 300 };

using Everything =
    std::tuple<std::int8_t, std::uint64_t, double, bool, Colour, std::string, std::vector<std::uint32_t>,
               std::vector<bool>, std::vector<std::string>, std::array<std::int16_t, 3>,
               std::optional<std::string>, std::optional<int>, std::pair<char, std::string>,
               std::variant<int, std::string>, std::map<std::string, double>, std::set<int>,
               std::chrono::nanoseconds, std::filesystem::path, Interval>;

Everything sample() {
  return {-5,
          std::numeric_limits<std::uint64_t>::max(),
          0.1,
          true,
          Colour::green,
          std::string{"with \0 inside", 13},
          {1, 2, 3},
          {true, false, true},
          {"", "two", std::string(300, 'x')},
          {-1, 0, 1},
          "there",
          std::nullopt,
          {'c', "pair"},
          "second",
          {{"a", 1.5}, {"b", -0.0}},
          {3, 1, 2},
          std::chrono::seconds{7},
          "/tmp/a b",
          {3, 9}};
}

TEST(Varint, RoundTripsAtEveryWidth) {
  std::vector<std::uint64_t> values{0, std::numeric_limits<std::uint64_t>::max()};
  for (int bit = 0; bit < 64; ++bit)
    for (const std::int64_t near : {-1, 0, 1})
      values.push_back((std::uint64_t{1} << bit) + static_cast<std::uint64_t>(near));
  for (const std::uint64_t value : values) {
    Bytes bytes;
    append_varint(bytes, value);
    const auto groups = (std::max(1, static_cast<int>(std::bit_width(value))) + 6) / 7;
    EXPECT_EQ(bytes.size(), static_cast<std::size_t>(groups)) << value;
    bytes += "rest";
    BytesView in = bytes;
    std::uint64_t taken = 0;
    EXPECT_TRUE(take_varint(in, taken));
    EXPECT_EQ(taken, value);
    EXPECT_EQ(in, "rest");
  }
}

TEST(Varint, CutOrLongerThan64BitsIsRefused) {
  Bytes longest;
  append_varint(longest, ~std::uint64_t{0});
  for (std::size_t size = 0; size < longest.size(); ++size) {
    BytesView in{longest.data(), size};
    std::uint64_t value = 0;
    EXPECT_FALSE(take_varint(in, value)) << size;
  }
  for (const Bytes& beyond : {Bytes(9, '\xff') + '\x02', Bytes(10, '\xff') + '\x01', Bytes(20, '\x80')}) {
    BytesView in = beyond;
    std::uint64_t value = 0;
    EXPECT_FALSE(take_varint(in, value));
  }
}

TEST(Pack, RoundTripsEveryType) {
  const Bytes bytes = pack(sample());
  EXPECT_EQ(unpack<Everything>(bytes), sample());
  EXPECT_EQ(pack(unpack<Everything>(bytes)), bytes);
  EXPECT_TRUE(std::signbit(std::get<14>(unpack<Everything>(bytes)).at("b")));
}

TEST(Pack, RefusesInputCutAtEveryLength) {
  const Bytes bytes = pack(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes cut = bytes.substr(0, size);
    EXPECT_THROW(unpack<Everything>(cut), CorruptData) << size;
  }
  EXPECT_THROW(unpack<Everything>(bytes + '\0'), CorruptData);
}

TEST(Pack, DecodesOrRefusesEverySingleBitFlip) {
  const Bytes bytes = pack(sample());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      static_cast<void>(unpack<Everything>(flipped));
    } catch (const CorruptData&) {
    }
  }
}

TEST(Pack, RefusesLengthsBeyondTheInputWithoutAllocatingThem) {
  for (const std::uint64_t length : {std::uint64_t{5}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    Bytes bytes;
    append_varint(bytes, length);
    bytes += "1234";
    EXPECT_THROW(unpack<std::string>(bytes), CorruptData);
    EXPECT_THROW(unpack<std::vector<std::uint64_t>>(bytes), CorruptData);
    EXPECT_THROW(unpack<std::vector<std::string>>(bytes), CorruptData);
    EXPECT_THROW(unpack<std::set<int>>(bytes), CorruptData);
    EXPECT_THROW((unpack<std::map<int, int>>(bytes)), CorruptData);
  }
}

TEST(Pack, RefusesWhatIsNoTruthValueOrAlternative) {
  EXPECT_THROW(unpack<bool>("\x02"), CorruptData);
  EXPECT_THROW((unpack<std::variant<int, bool>>(std::string("\x02\x00\x00\x00\x00", 5))), CorruptData);
}

TEST(OutcomeEntries, RoundTrip) {
  const std::vector<std::pair<Outcome, std::string>> samples{{Outcome::succeeded, ""},
                                                             {Outcome::failed, "why"},
                                                             {Outcome::timed_out, std::string(127, 'a')},
                                                             {Outcome::crashed, std::string(128, 'b')},
                                                             {Outcome::succeeded, std::string(20'000, 'c')}};
  Bytes entries;
  for (const auto& [outcome, payload] : samples) append_entry(entries, outcome, payload);
  BytesView rest = entries;
  for (const auto& [outcome, payload] : samples) {
    const OutcomeEntry entry = take_entry(rest);
    EXPECT_EQ(entry.outcome, outcome);
    EXPECT_EQ(entry.payload, payload);
  }
  EXPECT_TRUE(rest.empty());
}

TEST(OutcomeEntries, AreRefusedWhenCutOrUnknown) {
  Bytes entry;
  append_entry(entry, Outcome::failed, std::string(200, 'm'));
  for (std::size_t size = 0; size < entry.size(); ++size) {
    BytesView cut{entry.data(), size};
    EXPECT_THROW(take_entry(cut), CorruptData) << size;
  }
  entry[0] = 4;
  BytesView unknown = entry;
  EXPECT_THROW(take_entry(unknown), CorruptData);
}

TEST(OutcomeEntries, HaveNamesForPeople) {
  EXPECT_EQ(to_string(Outcome::succeeded), "succeeded");
  EXPECT_EQ(to_string(Outcome::failed), "failed");
  EXPECT_EQ(to_string(Outcome::timed_out), "timed out");
  EXPECT_EQ(to_string(Outcome::crashed), "crashed");
}

}  // namespace
}  // namespace mpifarm

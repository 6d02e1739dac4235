// Names, numbers and core lists as people read and write them.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/amounts.hpp"
#include "base/clock.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/numbers.hpp"
#include "base/printable.hpp"

namespace mpifarm {
namespace {

TEST(NearestName, FindsTheOneMeant) {
  const std::vector<std::string> names{"squares", "checksum", "pi", "spin"};
  EXPECT_EQ(nearest_name("sqares", names), "squares");
  EXPECT_EQ(nearest_name("chekcsum", names), "checksum");
  EXPECT_EQ(nearest_name("squares", names), "squares");
}

TEST(NearestName, IsEmptyWhenNoneIsNear) {
  const std::vector<std::string> names{"squares", "checksum", "pi"};
  EXPECT_EQ(nearest_name("mandelbrot", names), "");
  EXPECT_EQ(nearest_name("anything", {}), "");
  EXPECT_EQ(nearest_name("ls", names), "") << "no letter of it is in \"pi\"";
  EXPECT_EQ(nearest_name("", names), "");
}

TEST(Printable, StaysOnOneLine) {
  EXPECT_EQ(printable("a b\té"), "a b\\x09é");
  EXPECT_EQ(printable("one\ntwo\x1b[31m\x7f"), "one\\x0atwo\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string(2000, 'x')), std::string(2000, 'x'));
  EXPECT_EQ(printable(std::string(2001, 'x')), std::string(2000, 'x') + "...");
}

template <class T>
std::string refusal(std::string_view text) {
  T value{};
  return parse_number(text, value);
}

template <class T>
void expect_round_trip(T number) {
  std::string text;
  append_number(text, number);
  T back{};
  EXPECT_EQ(parse_number(text, back), "") << text;
  EXPECT_EQ(back, number) << text;
}

TEST(ParseNumber, TakesTheWholeRange) {
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
  expect_round_trip(std::numeric_limits<std::int64_t>::max());
  expect_round_trip(std::numeric_limits<std::uint64_t>::max());
  expect_round_trip(std::numeric_limits<std::int8_t>::min());
  for (const double number : {0.1, 1e300, 5e-324, -0.0, 1.0 / 3, std::numeric_limits<double>::infinity()})
    expect_round_trip(number);
  std::string text;
  append_number(text, std::nan(""));
  EXPECT_EQ(text, "nan");
  int plus = 0;
  EXPECT_EQ(parse_number("+12", plus), "");
  EXPECT_EQ(plus, 12);
}

TEST(ParseNumber, RefusesWhatIsBeyond) {
  EXPECT_EQ(refusal<std::int8_t>("128"), "out of range");
  EXPECT_EQ(refusal<std::int8_t>("-129"), "out of range");
  EXPECT_EQ(refusal<std::uint64_t>("18446744073709551616"), "out of range");
  EXPECT_EQ(refusal<double>("1e999"), "out of range");
  EXPECT_EQ(refusal<unsigned>("-1"), "negative");
}

TEST(ParseNumber, RefusesWhatIsNoNumber) {
  for (const char* text : {"", " 1", "1 ", "12x", "0x10", "1.5", "+", "-", "+-1", "++1", "1e3", "one"})
    EXPECT_EQ(refusal<int>(text), "not a whole number") << '"' << text << '"';
  for (const char* text : {"", " 1", "1.5.", "1,5", "+-1"}) EXPECT_EQ(refusal<double>(text), "not a number");
}

TEST(Cores, AreListedAsRanges) {
  EXPECT_EQ(format_cpus({}), "");
  EXPECT_EQ(format_cpus({3}), "3");
  EXPECT_EQ(format_cpus({0, 1, 2, 5}), "0-2,5");
  EXPECT_EQ(format_cpus({0, 2, 4, 5, 9, 10, 11}), "0,2,4-5,9-11");
}

TEST(Cores, OfThisProcessAreKnown) {
  const auto cpus = affinity_cpus();
  ASSERT_FALSE(cpus.empty());
  for (std::size_t i = 1; i < cpus.size(); ++i) EXPECT_LT(cpus[i - 1], cpus[i]);
  EXPECT_GE(cpu_quota(), 0);
  EXPECT_NE(host_name(), "");
}

TEST(Timestamps, HaveTheirForms) {
  const auto shape = [](std::string text) {
    for (char& c : text)
      if (std::isdigit(static_cast<unsigned char>(c)) != 0) c = '9';
    return text;
  };
  EXPECT_EQ(shape(utc_timestamp()), "9999-99-99T99:99:99Z");
  EXPECT_EQ(shape(name_timestamp()), "99999999-999999");
}

TEST(ParseDuration, TakesSecondsUnitsAndClockTimes) {
  const auto seconds = [](const std::string& text) { return parse_duration("--wait", text); };
  EXPECT_EQ(seconds("90"), 90);
  EXPECT_EQ(seconds("1.5"), 1.5);
  EXPECT_EQ(seconds("0"), 0);
  EXPECT_DOUBLE_EQ(seconds("500ms"), 0.5);
  EXPECT_EQ(seconds("5s"), 5);
  EXPECT_EQ(seconds("10m"), 600);
  EXPECT_EQ(seconds("2h"), 7200);
  EXPECT_EQ(seconds("12:30"), 750);
  EXPECT_EQ(seconds("1:00:01"), 3601);
  EXPECT_EQ(seconds("1-12:00:00"), 129'600);
}

TEST(ParseDuration, RefusesWhatIsNone) {
  for (const std::string text : {"", "s", "-1", "5x", "5 5", "nan", "inf", "1:2:3:4", "1-12", "1-2:3", ":5",
                                 "1e12", "ms", "5ms5", "--5"})
    EXPECT_THROW(parse_duration("--wait", text), BadInput) << text;
}

}  // namespace
}  // namespace mpifarm

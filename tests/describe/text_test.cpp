#include "describe/text.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using namespace samples;

template <class T>
std::string reason(std::string_view text) {
  T value{};
  return parse_text(text, value);
}

template <class T>
void expect_reads_back(const T& value) {
  T back{};
  ASSERT_EQ(parse_text(text_of(value), back), "") << text_of(value);
  ASSERT_EQ(back, value) << text_of(value);
}

TEST(Text, WritesScalars) {
  EXPECT_EQ(text_of(true), "true");
  EXPECT_EQ(text_of(std::int8_t{65}), "65");
  EXPECT_EQ(text_of(0.1), "0.1");
  EXPECT_EQ(text_of(-NAN), "nan");
  EXPECT_EQ(text_of(-INFINITY), "-inf");
  EXPECT_EQ(text_of(Method::multigrid), "multigrid");
  EXPECT_EQ(text_of(std::filesystem::path{"/a b"}), "/a b");
  EXPECT_EQ(text_of(std::optional<int>{}), "");
  EXPECT_EQ(text_of(std::optional<int>{4}), "4");
  EXPECT_EQ(text_of(std::vector<int>{1, 2}), "[1,2]");
  EXPECT_EQ(text_of(Point{}), R"({"x":1.5,"y":-2})");
}

TEST(Text, EverythingReadsBack) {
  Random random{8};
  for (int i = 0; i < 20'000; ++i) {
    expect_reads_back(random.integer<std::int64_t>());
    expect_reads_back(random.integer<std::uint64_t>());
    expect_reads_back(random.integer<std::int8_t>());
    expect_reads_back(random.real<double, std::uint64_t>());
    expect_reads_back(random.real<float, std::uint32_t>());
    expect_reads_back(random.text());
    expect_reads_back(random.method());
    expect_reads_back(std::optional{random.method()});
  }
  for (int i = 0; i < 500; ++i) expect_reads_back(random.deep());
  EXPECT_TRUE(std::signbit([] {
    double zero = 0;
    parse_text("-0", zero);
    return zero;
  }()));
}

TEST(Text, TruthValuesHaveManyNames) {
  for (const char* text : {"true", "yes", "1", "TRUE", "True"}) {
    bool value = false;
    EXPECT_EQ(parse_text(text, value), "");
    EXPECT_TRUE(value);
  }
  for (const char* text : {"false", "no", "0", "FALSE", "No"}) {
    bool value = true;
    EXPECT_EQ(parse_text(text, value), "");
    EXPECT_FALSE(value);
  }
  EXPECT_EQ(reason<bool>(""), "neither true nor false");
  EXPECT_EQ(reason<bool>("2"), "neither true nor false");
}

TEST(Text, ReasonsForRefusals) {
  EXPECT_EQ(reason<int>("12x"), "not a whole number");
  EXPECT_EQ(reason<int>(""), "not a whole number");
  EXPECT_EQ(reason<int>(" 1"), "not a whole number");
  EXPECT_EQ(reason<int>("1.5"), "not a whole number");
  EXPECT_EQ(reason<std::int8_t>("128"), "out of range");
  EXPECT_EQ(reason<std::int8_t>("-129"), "out of range");
  EXPECT_EQ(reason<std::uint64_t>("18446744073709551616"), "out of range");
  EXPECT_EQ(reason<std::uint64_t>("-1"), "negative");
  EXPECT_EQ(reason<double>("1e400"), "out of range");
  EXPECT_EQ(reason<double>("x"), "not a number");
  EXPECT_EQ(reason<float>("1e39"), "out of range");
  EXPECT_EQ(reason<Method>("gauss"), "none of jacobi, sor, multigrid");
  EXPECT_EQ(reason<std::optional<int>>("x"), "not a whole number");
  EXPECT_EQ(reason<std::vector<int>>("[1,"), "not valid JSON (column 4: incomplete JSON)");
  EXPECT_EQ(reason<std::vector<int>>("[1,\"x\"]"),
            "wrong: [1] is not a whole number (\"x\"); give an integer from -2147483648 to 2147483647");
}

TEST(Text, ARefusedTextLeavesTheValue) {
  int number = 5;
  Method method = Method::sor;
  std::vector<int> list{1};
  EXPECT_NE(parse_text("9999999999", number), "");
  EXPECT_NE(parse_text("x", method), "");
  EXPECT_NE(parse_text("[2,x]", list), "");
  EXPECT_EQ(number, 5);
  EXPECT_EQ(method, Method::sor);
  EXPECT_EQ(list, std::vector<int>{1});
}

TEST(Text, AnEmptyTextEmptiesAnOptional) {
  std::optional<int> value = 3;
  EXPECT_EQ(parse_text("", value), "");
  EXPECT_FALSE(value.has_value());
}

TEST(Text, MessagesCutLongTextsBetweenCharacters) {
  EXPECT_EQ(excerpt("a\"b"), "\"a\\\"b\"");
  EXPECT_EQ(excerpt(std::string(59, 'x') + "é" + "yyy"), '"' + std::string(59, 'x') + "\"...");
  EXPECT_EQ(excerpt(std::string(60, 'x')), '"' + std::string(60, 'x') + '"');
}

}  // namespace

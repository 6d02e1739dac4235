#include "describe/value.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/numbers.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using samples::Random;
using samples::refusal;

std::string refused(std::string_view text) {
  return refusal([&] { parse_json(text); });
}

TEST(Value, ParsesEveryKind) {
  const Value value =
      parse_json(R"( {"a": null, "b": [true, false, 1, -2, 2.5, "x\u00e9\ud83d\ude42\n"], "c": {}} )");
  const Value expected = Value::Object{
      {"a", nullptr}, {"b", Value::List{true, false, 1, -2, 2.5, "xé🙂\n"}}, {"c", Value::Object{}}};
  EXPECT_EQ(value, expected);
  EXPECT_EQ(*value.find("c"), Value{Value::Object{}});
  EXPECT_EQ(value.find("d"), nullptr);
  EXPECT_EQ(Value{3}.find("d"), nullptr);
}

TEST(Value, KeepsTheOrderOfFields) {
  EXPECT_EQ(to_json(parse_json(R"({"z":1,"a":2,"m":[]})")), R"({"z":1,"a":2,"m":[]})");
}

TEST(Value, IndentsForPeople) {
  EXPECT_EQ(to_json(Value{Value::Object{{"a", 1}, {"b", Value::List{true, "x"}}, {"c", Value::List{}}}}, 2),
            "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    \"x\"\n  ],\n  \"c\": []\n}");
}

TEST(Value, KeepsWholeIntegersExactly) {
  EXPECT_EQ(parse_json("-9223372036854775808"), Value{std::numeric_limits<std::int64_t>::min()});
  EXPECT_EQ(parse_json("9223372036854775807"), Value{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(parse_json("9223372036854775808"), Value{std::uint64_t{1} << 63});
  EXPECT_EQ(parse_json("18446744073709551615"), Value{std::numeric_limits<std::uint64_t>::max()});
  EXPECT_EQ(parse_json("18446744073709551616"), Value{0x1p64});
  EXPECT_EQ(parse_json("-9223372036854775809"), Value{-0x1p63});
  EXPECT_EQ(to_json(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(Value, ReadsDoublesExactly) {
  Random random{3};
  for (int i = 0; i < 100'000; ++i) {
    const double number = random.real<double, std::uint64_t>();
    if (!std::isfinite(number)) continue;
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.16e", number);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*parse_json(digits).as<double>()),
              std::bit_cast<std::uint64_t>(number));
  }
  EXPECT_TRUE(std::signbit(*parse_json(to_json(-0.0)).as<double>()));
}

TEST(Value, WritesNumbersThatJsonLacksAsStrings) {
  EXPECT_EQ(to_json(Value::List{NAN, -NAN, INFINITY, -INFINITY}), R"(["nan","nan","inf","-inf"])");
}

TEST(Value, StringsReadBack) {
  Random random{4};
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random.text();
    ASSERT_EQ(parse_json(to_json(text)), Value{text});
  }
  EXPECT_EQ(to_json("\"\\\b\f\n\r\t\x01/\x7f"), R"("\"\\\b\f\n\r\t\u0001/)"
                                                "\x7f\"");
}

TEST(Value, AnyBytesBecomeValidUtf8) {
  Random random{5};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (std::uint64_t left = random.below(6); left > 0; --left)
      bytes += static_cast<char>(0x70 + random.below(0x90));
    ASSERT_NO_THROW(parse_json(to_json(bytes))) << testing::PrintToString(bytes);
  }
  EXPECT_EQ(to_json("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(to_json("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(to_json("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
  EXPECT_EQ(to_json("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"");
  EXPECT_EQ(to_json("\xf4\x90\x80\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(Value, ErrorsSayWhereAndWhy) {
  EXPECT_EQ(refused("{\"a\": 1,\n \"é\": tru}"), "not valid JSON (line 2, column 7: syntax error)");
  EXPECT_EQ(refused(""), "not valid JSON (column 1: incomplete JSON)");
  EXPECT_EQ(refused("[1, 2"), "not valid JSON (column 6: incomplete JSON)");
  EXPECT_EQ(refused("{} x"), "not valid JSON (column 4: extra data)");
  EXPECT_EQ(refused("1e400"), "not valid JSON (column 1: number 1e400 is out of range)");
  EXPECT_EQ(refused("[1, -1e-999, 2]"), "not valid JSON (column 5: number -1e-999 is out of range)");
  EXPECT_NE(refused("[1,]").find("column 4"), std::string::npos);
  EXPECT_NE(refused("nan").find("syntax error"), std::string::npos);
  EXPECT_NE(refused("{\"a\": \"\xff\"}").find("column 8: bytes that are not UTF-8"), std::string::npos);
  EXPECT_NE(refused("01").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refused("{\"a\":1,}").find("not valid JSON"), std::string::npos);
  EXPECT_NE(refused("// c\n1").find("not valid JSON"), std::string::npos);
}

TEST(Value, RefusesWhatIsNotUtf8) {
  for (const char* text : {"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "\"\\ud800\""})
    EXPECT_NE(refused(text).find("not valid JSON"), std::string::npos) << text;
}

TEST(Value, RefusesNestingWithoutBound) {
  EXPECT_NO_THROW(parse_json(std::string(100, '[') + std::string(100, ']')));
  EXPECT_NE(refused(std::string(100'000, '[')).find("too deep"), std::string::npos);
}

TEST(Value, CutAnywhereIsRefused) {
  const std::string text = R"({"a":[1,-2.5e-3,"x\u00e9",true,null],"b":{"c":"d"}})";
  EXPECT_EQ(parse_json(text), parse_json(to_json(parse_json(text))));
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_NE(refused(text.substr(0, size)).find("not valid JSON"), std::string::npos) << size;
}

}  // namespace

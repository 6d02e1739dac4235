#include "describe/json.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using namespace samples;

struct Level {
  std::int64_t x = 1;
  std::vector<std::uint8_t> small;
};
BOOST_DESCRIBE_STRUCT(Level, (), (x, small))

struct Params {
  std::vector<Level> levels;
  Method method = Method::sor;
  std::uint64_t count = 7;
  std::map<std::string, Level> named;
  std::array<float, 2> pair{};
  std::optional<bool> flag;
  std::string text;
  double real = 0.5;
};
BOOST_DESCRIBE_STRUCT(Params, (), (levels, method, count, named, pair, flag, text, real))

std::string refused(std::string_view json) {
  return refusal([&] { from_json<Params>(json, "params"); });
}

TEST(Json, WritesEveryKind) {
  Deep deep;
  deep.table["k\""] = {1, 0.1, NAN};
  deep.bits = {true, false};
  deep.flat.maybe_method = Method::sor;
  EXPECT_EQ(
      json_of(deep),
      R"({"name":"none","flat":{"i64":0,"u64":0,"i8":0,"u16":0,"flag":false,"real":0,"single":0,"text":"",)"
      R"("path":"","method":"jacobi","maybe":null,"maybe_method":"sor"},"point":{"x":1.5,"y":-2},)"
      R"("points":[{"x":1.5,"y":-2}],"bits":[true,false],"words":["a","b"],"triple":[1,2,3],)"
      R"("table":{"k\"":[1,0.1,"nan"]},"spot":null})");
  EXPECT_EQ(json_of(Empty{}), "{}");
}

TEST(Json, EveryValueReadsBack) {
  Random random{6};
  for (int i = 0; i < 3000; ++i) {
    const Deep value = random.deep();
    ASSERT_EQ(from_json<Deep>(json_of(value)), value) << json_of(value);
  }
}

TEST(Json, NumbersReadBackToTheBit) {
  Random random{7};
  for (int i = 0; i < 50'000; ++i) {
    const auto real = random.real<double, std::uint64_t>();
    const auto single = random.real<float, std::uint32_t>();
    ASSERT_EQ(std::bit_cast<std::uint64_t>(from_json<double>(json_of(real))),
              std::bit_cast<std::uint64_t>(real));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(from_json<float>(json_of(single))),
              std::bit_cast<std::uint32_t>(single));
  }
  EXPECT_EQ(from_json<float>("7.038531e-26"), 7.038531e-26F);  // wrong by a unit when rounded to double first
  EXPECT_TRUE(std::isnan(from_json<double>(json_of(-NAN))));
  EXPECT_EQ(json_of(0.1F), "0.1");
}

TEST(Json, AnEnumWithoutNameIsANumber) { EXPECT_EQ(json_of(static_cast<Method>(9)), "\"9\""); }

TEST(Json, ToValueIsTheSameTree) {
  EXPECT_EQ(to_value(Point{}), (Value{Value::Object{{"x", 1.5}, {"y", -2}}}));
}

TEST(Json, AbsentFieldsKeepTheirDefaults) {
  const auto params = from_json<Params>(R"({"levels":[{},{"small":[0,255]}]})");
  EXPECT_EQ(params.count, 7u);
  EXPECT_EQ(params.method, Method::sor);
  EXPECT_EQ(params.levels.at(1).x, 1);
  EXPECT_EQ(params.levels.at(1).small, (std::vector<std::uint8_t>{0, 255}));
}

TEST(Json, ListsAndMapsAreReplacedWhole) {
  Deep deep;
  deep.table["old"] = {1};
  from_value(parse_json(R"({"words":["c"],"table":{"new":[]}})"), deep);
  EXPECT_EQ(deep.words, std::vector<std::string>{"c"});
  EXPECT_EQ(deep.table.size(), 1u);
}

TEST(Json, UnknownFieldsAreRefusedWithTheNearest) {
  EXPECT_EQ(refused(R"({"cuont":1})"), "params.cuont is not a field (\"cuont\"); did you mean count?");
  EXPECT_EQ(refused(R"({"levels":[{},{},{"qqqqqq":1}]})"),
            "params.levels[2].qqqqqq is not a field (\"qqqqqq\"); the fields are x, small");
  EXPECT_EQ(refusal([] { from_json<Empty>(R"({"a":1})"); }), "a is not a field (\"a\"); there are no fields");
}

TEST(Json, RepeatedFieldsAreRefused) {
  EXPECT_EQ(refused(R"({"count":1,"count":1})"), "params.count is given twice; give it once");
  EXPECT_EQ(refused(R"({"named":{"a":{},"a":{}}})"), "params.named.a is given twice; give it once");
}

TEST(Json, WrongTypesNameFieldAndValue) {
  EXPECT_EQ(refused("[]"), "params is not an object ([]); give an object");
  EXPECT_EQ(refusal([] { from_json<int>("[]"); }),
            "the value is not a whole number ([]); give an integer from -2147483648 to 2147483647");
  EXPECT_EQ(refused(R"({"levels":{}})"), "params.levels is not a list ({}); give a list");
  EXPECT_EQ(refused(R"({"levels":[{"x":"5"}]})"),
            "params.levels[0].x is not a whole number (\"5\"); give an integer from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(refused(R"({"text":5})"), "params.text is not a string (5); give text");
  EXPECT_EQ(refused(R"({"flag":1})"), "params.flag is neither true nor false (1); give true or false");
  EXPECT_EQ(refused(R"({"method":"jacoby"})"),
            "params.method is none of jacobi, sor, multigrid (\"jacoby\"); did you mean jacobi?");
  EXPECT_EQ(refused(R"({"method":null})"),
            "params.method is not a string (null); give one of jacobi, sor, multigrid");
  EXPECT_EQ(refused(R"({"pair":[1]})"), "params.pair is a list of the wrong length (1); give 2 items");
  EXPECT_EQ(refused(R"({"real":"1.5"})"),
            "params.real is not a number (\"1.5\"); give a number of magnitude below 1.8e308");
  EXPECT_NE(refused(R"({"text":[")" + std::string(100, 'x') + R"("]})").find("(a long list)"),
            std::string::npos);
}

TEST(Json, NumbersOutOfRangeAreRefused) {
  EXPECT_EQ(refused(R"({"levels":[{"small":[1,256]}]})"),
            "params.levels[0].small[1] is out of range (256); give an integer from 0 to 255");
  EXPECT_EQ(refused(R"({"count":-1})"),
            "params.count is negative (-1); give an integer from 0 to 18446744073709551615");
  for (const char* number : {"18446744073709551616", "1e30"})
    EXPECT_NE(refused(R"({"count":)" + std::string{number} + "}").find("count is out of range"),
              std::string::npos);
  EXPECT_NE(refused(R"({"levels":[{"x":9223372036854775808}]})").find("x is out of range"),
            std::string::npos);
  EXPECT_NE(refused(R"({"count":1.5})").find("count is not a whole number (1.5)"), std::string::npos);
  EXPECT_NE(refused(R"({"pair":[1e39,0]})").find("pair[0] is out of range (1e+39)"), std::string::npos);
}

}  // namespace

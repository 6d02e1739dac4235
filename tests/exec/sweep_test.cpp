#include "exec/sweep.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm::exec {
namespace {

using support::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

std::vector<std::string> values_of(const std::string& text) {
  const AxisValues values = parse_axis("--param", text).values;
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < values.size(); ++i) all.push_back(values[i]);
  return all;
}

TEST(Axis, CountsDecimalsExactly) {
  EXPECT_THAT(values_of("a=0:1:0.25"), ElementsAre("0", "0.25", "0.5", "0.75", "1"));
  const std::vector<std::string> tenths = values_of("a=0:1:0.1");
  ASSERT_EQ(tenths.size(), 11u);
  EXPECT_EQ(tenths[3], "0.3");
  EXPECT_EQ(tenths[10], "1");
  EXPECT_THAT(values_of("a=1.5:-0.5:-1"), ElementsAre("1.5", "0.5", "-0.5"));
  EXPECT_THAT(values_of("a=1:10:4"), ElementsAre("1", "5", "9"));
  EXPECT_THAT(values_of("a=-0.05:0.05:0.05"), ElementsAre("-0.05", "0", "0.05"));
  EXPECT_THAT(values_of("a=5:5:1"), ElementsAre("5"));
  EXPECT_EQ(values_of("a=0:1:0.001").size(), 1001u);
}

TEST(Axis, TakesExponents) {
  EXPECT_THAT(values_of("a=1e-3:3e-3:1e-3"), ElementsAre("0.001", "0.002", "0.003"));
}

TEST(Axis, CountsIntegersUpAndDown) {
  EXPECT_THAT(values_of("a=3..5"), ElementsAre("3", "4", "5"));
  EXPECT_THAT(values_of("a=1..-1"), ElementsAre("1", "0", "-1"));
  EXPECT_THAT(values_of("a=7..7"), ElementsAre("7"));
  EXPECT_THAT(values_of("a=08..11"), ElementsAre("08", "09", "10", "11"));
  EXPECT_THAT(values_of("a=9..011"), ElementsAre("009", "010", "011"));
  EXPECT_THAT(values_of("a=0..1"), ElementsAre("0", "1"));
}

TEST(Axis, TakesListsOfTexts) {
  EXPECT_THAT(values_of("method=jacobi,sor"), ElementsAre("jacobi", "sor"));
  EXPECT_THAT(values_of("a=x\\,y,z"), ElementsAre("x,y", "z"));
  EXPECT_THAT(values_of("a="), ElementsAre(""));
  EXPECT_THAT(values_of("a=,b"), ElementsAre("", "b"));
  EXPECT_THAT(values_of("a=b=c"), ElementsAre("b=c"));
  EXPECT_THAT(values_of("a=http://host:80/x"), ElementsAre("http://host:80/x"));
  EXPECT_THAT(values_of("a=../data"), ElementsAre("../data"));
  EXPECT_THAT(values_of("a=10:30"), ElementsAre("10:30"));
}

TEST(Axis, RefusesRangesThatAreNone) {
  const auto refused = [](const char* text) { return message_of<BadInput>([&] { values_of(text); }); };
  EXPECT_THAT(refused("a=0:1:0"), HasSubstr("--param has a range without end (\"a=0:1:0\")"));
  EXPECT_THAT(refused("a=0:inf:1"), HasSubstr("without end"));
  EXPECT_THAT(refused("a=0:1:nan"), HasSubstr("without end"));
  EXPECT_THAT(refused("a=1:0:0.1"), HasSubstr("an empty range"));
  EXPECT_THAT(refused("a=0:x:1"), HasSubstr("not of numbers"));
  EXPECT_THAT(refused("a=1..x"), HasSubstr("not of integers"));
  EXPECT_THAT(refused("a=1..2.5"), HasSubstr("not of integers"));
  EXPECT_THAT(refused("a=0:1:1e-9"), HasSubstr("more than 10 million"));
  EXPECT_THAT(refused("a=0..100000000"), HasSubstr("more than 10 million"));
  for (const char* text : {"a", "=1", "1a=1", "a b=1", ""})
    EXPECT_THAT(refused(text), HasSubstr("which field")) << text;
}

TEST(Axis, EndsAtTheEdgeOfWhatCanBeCounted) {
  EXPECT_THAT(values_of("a=9223372036854775806..9223372036854775807"),
              ElementsAre("9223372036854775806", "9223372036854775807"));
  EXPECT_EQ(values_of("a=0:9e18:3e18").size(), 4u);
}

Sweep sweep(bool linked) { return {{{"a", {"1", "2"}}, {"b", {"x", "y"}}}, linked}; }

TEST(Sweep, MakesEveryCombinationTheLastAxisFastest) {
  const Sweep all = sweep(false);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_THAT(all.at(0), UnorderedElementsAre(Pair("a", "1"), Pair("b", "x")));
  EXPECT_THAT(all.at(1), UnorderedElementsAre(Pair("a", "1"), Pair("b", "y")));
  EXPECT_THAT(all.at(2), UnorderedElementsAre(Pair("a", "2"), Pair("b", "x")));
  EXPECT_THAT(all.at(3), UnorderedElementsAre(Pair("a", "2"), Pair("b", "y")));
}

TEST(Sweep, LinksValues) {
  const Sweep pairs = sweep(true);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_THAT(pairs.at(1), UnorderedElementsAre(Pair("a", "2"), Pair("b", "y")));
  EXPECT_EQ(Sweep({}, false).size(), 0u);
}

TEST(Sweep, RefusesWhatDoesNotGoTogether) {
  EXPECT_THAT(message_of<BadInput>([] {
                Sweep({{"a", {"1", "2"}}, {"b", {"x"}}}, true);
              }),
              HasSubstr("a has 2, b has 1"));
  EXPECT_THAT(message_of<BadInput>([] {
                Sweep({{"a", {"1"}}, {"a", {"2"}}}, false);
              }),
              HasSubstr("the field a is given more than once"));
  const AxisValues many{std::vector<std::string>(1 << 16)};
  EXPECT_THAT(message_of<BadInput>([&] {
                Sweep({{"a", many}, {"b", many}, {"c", many}, {"d", many}}, false);
              }),
              HasSubstr("too many combinations"));
}

}  // namespace
}  // namespace mpifarm::exec

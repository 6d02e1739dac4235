#include "exec/command_template.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "exec/program.hpp"
#include "support/expect.hpp"

namespace mpifarm::exec {
namespace {

using support::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

std::string filled(const std::string& text, const Values& values) {
  return Template{"the word", text}.fill(values);
}

TEST(CommandTemplate, PutsValuesInTheirPlaces) {
  EXPECT_EQ(filled("--x={a},{b}", {{"a", "1"}, {"b", "two words"}}), "--x=1,two words");
  EXPECT_EQ(filled("{a}{a}", {{"a", "{b}"}, {"b", "no"}}), "{b}{b}") << "a value is no template";
  EXPECT_EQ(filled("", {}), "");
}

TEST(CommandTemplate, DoubledBracesAreBraces) {
  EXPECT_EQ(filled("{{print $1}} {{{a}}}", {{"a", "x"}}), "{print $1} {x}");
}

TEST(CommandTemplate, FormatsNumbers) {
  EXPECT_EQ(filled("{n:04d} {n:x} {n:+d}", {{"n", "42"}}), "0042 2a +42");
  EXPECT_EQ(filled("{x:.3f} {x:8.1e}", {{"x", "0.1"}}), "0.100  1.0e-01");
  EXPECT_EQ(filled("{s:>4}|{s:<4s}|", {{"s", "ab"}}), "  ab|ab  |");
}

TEST(CommandTemplate, RefusesValuesThatAFormatDoesNotTake) {
  const auto refused = [](const char* text, const char* value) {
    return message_of<BadInput>([&] { filled(text, {{"n", value}}); });
  };
  EXPECT_EQ(refused("{n:04d}", "1.5"), "{n:04d} needs an integer (\"1.5\"); change the value, or the format");
  EXPECT_THAT(refused("{n:d}", "99999999999999999999"), HasSubstr("needs an integer"));
  EXPECT_THAT(refused("{n:d}", ""), HasSubstr("needs an integer"));
  EXPECT_THAT(refused("{n:.2f}", "x"), HasSubstr("needs a number"));
  EXPECT_THAT(message_of<BadInput>([] { filled("{m}", {{"n", "1"}}); }), HasSubstr("{m} has no value"));
}

TEST(CommandTemplate, RefusesWhatIsNone) {
  const auto refused = [](const char* text) {
    return message_of<BadInput>([&] { Template("word 2", text); });
  };
  EXPECT_THAT(refused("a{b"), HasSubstr("word 2 is not understood (a brace is not closed: \"a{b\")"));
  EXPECT_THAT(refused("{a{b}}"), HasSubstr("a brace is not closed"));
  EXPECT_THAT(refused("a}b"), HasSubstr("a brace is closed that was not opened"));
  EXPECT_THAT(refused("{}"), HasSubstr("a field has no name"));
  EXPECT_THAT(refused("{:d}"), HasSubstr("a field has no name"));
  EXPECT_THAT(refused("{a:zz}"), HasSubstr("{a:zz} has no format that is known"));
}

TEST(CommandTemplate, KnowsItsFields) {
  std::set<std::string> names;
  Template("the word", "{b:d}{{c}}{a}{b}").add_fields(names);
  EXPECT_THAT(names, ElementsAre("a", "b"));
}

TEST(ShellQuoting, MakesOneWordOfAnything) {
  EXPECT_EQ(shell_quoted("data/x-1.nc"), "data/x-1.nc");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("it's $(rm)"), "'it'\\''s $(rm)'");
  EXPECT_EQ(Template("the word", "echo {a}>{a}.out").fill_quoted({{"a", "x y"}}), "echo 'x y'>'x y'.out");
  EXPECT_EQ(shell_line({"a b", "c", "*"}), "'a b' c '*'");
}

TEST(PlainWords, AreOfLinesThatNeedNoShell) {
  EXPECT_THAT(plain_words("  gcc -c\tx.c  "), Optional(ElementsAre("gcc", "-c", "x.c")));
  EXPECT_THAT(plain_words("env A=1 %x"), Optional(ElementsAre("env", "A=1", "%x")));
  for (const char* line :
       {"a | b", "a > b",   "a;b",     "a 'b'", "a \"b\"", "a $b", "a `b`", "a *",   "a b?",
        "a [b]", "a {b,c}", "a & b",   "(a)",   "a \\b",   "~/a",  "! a",   "a # b", "A=1 a",
        "cd x",  "exit 3",  "umask 0", "while", ".  x",    "",     "  "})
    EXPECT_FALSE(plain_words(line)) << line;
}

}  // namespace
}  // namespace mpifarm::exec

#include "describe/flags.hpp"

#include <gtest/gtest.h>

#include "samples.hpp"

namespace {

using namespace mpifarm::describe;
using namespace samples;

struct Params {
  std::int64_t from = 0, to = 10'000;
  double max_size = 0.1;
  bool fast = false;
  bool warm = true;
  Method method = Method::sor;
  std::filesystem::path out_file = "x";
  std::vector<std::int32_t> sizes{1, 2};
  std::vector<std::string> names;
  std::optional<std::uint8_t> limit;
  std::array<std::int32_t, 2> grid{3, 4};
};
BOOST_DESCRIBE_STRUCT(Params, (),
                      (from, to, max_size, fast, warm, method, out_file, sizes, names, limit, grid))

Params with(const std::vector<GivenFlag>& given) {
  Params params;
  set_flags(params, given);
  return params;
}

std::string refused(const std::vector<GivenFlag>& given) {
  return refusal([&] { with(given); });
}

TEST(Flags, AreListed) {
  const std::vector<FlagInfo> flags = flags_of<Params>();
  std::string text;
  for (const FlagInfo& flag : flags)
    text += flag.name + " " + flag.field + " <" + flag.type_name + "> [" + flag.default_text + "]" +
            (flag.repeated ? " repeated" : "") + (flag.is_switch ? " switch" : "") + "\n";
  EXPECT_EQ(text,
            "--from from <integer> [0]\n"
            "--to to <integer> [10000]\n"
            "--max-size max_size <number> [0.1]\n"
            "--fast fast <yes|no> [false] switch\n"
            "--warm warm <yes|no> [true] switch\n"
            "--method method <one of jacobi|sor|multigrid> [sor]\n"
            "--out-file out_file <path> [x]\n"
            "--sizes sizes <integer> [1, 2] repeated\n"
            "--names names <text> [] repeated\n"
            "--limit limit <integer> []\n"
            "--grid grid <JSON list> [[3,4]]\n");
  EXPECT_TRUE(flags_of<Empty>().empty());
}

TEST(Flags, SetTheirFields) {
  const Params params = with({{"--to", "-5"},
                              {"--max-size", "1e-300"},
                              {"--fast", ""},
                              {"--warm", "no"},
                              {"--method", "multigrid"},
                              {"--out-file", "/a b"},
                              {"--limit", "255"},
                              {"--grid", "[5,6]"}});
  EXPECT_EQ(params.from, 0);
  EXPECT_EQ(params.to, -5);
  EXPECT_EQ(params.max_size, 1e-300);
  EXPECT_TRUE(params.fast);
  EXPECT_FALSE(params.warm);
  EXPECT_EQ(params.method, Method::multigrid);
  EXPECT_EQ(params.out_file, "/a b");
  EXPECT_EQ(params.limit, 255);
  EXPECT_EQ(params.grid[1], 6);
}

TEST(Flags, RepeatedOnesReplaceTheDefaultAndAppend) {
  const Params params = with({{"--sizes", "7"}, {"--names", "a,b"}, {"--sizes", "8"}, {"--names", ""}});
  EXPECT_EQ(params.sizes, (std::vector<std::int32_t>{7, 8}));
  EXPECT_EQ(params.names, (std::vector<std::string>{"a,b", ""}));
  EXPECT_EQ(with({}).sizes, (std::vector<std::int32_t>{1, 2}));
}

TEST(Flags, RefusalsSayWhatWhyAndWhatToDo) {
  EXPECT_EQ(refused({{"--to", "12x"}}),
            "--to is not a whole number (\"12x\"); give an integer from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(refused({{"--to", "9223372036854775808"}}),
            "--to is out of range (\"9223372036854775808\"); give an integer from -9223372036854775808 to "
            "9223372036854775807");
  EXPECT_EQ(
      refused({{"--to", ""}}),
      "--to is not a whole number (\"\"); give an integer from -9223372036854775808 to 9223372036854775807");
  EXPECT_EQ(refused({{"--limit", "-1"}}), "--limit is negative (\"-1\"); give an integer from 0 to 255");
  EXPECT_EQ(refused({{"--max-size", "big"}}),
            "--max-size is not a number (\"big\"); give a number of magnitude below 1.8e308");
  EXPECT_EQ(refused({{"--fast", "maybe"}}),
            "--fast is neither true nor false (\"maybe\"); give true or false");
  EXPECT_EQ(refused({{"--method", "jacobi2"}}),
            "--method is none of jacobi, sor, multigrid (\"jacobi2\"); did you mean jacobi?");
  EXPECT_EQ(refused({{"--sizes", "1"}, {"--sizes", "x"}}),
            "--sizes is not a whole number (\"x\"); give an integer from -2147483648 to 2147483647");
  EXPECT_EQ(
      refused({{"--grid", "[1]"}}),
      "--grid is wrong: the value is a list of the wrong length (1); give 2 items (\"[1]\"); give a list");
}

TEST(Flags, UnknownAndRepeatedOnesAreRefused) {
  EXPECT_EQ(refused({{"--max-sise", "1"}}), "--max-sise is no flag of this job; did you mean --max-size?");
  EXPECT_EQ(refused({{"--qqqqqqqqq", "1"}}).substr(0, 60),
            "--qqqqqqqqq is no flag of this job; the flags are --from, --");
  EXPECT_EQ(refused({{"--to", "1"}, {"--to", "2"}}), "--to is given more than once; give it once");
}

}  // namespace

// The answer does not depend on the layout: one digest, the same bytes of results.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

struct Layout {
  int ranks;  // 0: no launcher
  Arguments run_flags{};
  Arguments launcher_flags{};
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{
      {0},
      {1},
      {2},
      {3},
      {5},
      {0, {"--threads", "1"}},
      {0, {"--threads", "4"}},
      {2, {"--threads", "4"}},
      {3, {"--threads", "1", "--batch", "1"}},
      {2, {"--batch", "auto", "--prefetch", "auto"}},
      {2, {"--batch", "7", "--prefetch", "0"}},
      {0, {"--order", "fifo"}},
      {0, {"--order", "lifo"}},
      {0, {"--order", "shuffle"}},
      {2, {"--order", "lifo"}},
      {3, {"--order", "shuffle", "--batch", "1"}},
      {3, {"--master-slots", "0", "--threads", "1"}},
      {3, {}, {"--mca", "btl", "tcp,self"}},
  };
  return all;
}

struct Load {
  std::string job;
  Arguments flags;
};

void PrintTo(const Load& load, std::ostream* out) { *out << load.job; }

class EveryLayout : public testing::TestWithParam<Load> {};

TEST_P(EveryLayout, GiveOneDigestAndEqualResults) {
  const Workspace work;
  const Arguments job = Arguments{"run", GetParam().job} + GetParam().flags;
  std::string digest, results, conclusion;
  for (std::size_t i = 0; i < layouts().size(); ++i) {
    const Layout& layout = layouts()[i];
    const auto run = work / std::to_string(i);
    const Arguments arguments = job + layout.run_flags + Arguments{"--run", run};
    SCOPED_TRACE(testing::PrintToString(arguments) + " on " + std::to_string(layout.ranks) + " ranks");
    const Ended ended = e2e::run(layout.ranks == 0 ? mpifarm(arguments)
                                                   : mpirun(layout.ranks, arguments, layout.launcher_flags));
    expect_status(ended, 0);
    ASSERT_EQ(ended.status, 0);
    if (i == 0) {
      digest = digest_of(run);
      results = results_of(run);
      conclusion = ended.out;
    }
    EXPECT_EQ(digest_of(run), digest);
    EXPECT_TRUE(results_of(run) == results) << "results.csv differs";
    EXPECT_EQ(ended.out, conclusion);
    EXPECT_EQ(summary_of(run).whole("ranks"), static_cast<std::uint64_t>(std::max(layout.ranks, 1)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Jobs, EveryLayout,
    testing::Values(Load{"squares", {"--from", "-700", "--to", "5300"}},
                    Load{"pi", {"--samples", "300000", "--per-task", "999", "--seed", "7"}},
                    Load{"spin", {"--count", "200", "--duration", "0.0005", "--law", "lognormal"}}),
    [](const auto& load) { return load.param.job; });

TEST(Layouts, FailedTasksAreTheSameOnEveryOne) {
  const Workspace work;
  const Arguments job{"run", "spin", "--count", "300", "--duration", "0", "--fail-rate", "0.2"};
  ASSERT_EQ(run(mpifarm(job + Arguments{"--run", work / "alone"})).status, 1);
  ASSERT_EQ(run(mpirun(3, job + Arguments{"--order", "shuffle", "--run", work / "ranks"})).status, 1);
  EXPECT_EQ(digest_of(work / "ranks"), digest_of(work / "alone"));
  EXPECT_TRUE(results_of(work / "ranks") == results_of(work / "alone"));
}

TEST(Layouts, AnotherSeedIsAnotherAnswer) {
  const Workspace work;
  const Arguments job{"run", "spin", "--count", "50", "--duration", "0"};
  ASSERT_EQ(run(mpifarm(job + Arguments{"--seed", "1", "--run", work / "one"})).status, 0);
  ASSERT_EQ(run(mpifarm(job + Arguments{"--seed", "2", "--run", work / "two"})).status, 0);
  EXPECT_NE(digest_of(work / "one"), digest_of(work / "two"));
}

// Those of pi, from its published expansion.
TEST(Layouts, HexadecimalDigitsOfPiAreRightOnRanks) {
  const Workspace work;
  const Ended ended = run(mpirun(3, {"run", "pi", "--digits", "40", "--run", work / "run", "--batch", "1"}));
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "3.243F6A8885A308D313198A2E03707344A4093822\n");
}

TEST(Layouts, BoundRanksAreWarnedAboutByTheirBinding) {
  const Workspace work;
  const Arguments job{"run", "squares"};
  const Ended four =
      run(mpirun(1, job + Arguments{"--threads", "4", "--run", work / "four"}, {"--bind-to", "core"}));
  expect_status(four, 0);
  EXPECT_THAT(four.err, testing::HasSubstr("4"));
  EXPECT_THAT(four.err, testing::ContainsRegex("mpifarm: .*(bound|binding|core)"));
  const Ended automatic = run(mpirun(1, job + Arguments{"--run", work / "auto"}, {"--bind-to", "core"}));
  expect_status(automatic, 0);
  EXPECT_EQ(summary_of(work / "auto").whole("threads"), 1u);
}

}  // namespace
}  // namespace mpifarm::e2e

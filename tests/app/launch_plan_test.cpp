// The command lines that start ranks.

#include "app/launch_plan.hpp"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mpifarm::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

std::string line(const LaunchPlan& plan, std::size_t cores = 64) {
  return fmt::format("{}", fmt::join(launch_words(plan, {"farm", "run"}, cores), " "));
}

TEST(LaunchPlan, MpirunBindsNothing) {
  EXPECT_EQ(line({.ranks = 3}), "mpirun -n 3 --bind-to none farm run");
  EXPECT_EQ(line({.ranks = 3}, 2), "mpirun -n 3 --bind-to none --oversubscribe farm run");
  EXPECT_EQ(line({.ranks = 3, .variables = {"A", "B"}}, 3), "mpirun -n 3 --bind-to none -x A -x B farm run");
}

TEST(LaunchPlan, SrunKeepsTheOtherRanksWhenOneOrANodeDies) {
  const std::string words = line({.launcher = Launcher::srun, .ranks = 3, .cores_of_rank = 8});
  EXPECT_THAT(words, StartsWith("srun --mpi=pmix --no-kill --kill-on-bad-exit=0 "));
  EXPECT_THAT(words, HasSubstr("--ntasks=3 --cpus-per-task=8 farm run"));
  EXPECT_THAT(words, Not(HasSubstr("--nodelist")));
}

TEST(LaunchPlan, SrunOnAllNodesHasOneKindOfFence) {
  LaunchPlan plan{.launcher = Launcher::srun, .ranks = 3, .hosts = {"a", "b", "c"}};
  EXPECT_THAT(launch_variables(plan), ElementsAre(Pair("SLURM_PMIX_FENCE", "tree")));
  plan.failed = {"b"};
  EXPECT_THAT(launch_variables(plan), IsEmpty());
  EXPECT_THAT(launch_variables({.launcher = Launcher::mpirun, .ranks = 3}), IsEmpty());
}

TEST(LaunchPlan, FurtherWordsStandBeforeTheProgram) {
  EXPECT_THAT(line({.ranks = 1, .extra = {"--mca", "btl", "tcp,self"}}),
              HasSubstr("none --mca btl tcp,self farm run"));
  EXPECT_THAT(line({.launcher = Launcher::srun, .ranks = 1, .extra = {"--qos=low"}}),
              HasSubstr("--ntasks=1 --qos=low farm run"));
}

TEST(LaunchPlan, SpreadsOverTheHostsThatWereNamed) {
  const LaunchPlan plan{.ranks = 5, .hosts = {"a", "b", "c"}, .names_hosts = true};
  EXPECT_THAT(line(plan), HasSubstr("-n 5 --bind-to none --host a:2,b:2,c:1 farm"));
}

// The hosts of a Slurm job are known to the launcher; they are named only to leave some out.
TEST(LaunchPlan, NeedsNoMoreHostsThanRanks) {
  LaunchPlan plan{.ranks = 1, .hosts = {"a", "b", "c"}, .names_hosts = true};
  EXPECT_THAT(line(plan), HasSubstr("--host a:1 farm"));
  plan.launcher = Launcher::srun;
  EXPECT_THAT(line(plan), HasSubstr("--nodes=1 --nodelist=a farm"));
}

TEST(LaunchPlan, LeavesOutHostsThatFailedWithTheirRanks) {
  LaunchPlan plan{.ranks = 6, .hosts = {"a", "b", "c"}};
  EXPECT_THAT(line(plan), Not(HasSubstr("--host")));
  plan.failed = {"b"};
  EXPECT_THAT(line(plan), HasSubstr("-n 4 --bind-to none --host a:2,c:2 farm"));
  plan.launcher = Launcher::srun;
  EXPECT_THAT(line(plan), HasSubstr("--ntasks=4 --nodes=2 --nodelist=a,c farm"));
  plan.failed = {"b", "a"};
  plan.ranks = 2;
  EXPECT_THAT(line(plan), HasSubstr("--ntasks=1 --nodes=1 --nodelist=c farm"));
}

TEST(LaunchPlan, SharesTheCoresOfANodeAmongItsRanks) {
  EXPECT_EQ(cores_of_rank("72(x3)", 3), 72);
  EXPECT_EQ(cores_of_rank("72(x2),36", 3), 36);
  EXPECT_EQ(cores_of_rank("72(x2),36", 6), 18);
  EXPECT_EQ(cores_of_rank("72(x2),36", 4), 18) << "where there are two of them";
  EXPECT_EQ(cores_of_rank("8", 100), 1);
  for (const char* text : {"", "x", "72(x", "72(x)", "72(y3)", "72,", ",72", "-1", "72(x0)"})
    EXPECT_EQ(cores_of_rank(text, 3), 0) << text;
}

TEST(LaunchPlan, ProbesOneHostWithTheSameLauncher) {
  LaunchPlan plan{.ranks = 6, .hosts = {"a", "b"}, .extra = {"-x", "Y"}};
  EXPECT_EQ(fmt::format("{}", fmt::join(probe_words(plan, "b"), " ")), "mpirun -n 1 --host b -x Y true");
  plan.launcher = Launcher::srun;
  EXPECT_THAT(probe_words(plan, "b"), ::testing::Contains("--nodelist=b"));
}

}  // namespace
}  // namespace mpifarm::app

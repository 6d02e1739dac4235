// How and where launch starts ranks, as the command line and a Slurm job say.

#include "app/launch_arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace mpifarm::app {
namespace {

using testing::ElementsAre;

// Variables of the environment, for as long as it lives.
class Environment {
 public:
  explicit Environment(std::map<std::string, std::string> variables) : variables_{std::move(variables)} {
    for (const auto& [name, text] : variables_) setenv(name.c_str(), text.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (const auto& [name, text] : variables_) unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::string> variables_;
};

LaunchPlan plan_of(std::vector<std::string> arguments) {
  CommandLine line{"", "launch"};
  add_launch_flags(line);
  line.parse(std::move(arguments));
  return launch_plan(line);
}

std::map<std::string, std::string> job(std::map<std::string, std::string> more = {}) {
  more.insert({{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_NODELIST", "n[1-4]"}, {"SLURM_JOB_NUM_NODES", "4"}});
  return more;
}

TEST(LaunchArguments, WithoutASlurmJobItIsMpirun) {
  const LaunchPlan plan = plan_of({"-n", "3", "--mpirun", "-v"});
  EXPECT_EQ(plan.launcher, Launcher::mpirun);
  EXPECT_EQ(plan.ranks, 3);
  EXPECT_THAT(plan.extra, ElementsAre("-v"));
  EXPECT_FALSE(plan.names_hosts);
  EXPECT_THROW(plan_of({}), BadInput) << "no -n";
  EXPECT_THROW(plan_of({"-n", "3", "--launcher", "srun"}), BadInput);
}

TEST(LaunchArguments, HostsThatWereNamedAreUsed) {
  const LaunchPlan plan = plan_of({"-n", "3", "--hosts", "a,b.c"});
  EXPECT_TRUE(plan.names_hosts);
  EXPECT_THAT(plan.hosts, ElementsAre("a", "b.c"));
  for (const char* hosts : {"", "a,", "a,a", "-a", "a:2", "a b", "a;b", "a/b"})
    EXPECT_THROW(plan_of({"-n", "3", "--hosts", hosts}), BadInput) << hosts;
}

TEST(LaunchArguments, InASlurmJobItIsSrunOnAllOfIt) {
  const Environment environment{job({{"SLURM_NTASKS", "8"}, {"SLURM_JOB_CPUS_PER_NODE", "16(x4)"}})};
  const LaunchPlan plan = plan_of({});
  EXPECT_EQ(plan.launcher, Launcher::srun);
  EXPECT_EQ(plan.ranks, 8);
  EXPECT_EQ(plan.cores_of_rank, 8);
  EXPECT_EQ(plan_of({"-n", "4"}).cores_of_rank, 16);
  EXPECT_EQ(plan_of({"--mpirun=-v"}).launcher, Launcher::mpirun);
  EXPECT_THROW(plan_of({"--launcher=srun", "--mpirun=-v"}), BadInput);
}

TEST(LaunchArguments, OfAJobWithoutTasksItIsARankANode) {
  const Environment environment{job({{"SLURM_CPUS_PER_TASK", "5"}, {"SLURM_JOB_CPUS_PER_NODE", "16(x4)"}})};
  EXPECT_EQ(plan_of({}).ranks, 4);
  EXPECT_EQ(plan_of({}).cores_of_rank, 5) << "what was asked for a task";
}

TEST(LaunchArguments, ARankOfAStepIsNoJob) {
  const Environment environment{job({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}})};
  EXPECT_EQ(plan_of({"-n", "3"}).launcher, Launcher::mpirun);
}

}  // namespace
}  // namespace mpifarm::app

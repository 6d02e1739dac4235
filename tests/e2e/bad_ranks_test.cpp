// Ranks that do not belong together, and launchers that do not fit.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

Arguments with_environment(const std::string& variable, const std::string& run) {
  return {"-x", variable, unsteady_job(), "run", "unsteady", "--run", run};
}

void expect_nothing_to_resume(const Workspace& work) {
  EXPECT_TRUE(work.names().empty()) << "a run that never began stays behind";
}

TEST(BadRanks, OfAnotherSourceSizeAreRefusedByHostAndSizes) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(mpirun_groups({with_environment("UNSTEADY_SIZE=100", path),
                                    with_environment("UNSTEADY_SIZE=90", path)})),
                 {"source differs", "90", "100"});
}

TEST(BadRanks, OfOtherTasksAreRefused) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(mpirun_groups({with_environment("UNSTEADY_FIRST=0", path),
                                    with_environment("UNSTEADY_FIRST=1", path),
                                    with_environment("UNSTEADY_FIRST=0", path)})),
                 {"source differs"});
}

TEST(BadRanks, ThatCannotMakeTheJobAreRefused) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(mpirun_groups({with_environment("UNSTEADY_REFUSES=0", path),
                                    with_environment("UNSTEADY_REFUSES=1", path)})),
                 {"rank 1", "UNSTEADY_REFUSES"});
}

TEST(BadRanks, OfAnotherBuildAreRefused) {
  const Workspace work;
  const std::string path = work / "run";
  const Arguments job{"run", "squares", "--run", path};
  expect_refused(run(mpirun_groups({Arguments{program()} + job, {unsteady_job(), "resume", path}})),
                 {"rank 1", "build"});
}

TEST(BadRanks, OfAnotherTokenAreRefused) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(mpirun_groups(
                     {with_environment("MPIFARM_TOKEN=a", path), with_environment("MPIFARM_TOKEN=b", path)})),
                 {"rank 1", "MPIFARM_TOKEN"});
}

TEST(BadRanks, LeaveNoRunBehind) {
  const Workspace work;
  const std::string path = work / "run";
  EXPECT_EQ(run(mpirun_groups({with_environment("UNSTEADY_SIZE=100", path),
                               with_environment("UNSTEADY_SIZE=90", path)}))
                .status,
            2);
  expect_nothing_to_resume(work);
}

// A host whose file system has something else at that place.
TEST(BadRanks, ThatDoNotSeeTheRunDirectoryAreRefusedWithItsPath) {
  if (std::system("unshare -rm true 2>/dev/null") != 0) GTEST_SKIP() << "nobody may mount here";
  const Workspace work;
  const Arguments job{program(), "run", "squares", "--run", work / "run"};
  const std::string elsewhere = "mount -t tmpfs none \"$0\" && exec \"$@\"";
  const Arguments blind = Arguments{"unshare", "-rm", "sh", "-c", elsewhere, work.path()} + job;
  expect_refused(run(mpirun_groups({job, blind})),
                 {"rank 1 on ", "does not see the run directory (" + (work / "run").string() + ")"});
  expect_nothing_to_resume(work);
}

TEST(BadLauncher, ThatSaysMoreRanksThanMpiIsRefused) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--run", work / "run"});
  command.environment = {{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}};
  expect_refused(run(command), {"3 ranks", "1", "MPI"});
  EXPECT_TRUE(work.names().empty());
}

TEST(BadLauncher, OfSlurmThatSaysMoreRanksThanMpiIsRefused) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--run", work / "run"});
  command.environment = {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}};
  expect_refused(run(command), {"4 ranks", "PMIX_RANK", "srun --mpi=pmix"});
  EXPECT_TRUE(work.names().empty());
}

// Such as a shell that srun gave a terminal.
TEST(BadLauncher, IsNoStepOfOneTask) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--run", work / "run"});
  command.environment = {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_JOB_ID", "1"}};
  expect_status(run(command), 0);
}

// A shell by the name of a launcher stands for one of another MPI.
Command under_launcher(const Workspace& work, const std::string& line) {
  std::filesystem::create_symlink("/bin/sh", work / "mpiexec");
  return {{"/bin/sh", "-c", (work / "mpiexec").string() + " -c '" + line + "; exit $?'"}};
}

TEST(BadLauncher, OfTheSupervisorIsRefused) {
  const Workspace work;
  Command command = under_launcher(work, program() + " launch -n 2 -- squares");
  command.environment = {{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}};
  expect_refused(run(command), {"started 3 times", "call it once"});
}

// A batch script has Slurm's variables, but is no step.
TEST(BadLauncher, IsNoBatchScript) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--run", work / "run"});
  command.environment = {{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "1"}};
  expect_status(run(command), 0);
}

TEST(BadLauncher, OnlyRankZeroOfManySpeaks) {
  const Workspace work;
  Command command = under_launcher(work, program() + " run squares --run " + (work / "run").string());
  command.environment = {{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}};
  const Ended ended = run(command);
  expect_status(ended, 0);  // anything else, and the launcher could end rank 0 before it has spoken
  EXPECT_TRUE(own_lines(ended).empty()) << ended.err;
}

TEST(BadLauncher, ThatIsNowhereToBeSeenIsNoReasonForSilence) {
  const Workspace work;
  Command command = mpifarm({"run", "squares", "--run", work / "run"});
  command.environment = {{"PMI_RANK", "2"}, {"PMI_SIZE", "3"}};
  expect_refused(run(command), {"3 ranks", "MPI sees 1"});
}

}  // namespace
}  // namespace mpifarm::e2e

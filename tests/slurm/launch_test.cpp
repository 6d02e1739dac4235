// The supervisor in a Slurm job: srun or mpirun, over nodes that may be lost.

#include <csignal>

#include "slurm_job.hpp"

namespace mpifarm::e2e {
namespace {

class SlurmLaunch : public SlurmJob, public ::testing::WithParamInterface<std::string> {
 protected:
  static Command launching(const Arguments& run, const Arguments& flags = {}) {
    return in_job(Arguments{program(), "launch", "--launcher", GetParam()} + flags + Arguments{"--"} +
                  Arguments{run.begin() + 1, run.end()});
  }
};

INSTANTIATE_TEST_SUITE_P(By, SlurmLaunch, ::testing::Values("srun", "mpirun"),
                         [](const auto& test) { return test.param; });

TEST_P(SlurmLaunch, StartsARankForEachOfTheJobsTasks) {
  const Workspace work;
  const Ended ended = run(launching(spin_run(work / "run", {}, "4")));
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, undisturbed().conclusion);
  expect_whole(work / "run");
  const std::string summary = read_text(work / "run/summary.json");
  for (const std::string node : {"node1", "node2", "node3"})
    EXPECT_NE(summary.find("\"host\": \"" + node + '"'), std::string::npos) << summary;
}

TEST_P(SlurmLaunch, GoesOnWhenANodeIsLost) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path, {"--heartbeat", "2"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  lose_node("node3");
  const Ended ended = process.wait();
  expect_status(ended, 0);
  expect_whole(path);
  EXPECT_EQ(summary_of(path).whole("lost_ranks"), 1u);
  EXPECT_EQ(summary_of(path).whole("starts"), 1u);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST_P(SlurmLaunch, LeavesALostNodeOutOfTheNextStart) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path, {"--heartbeat", "2"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  lose_node("node3");
  ASSERT_TRUE(
      wait_until([&] { return read_text(path + "/status.json").find("\"node3\"") != std::string::npos; }));
  ::kill(lock_holder(path), SIGKILL);
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("node3 starts no process any more and is left out"), std::string::npos)
      << ended.err;
  expect_whole(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 2u);
  EXPECT_EQ(summary_of(path).whole("ranks"), 2u);
  EXPECT_EQ(summary_of(path).whole("lost_ranks"), 0u);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST_P(SlurmLaunch, LeavesOutANodeThatWasNeverThere) {
  const Workspace work;
  lose_node("node3");
  const Ended ended = run(launching(spin_run(work / "run", {}, "4")));
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("node3 starts no process any more and is left out"), std::string::npos)
      << ended.err;
  expect_whole(work / "run");
}

TEST_P(SlurmLaunch, GoesOnElsewhereWhenRankZerosNodeIsLost) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path, {"--heartbeat", "2"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  lose_node("node1");
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("node1 starts no process any more and is left out"), std::string::npos)
      << ended.err;
  expect_whole(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 2u);
  EXPECT_EQ(summary_of(path).whole("ranks"), 2u);
}

TEST_P(SlurmLaunch, LeavesTheRunToBeResumedWhenNoNodeIsLeft) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path, {"--heartbeat", "2"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  for (const std::string node : {"node3", "node2", "node1"}) lose_node(node);
  const Ended ended = process.wait();
  expect_status(ended, 75);
  EXPECT_NE(ended.err.find("no host is left to start the run on"), std::string::npos) << ended.err;
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  expect_status(run(mpifarm({"resume", path, "--threads", "8", "--force"})), 0);
  expect_whole(path);
}

TEST_P(SlurmLaunch, CarriesOnWhenRankZeroIsStoppedForGood) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGSTOP);
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("rank 0 gave no sign of life for"), std::string::npos) << ended.err;
  expect_whole(path);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST_P(SlurmLaunch, PassesASignalOn) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(supervisor_of(process), SIGUSR1);
  const Ended ended = process.wait();
  expect_status(ended, 75);
  EXPECT_EQ(tally_journal(path).seals, 1u) << "it was not ended in order: " << ended.err;
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_whole(path);
}

TEST_P(SlurmLaunch, DoesNotRepeatALauncherThatRefuses) {
  const Workspace work;
  const Ended ended = run(launching(spin_run(work / "run"), {"--" + GetParam() + "=--nonsense"}));
  expect_status(ended, 3);
  EXPECT_NE(ended.err.find(GetParam() + " ended before it had started a rank"), std::string::npos)
      << ended.err;
}

TEST_F(SlurmJob, WhatIsRefusedIsNotSubmittedAgain) {
  const Workspace work;
  const Ended ended = run(in_job(Arguments{program(), "launch", "--chain", "3", "--"} + spin_flags +
                                 Arguments{"--time-left", "0.5", "--run", work / "run"}));
  expect_status(ended, 2);
  EXPECT_EQ(ended.err.find("carries the run on"), std::string::npos) << ended.err;
}

TEST_F(SlurmJob, IsStartedBySrunUnlessMpirunIsNamed) {
  const Workspace work;
  const Arguments run_words{"--", "squares", "--to", "1000", "--quiet"};
  const Ended by_srun = run(in_job(Arguments{program(), "launch", "--srun=--nonsense"} + run_words));
  expect_status(by_srun, 3);
  EXPECT_NE(by_srun.err.find("srun ended before"), std::string::npos) << by_srun.err;
  const Ended by_mpirun = run(in_job(Arguments{program(), "launch", "--mpirun=--nonsense"} + run_words));
  EXPECT_NE(by_mpirun.err.find("mpirun ended before"), std::string::npos) << by_mpirun.err;
}

// Slurm's plugins but PMIx's, in a configuration of its own for srun's question.
TEST_F(SlurmJob, WithoutPmixIsStartedByMpirun) {
  const Workspace work;
  std::string text = read_text(cluster_configuration);
  const Ended plugins = run({.arguments = {"/bin/sh", "-c",
                                           "mkdir \"$0\" && ln -s \"$(scontrol show config | sed -n "
                                           "'s/^PluginDir *= //p')\"/*.so \"$0\" && rm \"$0\"/mpi_pmix*.so",
                                           work / "plugins"},
                             .environment = {{"SLURM_CONF", cluster_configuration}}});
  ASSERT_EQ(plugins.status, 0) << plugins.err;
  write_text(work / "slurm.conf", text + "PluginDir=" + (work / "plugins").string() + "\nMpiDefault=none\n");
  const auto launching = [&](const Arguments& flags) {
    return in_job(
        Arguments{"/usr/bin/env", "SLURM_CONF=" + (work / "slurm.conf").string(), program(), "launch"} +
        flags + Arguments{"--", "squares", "--to", "1000", "--quiet", "--run", work / "run"});
  };
  expect_refused(run(launching({"--launcher=srun"})),
                 {"srun cannot start MPI's ranks here", "--launcher mpirun"});
  expect_status(run(launching({})), 0);
  EXPECT_EQ(summary_of(work / "run").whole("ranks"), 3u);
}

TEST_F(SlurmJob, NodesWithDifferentBuildsAreRefusedByName) {
  const Workspace work;
  const std::string choice = "if [ $SLURMD_NODENAME = node3 ]; then exec " + unsteady_job() +
                             " resume \"$0\"; else exec " + program() + " run squares --run \"$0\"; fi";
  const Ended ended = run(in_job({"/usr/bin/srun", "--mpi=pmix", "sh", "-c", choice, work / "run"}));
  expect_refused(ended, {"rank 2 on node3 does not belong to this run", "build"});
  EXPECT_TRUE(work.names().empty());
}

// srun without it, and no launch between.
TEST_F(SlurmJob, RanksThatAreAloneAreRefused) {
  const Workspace work;
  expect_refused(
      run(in_job({"/usr/bin/srun", "--mpi=none", program(), "run", "squares", "--run", work / "run"})),
      {"3 ranks", "MPI"});
  EXPECT_TRUE(work.names().empty());
}

}  // namespace
}  // namespace mpifarm::e2e

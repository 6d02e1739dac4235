// The supervisor: one exit status that can be trusted, whatever dies.

#include <unistd.h>

#include <array>
#include <csignal>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

Command launching(int ranks, const Arguments& run, const Arguments& flags = {}) {
  // spin_run begins with "run", which launch leaves out.
  Command command = mpifarm(Arguments{"launch", "-n", std::to_string(ranks)} + flags + Arguments{"--"} +
                            Arguments{run.begin() + 1, run.end()});
  command.deadline = std::chrono::seconds{120};
  return command;
}

// The launcher of the ranks, the supervisor's only child.
pid_t launcher_of(Process& process) {
  for (const pid_t member : process.members())
    if (read_text("/proc/" + std::to_string(member) + "/comm") == "mpirun\n") return member;
  return 0;
}

TEST(Launch, IsARunWithItsStatus) {
  const Workspace work;
  const Ended ended = run(launching(3, spin_run(work / "run", {}, "4")));
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, undisturbed().conclusion);
  expect_whole(work / "run");
  EXPECT_EQ(summary_of(work / "run").whole("ranks"), 3u);
  for (const auto& entry : std::filesystem::directory_iterator{work / ""})
    EXPECT_EQ(entry.path().filename(), "run") << "launch leaves a file behind";
}

TEST(Launch, SaysThatTasksFailed) {
  const Workspace work;
  expect_status(run(launching(2, {"run", "squares", "--from", "3037000499", "--to", "3037000502", "--run",
                                  work / "run"})),
                1);
  EXPECT_EQ(summary_of(work / "run").whole("starts"), 1u);
}

TEST(Launch, RefusesWhatRunWouldRefuse) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(launching(2, {"run", "sqares"})), {"sqares", "did you mean squares?"});
  expect_refused(run(launching(2, {"run", "squares", "--to", "x"})), {"--to", "\"x\""});
  expect_refused(run(launching(0, spin_run(path))), {"-n", "out of range"});
  expect_refused(run(mpifarm({"launch", "--", "squares"})), {"-n"});
  expect_refused(run(mpifarm({"launch", "-n", "2"})), {"no job is named"});
  expect_refused(run(launching(2, spin_run(path), {"--relaunch", "-1"})), {"--relaunch"});
  write_text(path, "something else");
  expect_refused(run(launching(2, spin_run(path))), {path});
}

TEST(Launch, CarriesOnWhenRankZeroIsKilled) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGKILL);
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("start 2 of 4 from its journal"), std::string::npos) << ended.err;
  expect_whole(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 2u);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST(Launch, CarriesOnWhenMpirunIsKilled) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(launcher_of(process), SIGKILL);
  expect_status(process.wait(), 0);
  expect_whole(path);
}

TEST(Launch, SurvivesAWorker) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(workers_of(process, path).at(0), SIGKILL);
  expect_status(process.wait(), 0);
  expect_whole(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 1u);
  EXPECT_EQ(summary_of(path).whole("lost_ranks"), 1u);
}

TEST(Launch, CarriesOnWhenRankZeroIsStoppedForGood) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGSTOP);
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("rank 0 gave no sign of life for"), std::string::npos) << ended.err;
  expect_whole(path);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

// What rank 0 says, whatever it is, is what launch returns, and is not repeated.
TEST(Launch, ReturnsWhatRankZeroSays) {
  const Workspace work;
  const Arguments failing{"run",  "squares",    "--from", "3037000499",
                          "--to", "3037000599", "--run",  work / "failing"};
  const Ended halted = run(launching(2, failing + Arguments{"--halt", "soon,fail=3", "--batch", "1"}));
  expect_status(halted, 1);
  EXPECT_EQ(halted.err.find("start 2 of"), std::string::npos) << halted.err;
  write_text(work / "bad.csv", "n\n1\nx\n");
  const Ended refused =
      run(launching(2, {"run", "squares", "--tasks", work / "bad.csv", "--run", work / "refused"}));
  expect_status(refused, 2);
  EXPECT_EQ(refused.err.find("start 2 of"), std::string::npos) << refused.err;
}

TEST(Launch, BelievesNoEarlierStart) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "1000", "--run", path})), 0);
  const Ended changed = run(launching(2, {"run", "squares", "--to", "2000", "--run", path, "--continue"}));
  expect_status(changed, 2);
  const Ended refused = run(
      launching(2, {"run", "squares", "--to", "1000", "--run", path, "--continue"}, {"--mpirun=--nonsense"}));
  expect_status(refused, 3);
  EXPECT_NE(refused.err.find("before it had started a rank"), std::string::npos) << refused.err;
}

TEST(Launch, SaysThatItsFileIsNotThere) {
  const Workspace work;
  const Ended ended = run(launching(2, spin_run(work / "run", {}, "4"),
                                    {"--mpirun=-x", "--mpirun=MPIFARM_LAUNCH_FILE=/nowhere/at/all"}));
  expect_status(ended, 3);
  EXPECT_NE(ended.err.find("give --run a directory that all hosts share"), std::string::npos) << ended.err;
}

TEST(Launch, IsStoppedWhileItWaitsToStartAgain) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(2, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGKILL);
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(work / "run/relaunching"); }));
  expect_status(run(mpifarm({"stop", path})), 0);
  expect_status(process.wait(), 75);
  EXPECT_FALSE(std::filesystem::exists(work / "run/relaunching"));
  EXPECT_FALSE(std::filesystem::exists(work / "run/stop"));
}

TEST(Launch, DoesNotRepeatAnMpirunThatRefuses) {
  const Workspace work;
  const Ended ended = run(launching(2, spin_run(work / "run"), {"--mpirun=--nonsense"}));
  expect_status(ended, 3);
  EXPECT_NE(ended.err.find("before it had started a rank"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("start 2 of"), std::string::npos) << ended.err;
}

TEST(Launch, RefusesHostsAndLaunchersThatAreNone) {
  const Workspace work;
  const Arguments spin = spin_run(work / "run");
  expect_refused(run(launching(2, spin, {"--hosts", "a,,b"})), {"--hosts", "a,,b"});
  expect_refused(run(launching(2, spin, {"--hosts", "a,a"})), {"--hosts", "\"a,a\"", "twice"});
  expect_refused(run(launching(2, spin, {"--launcher", "ssh"})), {"--launcher", "\"ssh\""});
  expect_refused(run(launching(2, spin, {"--launcher", "srun"})), {"srun", "SLURM_JOB_ID"});
  expect_refused(run(launching(2, spin, {"--srun=--exclusive"})), {"--exclusive", "mpirun"});
}

TEST(Launch, TakesThisHostByItsName) {
  const Workspace work;
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  expect_status(run(launching(2, spin_run(work / "run", {}, "4"), {"--hosts", name.data()})), 0);
  expect_whole(work / "run");
}

TEST(Launch, StartsAgainNoMoreOftenThanItMay) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(2, spin_run(path), {"--relaunch", "0"})};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGKILL);
  const Ended ended = process.wait();
  expect_status(ended, 75);
  EXPECT_NE(ended.err.find("the run is unfinished; carry it on with: mpifarm resume " + path),
            std::string::npos)
      << ended.err;
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_whole(path);
}

TEST(Launch, WithoutAJournalHasNothingToCarryOn) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(2, spin_run(path, {"--durability", "none"}))};
  ASSERT_TRUE(wait_until([&] { return lock_holder(path) > 0; }));
  ::kill(lock_holder(path), SIGKILL);
  const Ended ended = process.wait();
  expect_status(ended, 3);
  EXPECT_NE(ended.err.find("cannot be resumed"), std::string::npos) << ended.err;
}

TEST(Launch, PassesSignalsOnAndDoesNotStartAgain) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
    const Workspace work;
    const std::string path = work / "run";
    Process process{launching(2, spin_run(path))};
    ASSERT_TRUE(wait_for_outcomes(process, path, 50));
    process.signal(signal);
    expect_status(process.wait(), 75);
    EXPECT_EQ(tally_journal(path).seals, 1u) << "it was not ended in order";
    EXPECT_EQ(summary_of(path).text("stopped"), signal == SIGUSR1 ? "time up" : "asked");
    expect_status(run(launching(3, spin_run(path, {"--continue"}, "4"))), 0);
    expect_whole(path);
  }
}

TEST(Launch, DoesNotStartAgainWhatItWasAskedToStop) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(2, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  expect_status(run(mpifarm({"stop", path})), 0);
  expect_status(process.wait(), 75);
  EXPECT_EQ(summary_of(path).whole("starts"), 1u);
  expect_status(run(launching(2, spin_run(path, {"--continue"}, "4"))), 0);
  expect_whole(path);
}

// A run that would take minutes.
TEST(Launch, LeavesNothingBehindWhenItIsKilled) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{
      launching(3, {"run", "spin", "--count", "100000", "--wait", "--duration", "0.01", "--run", path})};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  process.signal(SIGKILL);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

}  // namespace
}  // namespace mpifarm::e2e

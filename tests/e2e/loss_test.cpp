// Ranks that die or hang under mpirun with recovery: the run goes on, and its answer is the same.

#include <csignal>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

Command surviving(int ranks, const Arguments& arguments, const Arguments& launcher_flags = {}) {
  Command command = mpirun(ranks, arguments, launcher_flags);
  command.environment["OMPI_MCA_orte_enable_recovery"] = "1";
  return command;
}

// Everything is there once, and so many ranks were lost. What a lost rank had computed and not said counts
// for nothing.
void expect_survived(const std::string& run, std::uint64_t lost) {
  const Json summary = summary_of(run);
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.whole("succeeded"), spin_tasks);
  EXPECT_EQ(summary.whole("lost_ranks"), lost);
  EXPECT_EQ(summary.text("digest"), undisturbed().digest);
  EXPECT_TRUE(results_of(run) == undisturbed().results) << "results.csv differs";
  const JournalTally journal = tally_journal(run);
  EXPECT_EQ(journal.outcomes, spin_tasks);
  EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
}

class LostWorker : public testing::TestWithParam<std::pair<int, std::vector<std::string>>> {};

TEST_P(LostWorker, CostsTheRunNothingButARank) {
  const auto& [signal, launcher_flags] = GetParam();
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(3, spin_run(path, {"--heartbeat", "1"}), launcher_flags)};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(workers_of(process, path).at(0), signal);
  const Ended ended = process.wait();
  EXPECT_FALSE(ended.late) << ended.err;
  EXPECT_NE(ended.err.find(" is lost ("), std::string::npos) << ended.err;
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  expect_survived(path, 1);
}

INSTANTIATE_TEST_SUITE_P(Ways, LostWorker,
                         testing::Values(std::pair{SIGKILL, Arguments{}}, std::pair{SIGSEGV, Arguments{}},
                                         std::pair{SIGSTOP, Arguments{}},
                                         std::pair{SIGKILL, Arguments{"--mca", "btl", "tcp,self"}},
                                         std::pair{SIGSTOP, Arguments{"--mca", "btl", "tcp,self"}}),
                         [](const auto& way) {
                           return std::string{sigabbrev_np(way.param.first)} +
                                  (way.param.second.empty() ? "" : "OverTcp");
                         });

TEST(Loss, OfTwoWorkersAtOnce) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(4, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  const auto found = workers_of(process, path);
  for (const std::size_t i : {0, 1}) ::kill(found.at(i), SIGKILL);
  EXPECT_FALSE(process.wait().late);
  expect_survived(path, 2);
}

TEST(Loss, OfAllWorkersLeavesRankZero) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  for (const pid_t worker : workers_of(process, path)) ::kill(worker, SIGKILL);
  EXPECT_FALSE(process.wait().late);
  expect_survived(path, 2);
}

TEST(Loss, OfAllThatComputeIsResumable) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(3, spin_run(path, {"--master-slots", "0"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  for (const pid_t worker : workers_of(process, path)) ::kill(worker, SIGKILL);
  const Ended ended = process.wait();
  EXPECT_FALSE(ended.late);
  EXPECT_NE(ended.err.find("every rank that computed is lost"), std::string::npos) << ended.err;
  EXPECT_EQ(summary_of(path).text("status"), "unfinished");
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_survived(path, 0);
}

TEST(Loss, OfRankZeroMakesTheOthersLeave) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGKILL);
  EXPECT_FALSE(process.wait().late) << "mpirun waits for ranks that do not leave";
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

TEST(Loss, IsSaidBeforehandToEndTheRunWhereItDoes) {
  const auto says_so = [](const Command& command) {
    const Ended ended = run(command);
    expect_status(ended, 0);
    return ended.err.find(no_recovery) != std::string::npos;
  };
  const Workspace work;
  const auto squares = [&](const char* name) {
    return Arguments{"run", "squares", "--to", "9", "--run", work / name};
  };
  EXPECT_TRUE(says_so(mpirun(2, squares("plain"))));
  EXPECT_FALSE(says_so(surviving(2, squares("surviving"))));
  EXPECT_FALSE(says_so(mpirun(1, squares("one rank"))));
  EXPECT_FALSE(says_so(mpifarm(squares("no launcher"))));
}

TEST(Loss, OfASuspensionIsNone) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{surviving(3, spin_run(path, {"--heartbeat", "1"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  const auto members = process.members();
  for (const pid_t member : members) ::kill(member, SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds{4});  // what a suspension is: nothing happens for long
  for (const pid_t member : members) ::kill(member, SIGCONT);
  EXPECT_EQ(process.wait().status, 0);
  expect_survived(path, 0);
}

}  // namespace
}  // namespace mpifarm::e2e

// SIGTERM, SIGINT and SIGUSR1: running tasks end, the journal is sealed, exit status 75, and a resume
// completes.

#include <csignal>
#include <tuple>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string name_of(int signal) {
  return signal == SIGTERM ? "SIGTERM" : signal == SIGINT ? "SIGINT" : "SIGUSR1";
}

class Signalled : public testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(Signalled, EndsResumableAndResumesToTheSameAnswer) {
  const auto [signal, ranks] = GetParam();
  const Workspace work;
  const std::string path = work / "run";
  Process process{on_ranks(ranks, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), signal);
  const Ended ended = process.wait();
  expect_status(ended, 75);
  EXPECT_EQ(ended.out, "");
  EXPECT_THAT(own_lines(ended), testing::Contains(HasSubstr("mpifarm resume " + path)));
  const Json summary = summary_of(path);
  EXPECT_EQ(summary.text("status"), "unfinished");
  EXPECT_EQ(summary.whole("failed"), 0u) << "a task that was stopped counts as failed";
  EXPECT_GE(summary.whole("succeeded"), 50u);
  EXPECT_FALSE(std::filesystem::exists(work / "run" / "results.csv"));
  EXPECT_FALSE(std::filesystem::exists(work / "run" / "lock"));
  const JournalTally journal = tally_journal(path);
  EXPECT_EQ(journal.seals, 1u);
  EXPECT_EQ(journal.outcomes, summary.whole("succeeded"));
  expect_status(run(mpirun(2, {"resume", path, "--threads", "4"})), 0);
  expect_undisturbed(path);
}

INSTANTIATE_TEST_SUITE_P(Ranks, Signalled,
                         testing::Values(std::tuple{SIGTERM, 0}, std::tuple{SIGTERM, 1},
                                         std::tuple{SIGTERM, 3}, std::tuple{SIGINT, 0}, std::tuple{SIGINT, 3},
                                         std::tuple{SIGUSR1, 0}, std::tuple{SIGUSR1, 2}),
                         [](const auto& both) {
                           return name_of(std::get<0>(both.param)) + "On" +
                                  std::to_string(std::get<1>(both.param));
                         });

TEST(Signal, ToTheLauncherThatPassesItOnSealsTheRun) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpirun(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  process.signal(SIGUSR1);
  expect_status(process.wait(), 75);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); }));
  EXPECT_EQ(summary_of(path).text("status"), "unfinished");
  EXPECT_EQ(tally_journal(path).seals, 1u);
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

// mpirun tells its ranks to end and kills them a second later, whatever they do.
TEST(Signal, ThatEndsTheLauncherLosesNothing) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpirun(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  process.signal(SIGTERM);
  EXPECT_NE(process.wait().status, 0);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); }));
  EXPECT_GE(tally_journal(path).outcomes, 50u);
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

TEST(Signal, ToEveryProcessAtOnceAsATerminalDoes) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(-process.id(), SIGINT);
  expect_status(process.wait(), 75);
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

TEST(Signal, DuringAResumeEndsResumableToo) {
  const Workspace work;
  const std::string path = work / "run";
  for (int start = 0; start < 3; ++start) {
    Process process{mpifarm(start == 0 ? spin_run(path) : Arguments{"resume", path, "--threads", "1"})};
    ASSERT_TRUE(wait_for_outcomes(process, path, 60 * (static_cast<std::uint64_t>(start) + 1)));
    ::kill(process.id(), SIGTERM);
    expect_status(process.wait(), 75);
  }
  EXPECT_EQ(summary_of(path).whole("starts"), 3u);
  expect_status(run(mpirun(2, {"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 4u);
}

TEST(Signal, IsQuietAboutNothingButTheWayOn) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path, {"--quiet"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  process.signal(SIGTERM);
  const Ended ended = process.wait();
  expect_status(ended, 75);
  EXPECT_THAT(ended.err, HasSubstr("mpifarm resume " + path));
}

// `leased` is said once tasks are out; they wait for seconds, and nothing but the signal is to come.
Process& hold_until_running(Process& process, const std::filesystem::path& run) {
  EXPECT_TRUE(wait_until([&] {
    std::error_code none;
    if (!std::filesystem::exists(run / "status.json", none)) return false;
    return Json::file(run / "status.json").whole("leased") > 0;
  }));
  return process;
}

TEST(Grace, LetsRunningTasksFinish) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm({"run", "spin", "--count", "40", "--wait", "--duration", "3", "--threads", "2",
                           "--batch", "1", "--grace", "60", "--run", path})};
  hold_until_running(process, path).signal(SIGTERM);
  expect_status(process.wait(), 75);
  const Json summary = summary_of(path);
  EXPECT_EQ(summary.whole("succeeded"), 2u) << "the two running tasks had a minute to finish";
  EXPECT_EQ(summary.whole("failed"), 0u);
}

TEST(Grace, OfTasksThatGoOnIsBounded) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const Workspace work;
    const std::string path = work / "run";
    Process process{on_ranks(ranks, {"run", "spin", "--count", "8", "--duration", "1000", "--threads", "2",
                                     "--grace", "0.5", "--run", path})};
    hold_until_running(process, path);
    ::kill(lock_holder(path), SIGTERM);
    expect_status(process.wait(), 75);
    EXPECT_EQ(summary_of(path).whole("failed"), 0u);
    EXPECT_EQ(summary_of(path).whole("succeeded"), 0u);
  }
}

Command deaf(int ranks, const std::string& path, const std::string& grace) {
  Command command = on_ranks(ranks, {"run", "deaf", "--count", "9", "--pause", "1000", "--threads", "2",
                                     "--grace", grace, "--run", path});
  for (std::string& argument : command.arguments)
    if (argument == program()) argument = unsteady_job();
  return command;
}

TEST(Grace, OfTasksThatAreDeafIsBounded) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const Workspace work;
    const std::string path = work / "run";
    Process process{deaf(ranks, path, "0.5")};
    hold_until_running(process, path);
    ::kill(lock_holder(path), SIGTERM);
    expect_status(process.wait(), 75);
    EXPECT_TRUE(wait_until([&] { return process.members().empty(); }));
    EXPECT_EQ(summary_of(path).whole("failed"), 0u);
    EXPECT_EQ(tally_journal(path).seals, 1u);
    EXPECT_FALSE(std::filesystem::exists(work / "run" / "lock"));
  }
}

TEST(Grace, IsOverAtTheSecondSignal) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const Workspace work;
    const std::string path = work / "run";
    Process process{deaf(ranks, path, "900")};
    hold_until_running(process, path);
    const pid_t master = lock_holder(path);
    ::kill(master, SIGTERM);
    ASSERT_TRUE(wait_until(
        [&] { return read_text(work / "run" / "log.txt").find("stopping") != std::string::npos; }));
    ::kill(master, SIGTERM);
    expect_status(process.wait(), 75);
    EXPECT_EQ(summary_of(path).text("status"), "unfinished");
  }
}

TEST(Signal, AtTheVeryStartIsNoTrap) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    const std::string path = work / "run";
    Process process{on_ranks(ranks, spin_run(path))};
    ASSERT_TRUE(wait_until([&] { return lock_holder(path) > 0; }));
    ::kill(lock_holder(path), SIGTERM);
    expect_status(process.wait(), 75);
    expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
    expect_undisturbed(path);
  }
}

}  // namespace
}  // namespace mpifarm::e2e

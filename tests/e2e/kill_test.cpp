// kill -9 of everything, at random moments: what was committed is not computed again, and the answer is the
// same.

#include <algorithm>
#include <csignal>
#include <random>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

constexpr unsigned seed = 20240229;

class KilledRun : public testing::TestWithParam<std::string> {};

// One run, killed ten times at random sizes of its journal, each time going on with another number of ranks.
TEST_P(KilledRun, TenTimesOnChangingRanks) {
  const Workspace work;
  const std::string path = work / "run";
  const std::vector<int> ranks{0, 3, 1, 2, 5, 0, 2, 3, 1, 4};
  std::mt19937 random{seed};
  std::uint64_t committed = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    SCOPED_TRACE("start " + std::to_string(i + 1) + " on " + std::to_string(ranks[i]) + " ranks");
    const Arguments start =
        i == 0 ? spin_run(path, {"--order", GetParam()}) : Arguments{"resume", path, "--threads", "1"};
    const std::uint64_t step = undisturbed().journal_size / 100 * (random() % 9);
    const std::uint64_t before = journal_bytes(path);
    Process process{on_ranks(ranks[i], start)};
    ASSERT_TRUE(wait_for_growth(process, path, before, 200 + step)) << process.wait().err;
    process.kill_all();
    const std::uint64_t now = status_of(path).whole("committed");
    EXPECT_GE(now, committed) << "outcomes were lost";
    committed = now;
    EXPECT_EQ(tally_journal(path).outcomes, committed);
  }
  ASSERT_LT(committed, spin_tasks) << "it was over too early to be killed";
  expect_status(run(mpirun(3, {"resume", path, "--threads", "2"})), 0);
  expect_undisturbed(path);
  EXPECT_EQ(summary_of(path).whole("resumed"), committed);
  EXPECT_EQ(summary_of(path).whole("starts"), ranks.size() + 1);
}

INSTANTIATE_TEST_SUITE_P(Orders, KilledRun, testing::Values("fifo", "shuffle"),
                         [](const auto& order) { return order.param; });

TEST(Killed, AsSoonAsTheDirectoryIsThere) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    const std::string path = work / "run";
    Process process{on_ranks(ranks, spin_run(path))};
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(path); }));
    process.kill_all();
    expect_status(run(mpirun(2, {"resume", path, "--threads", "4"})), 0);
    expect_undisturbed(path);
  }
}

TEST(Killed, WithSyncDurability) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpirun(2, spin_run(path, {"--durability", "sync"}))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 100));
  process.kill_all();
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

TEST(Killed, RetriesGoOnCounting) {
  const Workspace work;
  const std::string path = work / "run";
  const Arguments job{"run",   "spin",        "--count", "600",       "--wait", "--duration",
                      "0.003", "--fail-rate", "0.4",     "--retries", "3",      "--run"};
  ASSERT_LE(run(mpifarm(job + Arguments{work / "whole", "--threads", "8"})).status, 1);
  {
    Process process{mpirun(2, job + Arguments{path, "--threads", "1"})};
    ASSERT_TRUE(wait_for_outcomes(process, path, 100));
  }
  expect_status(run(mpirun(3, {"resume", path})), run(mpifarm({"resume", work / "whole"})).status);
  EXPECT_EQ(digest_of(path), digest_of(work / "whole"));
  EXPECT_TRUE(results_of(path) == results_of(work / "whole"));
  const JournalTally journal = tally_journal(path);
  EXPECT_EQ(journal.outcomes, 600u);
  EXPECT_FALSE(journal.repeated);
  EXPECT_EQ(summary_of(path).whole("total_attempts"), journal.outcomes + journal.failed_attempts);
}

TEST(Killed, RanksLeaveWhenTheirLauncherDies) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpirun(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  process.signal(SIGKILL);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); }));
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  expect_undisturbed(path);
}

TEST(Killed, AWorkerRankEndsTheRunButLosesNothing) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpirun(3, spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  for (const pid_t member : process.members())
    if (member != process.id() && member != lock_holder(path)) {
      ::kill(member, SIGKILL);
      break;
    }
  EXPECT_FALSE(process.wait().late) << "it hangs";
  expect_status(run(mpirun(2, {"resume", path, "--threads", "4"})), 0);
  expect_undisturbed(path);
}

TEST(Resume, OfACompleteRunComputesNothing) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    const std::string path = work / "run";
    const Ended first = run(mpifarm({"run", "squares", "--to", "100", "--run", path}));
    const std::string summary = read_text(work / "run" / "summary.json");
    const std::string journal = read_text(work / "run" / "journal");
    const Ended again = run(on_ranks(ranks, {"resume", path}));
    expect_status(again, 0);
    EXPECT_EQ(again.out, first.out);
    EXPECT_EQ(read_text(work / "run" / "summary.json"), summary);
    EXPECT_EQ(read_text(work / "run" / "journal"), journal);
    EXPECT_EQ(csv_rows(results_of(path)).size(), 101u);
    EXPECT_FALSE(std::filesystem::exists(work / "run" / "lock"));
  }
}

TEST(Resume, OfACompleteRunWithFailedTasksStillSaysSo) {
  const Workspace work;
  const Arguments job{"run", "squares", "--from", "3037000499", "--to", "3037000502", "--run", work / "run"};
  expect_status(run(mpifarm(job)), 1);
  expect_status(run(mpifarm({"resume", work / "run"})), 1);
}

TEST(Resume, BringsBackResultsThatWereLost) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "100", "--run", path})), 0);
  const std::string results = results_of(path);
  std::filesystem::remove(work / "run" / "results.csv");
  expect_status(run(mpifarm({"resume", path})), 0);
  EXPECT_EQ(results_of(path), results);
}

// All is committed and sealed, but the last files were not written.
TEST(Resume, BringsBackASummaryThatWasNotWritten) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "100", "--run", path})), 0);
  const std::string digest = digest_of(path);
  for (const char* name : {"summary.json", "results.csv", "status.json"})
    std::filesystem::remove(work / "run" / name);
  expect_status(run(mpifarm({"resume", path})), 0);
  ASSERT_TRUE(std::filesystem::exists(work / "run" / "summary.json"));
  EXPECT_EQ(digest_of(path), digest);
  EXPECT_EQ(status_of(path).text("status"), "complete");
}

}  // namespace
}  // namespace mpifarm::e2e

// `run --continue`, and what must not have changed since a run began.

#include <fmt/format.h>

#include <csignal>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;

TEST(Continue, StartsAndThenResumes) {
  const Workspace work;
  const std::string path = work / "run";
  const Arguments start = spin_run(path, {"--continue"});
  {
    Process process{mpirun(2, start)};
    ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  }
  const std::uint64_t committed = tally_journal(path).outcomes;
  expect_status(run(mpirun(3, start)), 0);
  EXPECT_EQ(summary_of(path).whole("resumed"), committed);
  expect_undisturbed(path);
  const Ended again = run(mpifarm(start));
  expect_status(again, 0);
  EXPECT_EQ(again.out, undisturbed().conclusion);
  expect_undisturbed(path);
}

class Changed : public testing::TestWithParam<int> {
 protected:
  Changed() { EXPECT_EQ(run(mpifarm(original_)).status, 0); }

  Ended go_on(const Arguments& job, const Arguments& more = {}) const {
    return run(on_ranks(GetParam(), Arguments{"run"} + job + Arguments{"--continue", "--run", run_} + more));
  }

  const Workspace work_;
  const std::string run_ = work_ / "run";
  const Arguments job_{"squares", "--to", "30"};
  const Arguments original_ =
      Arguments{"run"} + job_ + Arguments{"--seed", "5", "--order", "lifo", "--retries", "1", "--run", run_};
};

TEST_P(Changed, NothingIsNoReasonToRefuse) {
  expect_status(go_on(job_), 0);
  expect_status(go_on(job_, {"--seed", "5", "--order", "lifo", "--retries", "1"}), 0);
  expect_status(go_on(job_, {"--threads", "1", "--batch", "3"}), 0);
}

TEST_P(Changed, ParamsAreRefusedByName) {
  expect_refused(go_on({"squares", "--to", "31"}), {"params changed", "--to", "30", "31"});
  expect_refused(go_on({"squares", "--to", "30", "--from", "-1"}), {"params changed", "--from", "0", "-1"});
}

TEST_P(Changed, JobIsRefusedByName) { expect_refused(go_on({"pi"}), {"job changed", "squares", "pi"}); }

TEST_P(Changed, SeedAndOrderAreRefusedByName) {
  expect_refused(go_on(job_, {"--seed", "6"}), {"--seed changed", "5", "6"});
  expect_refused(go_on(job_, {"--order", "fifo"}), {"--order changed", "lifo", "fifo"});
  expect_refused(go_on(job_, {"--durability", "none"}), {"--durability changed", "batch", "none"});
}

INSTANTIATE_TEST_SUITE_P(Ranks, Changed, testing::Values(0, 3));

// Flags that a resume would not heed are not passed over in silence.
TEST(Continue, HeedsOrRefusesEveryFlag) {
  const Workspace work;
  const std::string path = work / "run";
  const Arguments job{"run", "squares", "--from", "3037000499", "--to", "3037000502", "--run", path};
  expect_status(run(mpifarm(job)), 1);
  const Ended jsonl = run(mpifarm(job + Arguments{"--continue", "--results", "jsonl"}));
  EXPECT_TRUE(jsonl.status == 2 || fs::exists(work / "run" / "results.jsonl")) << "--results was ignored";
  const Ended retries = run(mpifarm(job + Arguments{"--continue", "--retries", "7"}));
  EXPECT_TRUE(retries.status == 2 || Json::file(work / "run" / "run.json").whole("retries") == 7)
      << "--retries was ignored";
}

Command unsteady(const Arguments& arguments, const std::map<std::string, std::string>& environment) {
  return Command{Arguments{unsteady_job()} + arguments, environment};
}

TEST(ChangedSource, OfIndexedTasksIsRefused) {
  const Workspace work;
  const std::string path = work / "run";
  {
    Process process{unsteady({"run", "unsteady", "--pause", "0.01", "--threads", "1", "--run", path},
                             {{"UNSTEADY_SIZE", "1000"}})};
    ASSERT_TRUE(wait_until([&] { return journal_bytes(path) > 1000; }));
  }
  expect_refused(run(unsteady({"resume", path, "--quiet"}, {{"UNSTEADY_SIZE", "999"}})),
                 {"source changed", "1000 tasks -> 999"});
  expect_refused(run(unsteady({"resume", path}, {{"UNSTEADY_SIZE", "1000"}, {"UNSTEADY_FIRST", "1"}})),
                 {"source changed"});
  expect_refused(run(mpifarm({"resume", path})), {"no job \"unsteady\""});
  expect_status(run(unsteady({"resume", path, "--threads", "50"}, {{"UNSTEADY_SIZE", "1000"}})), 0);
}

// Small files, committed soon, and then some that take long.
class ChangedTree : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directory(tree_);
    for (int i = 0; i < small_files; ++i) write_text(tree_ / fmt::format("a{}", 100 + i), "x");
    for (const char* name : {"z1", "z2"}) resize(name, std::uintmax_t{2} << 30);
    Process process{mpifarm({"run", "checksum", "--path", tree_, "--threads", "1", "--run", run_})};
    ASSERT_TRUE(wait_for_outcomes(process, run_, 1));
    process.kill_all();
  }

  void resize(const std::string& name, std::uintmax_t bytes) const {
    write_text(tree_ / name, "");
    fs::resize_file(tree_ / name, bytes);
  }
  Ended resume(int ranks = 0) const { return run(on_ranks(ranks, {"resume", run_, "--quiet"})); }

  static constexpr int small_files = 100;
  const Workspace work_;
  const std::string run_ = work_ / "run";
  const fs::path tree_ = work_ / "tree";
};

TEST_F(ChangedTree, WithoutAFileIsRefused) {
  fs::rename(tree_ / "a150", work_ / "a150");
  expect_refused(resume(), {"source changed", "task 50", "a151"});
  expect_refused(resume(3), {"source changed", "task 50", "a151"});
  fs::rename(work_ / "a150", tree_ / "a150");
  expect_status(resume(3), 0);
  EXPECT_EQ(summary_of(run_).whole("tasks"), small_files + 2u);
}

TEST_F(ChangedTree, WithAFileMoreIsRefused) {
  write_text(tree_ / "a0", "");
  expect_refused(resume(), {"source changed", "task 0", "a0"});
  fs::remove(tree_ / "a0");
  write_text(tree_ / "zz", "");
  expect_refused(resume(), {"source changed", "zz"});
}

TEST_F(ChangedTree, WithAFileOfOtherContentsIsRefusedByName) {
  write_text(tree_ / "a107", "y");
  expect_refused(resume(), {"source changed", "task 7", "a107"});
}

TEST_F(ChangedTree, ThatIsGoneIsRefused) {
  fs::rename(tree_, work_ / "elsewhere");
  expect_refused(resume(), {tree_, "No such file"});
  fs::rename(work_ / "elsewhere", tree_);
  expect_status(resume(), 0);
}

}  // namespace
}  // namespace mpifarm::e2e

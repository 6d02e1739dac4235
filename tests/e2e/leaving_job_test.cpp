// Jobs whose own code ends the process that it runs in, or changes its directory.

#include <fmt/format.h>

#include <tuple>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const auto said = AllOf(HasSubstr("ended"), HasSubstr("exit"));

class Leaving : public testing::Test {
 protected:
  // `leaving_job run ...` in the test's directory.
  Command job(int ranks, const std::string& place, const std::string& manner, const Arguments& more) const {
    const std::string name = place == "tasks" ? "leaving_list" : "leaving";
    return leaving(ranks, Arguments{"run", name, "--place", place, "--manner", manner} + more);
  }
  Command leaving(int ranks, const Arguments& arguments) const {
    Command command = on_ranks(ranks, arguments);
    *std::ranges::find(command.arguments, program()) = leaving_job();
    command.directory = work_.path();
    return command;
  }
  // With the trouble switched off.
  Ended resume(const std::string& path, int ranks = 0) const {
    Command command = leaving(ranks, {"resume", path});
    command.environment["LEAVING_OFF"] = "1";
    return run(command);
  }
  void expect_complete(const std::string& path) const {
    EXPECT_EQ(summary_of(work_ / path).text("status"), "complete");
    EXPECT_EQ(summary_of(work_ / path).whole("succeeded"), 20u);
    EXPECT_EQ(csv_rows(results_of(work_ / path)).size(), 21u);
    EXPECT_FALSE(tally_journal(work_ / path).repeated) << "a task has two outcomes";
  }

  const Workspace work_;
};

class LeavingBy : public Leaving, public testing::WithParamInterface<std::tuple<std::string, std::string>> {};

TEST_P(LeavingBy, ItsProcessIsSaidAndResumable) {
  const auto& [place, manner] = GetParam();
  for (const std::string isolation : {"auto", "thread"}) {
    SCOPED_TRACE(isolation);
    const Ended ended = run(job(0, place, manner, {"--run", isolation, "--quiet", "--isolate", isolation}));
    expect_status(ended, 3);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(own_lines(ended), Contains(said).Times(1)) << ended.err;
    const Ended resumed = resume(isolation);
    expect_status(resumed, 0);
    EXPECT_EQ(resumed.out, "sum: 190\n");
    expect_complete(isolation);
  }
}

TEST_P(LeavingBy, ARankNeverSucceeds) {
  const auto& [place, manner] = GetParam();
  const Ended ended = run(job(2, place, manner, {"--run", "ranks", "--batch", "1"}));
  EXPECT_FALSE(ended.late) << "it hangs";
  EXPECT_NE(ended.status, 0);
  EXPECT_THAT(own_lines(ended), Contains(said)) << ended.err;
  EXPECT_THAT(ended.out, Not(HasSubstr("sum")));
  expect_status(resume("ranks", 2), 0);
  expect_complete("ranks");
}

INSTANTIATE_TEST_SUITE_P(Places, LeavingBy,
                         testing::Combine(testing::Values("compute", "tasks", "reduce", "conclude"),
                                          testing::Values("exit_0", "exit_1", "quick_exit_0")),
                         [](const auto& both) {
                           return std::get<0>(both.param) + "_" + std::get<1>(both.param);
                         });

TEST_F(Leaving, ALaunchedRankNeverSucceeds) {
  for (const std::string place : {"compute", "tasks", "conclude"}) {
    SCOPED_TRACE(place);
    const Ended ended = run(leaving(
        0, {"launch", "-n", "2", "--relaunch", "1", "--", place == "tasks" ? "leaving_list" : "leaving",
            "--place", place, "--manner", "exit_0", "--run", place, "--batch", "1"}));
    EXPECT_FALSE(ended.late) << "it hangs";
    EXPECT_NE(ended.status, 0);
    EXPECT_FALSE(own_lines(ended).empty()) << "it is silent";
  }
}

// With recovery, as `launch` asks for: the other rank goes on, and the task is tried again in a process.
TEST_F(Leaving, AWorkerCostsItsTaskAtMost) {
  Command command = job(3, "compute", "exit_0", {"--run", "run", "--batch", "1", "--master-slots", "0"});
  command.environment["OMPI_MCA_orte_enable_recovery"] = "1";
  const Ended ended = run(command);
  EXPECT_FALSE(ended.late) << "it hangs";
  EXPECT_FALSE(own_lines(ended).empty()) << "it is silent";
  ASSERT_TRUE(fs::exists(work_ / "run/summary.json"));
  EXPECT_EQ(summary_of(work_ / "run").whole("lost_ranks"), 1u);
  EXPECT_EQ(summary_of(work_ / "run").whole("succeeded"), 19u);
}

TEST_F(Leaving, AnIsolatedChildIsACrashedTask) {
  for (const int ranks : {0, 2})
    for (const std::string manner : {"exit_0", "exit_1", "quick_exit_0"}) {
      SCOPED_TRACE(fmt::format("{} on {}", manner, ranks));
      const std::string path = fmt::format("{}{}", manner, ranks);
      expect_status(run(job(ranks, "compute", manner, {"--run", path, "--isolate", "process"})), 1);
      const std::vector<Row> rows = csv_rows(results_of(work_ / path));
      EXPECT_EQ(rows.at(11).at(1), "crashed");
      EXPECT_EQ(summary_of(work_ / path).whole("succeeded"), 19u);
      EXPECT_EQ(summary_of(work_ / path).whole("lost_ranks"), 0u);
    }
}

// Rank 0 reduces in its own process, whatever its tasks run in.
TEST_F(Leaving, InTheReductionOfIsolatedTasksIsSaid) {
  const Ended ended = run(job(0, "reduce", "exit_0", {"--run", "run", "--isolate", "process"}));
  expect_status(ended, 3);
  EXPECT_THAT(own_lines(ended), Contains(said).Times(1)) << ended.err;
  expect_status(resume("run"), 0);
  expect_complete("run");
}

TEST_F(Leaving, InAMergeIsSaid) {
  Arguments merge{"merge"};
  for (const std::string number : {"1", "2"}) {
    expect_status(run(job(0, "conclude", "exit_0", {"--run", number, "--shard", number + "/2"})), 0);
    merge.push_back(number);
  }
  Command command = leaving(0, merge + Arguments{"--run", "whole"});
  const Ended ended = run(command);
  expect_status(ended, 3);
  EXPECT_THAT(own_lines(ended), Contains(said)) << ended.err;
  command.environment["LEAVING_OFF"] = "1";
  expect_status(run(command), 0);
  EXPECT_EQ(summary_of(work_ / "whole").whole("succeeded"), 20u);
}

class ChangedDirectory : public Leaving, public testing::WithParamInterface<std::string> {
 protected:
  static Arguments isolated(bool is) { return {"--isolate", is ? "process" : "thread"}; }
};

TEST_P(ChangedDirectory, LeavesTheRunWhereItIs) {
  const std::string place = GetParam();
  for (const int ranks : {0, 2})
    for (const bool isolation : {false, true})
      for (const std::string format : {"csv", "jsonl", "sqlite"}) {
        if (ranks > 0 && format != "csv") continue;
        SCOPED_TRACE(fmt::format("{} on {}, isolated {}", format, ranks, isolation));
        const std::string path = fmt::format("{}{}{}", format, ranks, isolation);
        const Ended ended = run(
            job(ranks, place, "chdir", Arguments{"--run", path, "--results", format} + isolated(isolation)));
        expect_status(ended, 0);
        EXPECT_EQ(ended.out, "sum: 190\n");
        EXPECT_EQ(summary_of(work_ / path).text("status"), "complete");
        EXPECT_EQ(summary_of(work_ / path).whole("succeeded"), 20u);
        EXPECT_TRUE(fs::exists(work_ / path / ("results." + format)));
        EXPECT_FALSE(fs::exists("/" + path));
      }
}

TEST_P(ChangedDirectory, LeavesARunWithoutANameWhereItIs) {
  expect_status(run(job(0, GetParam(), "chdir", {})), 0);
  ASSERT_TRUE(fs::exists(work_ / "runs"));
  const std::vector<std::string> names = names_in(work_ / "runs");
  ASSERT_EQ(names.size(), 1u);
  expect_complete("runs/" + names[0]);
}

TEST_P(ChangedDirectory, LeavesAResumedRunWhereItIs) {
  const std::string place = GetParam();
  Arguments slow{"--run", "run", "--pause", "0.05", "--threads", "1", "--batch", "1", "--count", "40"};
  {
    Process process{job(0, place, "chdir", slow)};
    ASSERT_TRUE(wait_for_outcomes(process, work_ / "run", 3));
    process.kill_all();
  }
  expect_status(run(leaving(0, {"resume", "run", "--threads", "8"})), 0);
  EXPECT_EQ(summary_of(work_ / "run").whole("succeeded"), 40u);
}

INSTANTIATE_TEST_SUITE_P(Places, ChangedDirectory, testing::Values("compute", "tasks", "reduce", "conclude"),
                         [](const auto& place) { return place.param; });

TEST_F(Leaving, ItsDirectoryForAListOrAMergeIsNoTrouble) {
  std::string list = "n\n";
  for (int n = 0; n < 20; ++n) list += fmt::format("{}\n", n);
  write_text(work_ / "list.csv", list);
  expect_status(run(job(0, "compute", "chdir",
                        {"--tasks", "list.csv", "--run", "listed", "--threads", "1", "--batch", "1"})),
                0);
  expect_complete("listed");
  Arguments merge{"merge"};
  for (const std::string number : {"1", "2"}) {
    expect_status(run(job(0, "reduce", "chdir", {"--run", number, "--shard", number + "/2"})), 0);
    merge.push_back(number);
  }
  expect_status(run(leaving(0, merge + Arguments{"--run", "whole"})), 0);
  EXPECT_EQ(summary_of(work_ / "whole").whole("succeeded"), 20u);
  EXPECT_TRUE(fs::exists(work_ / "whole/results.csv"));
}

}  // namespace
}  // namespace mpifarm::e2e

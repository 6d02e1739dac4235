// Tasks that crash, never end, eat memory or leave processes behind: they fail, and nothing else does.

#include <csignal>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

constexpr std::uint64_t trouble_tasks = 10'000;
constexpr std::uint64_t poison = 4711;

Arguments trouble_run(const std::string& run, const std::string& manner, const Arguments& more) {
  return Arguments{"run",      "trouble",
                   "--count",  std::to_string(trouble_tasks),
                   "--poison", std::to_string(poison),
                   "--manner", manner,
                   "--run",    run} +
         more;
}

Command trouble(int ranks, const Arguments& arguments, bool recovery = true) {
  Command command = mpirun(ranks, arguments);
  *std::ranges::find(command.arguments, program()) = trouble_job();
  if (recovery) command.environment["OMPI_MCA_orte_enable_recovery"] = "1";
  command.deadline = std::chrono::seconds{120};
  return command;
}

Command trouble_alone(const Arguments& arguments) { return Command{Arguments{trouble_job()} + arguments}; }

// All but the poisoned task succeeded, which has this status and a message with these parts.
void expect_one_bad(const std::string& run, const std::string& status,
                    const std::vector<std::string>& parts) {
  const Json summary = summary_of(run);
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.whole("succeeded"), trouble_tasks - 1);
  EXPECT_EQ(summary.whole("failed"), 1u);
  const JournalTally journal = tally_journal(run);
  EXPECT_EQ(journal.outcomes, trouble_tasks);
  EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
  const std::vector<Row> rows = csv_rows(results_of(run));
  ASSERT_EQ(rows.size(), trouble_tasks + 1);
  for (std::size_t i = 1; i < rows.size(); ++i)
    if (i != poison + 1) {
      ASSERT_EQ(rows[i].at(1), "succeeded") << rows[i].at(0);
    }
  const Row& bad = rows[poison + 1];
  EXPECT_EQ(bad.at(1), status);
  for (const std::string& part : parts) EXPECT_NE(bad.back().find(part), std::string::npos) << bad.back();
}

const std::string descriptor = "{\"n\":4711,\"note\":\"task 4711\"}";

struct Manner {
  std::string name;
  Arguments flags;
  std::string status;
  std::vector<std::string> parts;
};

class IsolatedTask : public testing::TestWithParam<Manner> {};

TEST_P(IsolatedTask, FailsAloneOnThreeRanks) {
  const Manner& manner = GetParam();
  const Workspace work;
  const std::string path = work / "run";
  Process process{trouble(3, trouble_run(path, manner.name, manner.flags), false)};
  const Ended ended = process.wait();
  expect_status(ended, 1);
  expect_one_bad(path, manner.status, manner.parts);
  EXPECT_EQ(summary_of(path).whole("lost_ranks"), 0u);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

INSTANTIATE_TEST_SUITE_P(
    Manners, IsolatedTask,
    testing::Values(
        Manner{"segv", {"--isolate", "process"}, "crashed", {"signal 11 (Segmentation fault)", descriptor}},
        Manner{"abort", {"--isolate", "process"}, "crashed", {"signal 6 (Aborted)", descriptor}},
        Manner{"exit", {"--isolate", "process"}, "crashed", {"status 3", descriptor}},
        Manner{"loop", {"--timeout", "0.5"}, "timed out", {"no end within", descriptor}},
        Manner{"leave_and_loop", {"--timeout", "0.5"}, "timed out", {descriptor}},
        Manner{"bomb", {"--timeout", "0.5"}, "timed out", {descriptor}},
        Manner{"flood", {"--timeout", "0.5"}, "timed out", {descriptor}},
        Manner{"hog", {"--memory", "300M"}, "failed", {"out of memory"}},
        Manner{"throw", {"--isolate", "process"}, "failed", {"it threw"}}),
    [](const auto& manner) { return manner.param.name; });

TEST(Isolation, IsNoWayToLeaveProcessesBehind) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{trouble(2, trouble_run(path, "leave", {"--isolate", "process", "--every", "100"}), false)};
  expect_status(process.wait(), 0);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST(Isolation, LeavesTheLaunchersVariablesBehind) {
  const Workspace work;
  expect_status(
      run(trouble(2, trouble_run(work / "run", "environment", {"--isolate", "process", "--every", "1"}))), 0);
}

TEST(Isolation, GivesTheResultsOfThreads) {
  const Workspace work;
  expect_status(run(trouble(3, trouble_run(work / "processes", "none", {"--isolate", "process"}))), 0);
  expect_status(run(trouble_alone(trouble_run(work / "threads", "none", {}))), 0);
  EXPECT_EQ(digest_of(work / "processes"), digest_of(work / "threads"));
  EXPECT_TRUE(results_of(work / "processes") == results_of(work / "threads"));
}

TEST(Isolation, OnThreadsATimeoutAsksTheTaskToStop) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(trouble_alone(trouble_run(path, "heed", {"--isolate", "thread", "--timeout", "0.2"}))),
                1);
  expect_one_bad(path, "timed out", {"asked to stop"});
}

TEST(Isolation, CrashesAreTriedAgainAsOftenAsAsked) {
  const Workspace work;
  const auto attempts = [&](const std::string& run_name, const Arguments& flags) {
    const std::string path = work / run_name;
    expect_status(run(trouble_alone(trouble_run(path, "segv", Arguments{"--isolate", "process"} + flags))),
                  1);
    return summary_of(path).whole("attempts") - trouble_tasks + 1;
  };
  EXPECT_EQ(attempts("usual", {}), 2u);
  EXPECT_EQ(attempts("one", {"--crash-limit", "1"}), 1u);
  EXPECT_EQ(attempts("five", {"--crash-limit", "5", "--retries", "1"}), 5u);
}

// On threads the first crash costs a rank: the task, and whatever else was there, is isolated from then on.
TEST(PoisonTask, CostsAtMostOneRank) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{trouble(4, trouble_run(path, "segv", {"--master-slots", "0", "--pause", "0.0005"}))};
  const Ended ended = process.wait();
  EXPECT_FALSE(ended.late) << ended.err;
  expect_one_bad(path, "crashed", {"signal 11", descriptor});
  EXPECT_EQ(summary_of(path).whole("lost_ranks"), 1u);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST(PoisonTask, OfRankZeroCostsItOnce) {
  const Workspace work;
  const std::string path = work / "run";
  Process first{trouble_alone(trouble_run(path, "segv", {}))};
  EXPECT_EQ(first.wait().status, 128 + SIGSEGV);
  ASSERT_TRUE(wait_until([&] { return first.members().empty(); })) << "its helper is left";
  ASSERT_TRUE(std::filesystem::exists(path + "/suspects"));
  const Ended second = run(trouble_alone({"resume", path}));
  expect_status(second, 1);
  EXPECT_NE(second.err.find("rank 0 was computing when it ended"), std::string::npos) << second.err;
  expect_one_bad(path, "crashed", {"signal 11", descriptor});
  EXPECT_FALSE(std::filesystem::exists(path + "/suspects"));
}

TEST(PoisonTask, IsOutlivedByALaunchedRun) {
  const Workspace work;
  const std::string path = work / "run";
  Arguments arguments = trouble_run(path, "kill", {});
  arguments.erase(arguments.begin());
  Command command = trouble_alone(Arguments{"launch", "-n", "3", "--"} + arguments);
  command.deadline = std::chrono::seconds{120};
  Process process{command};
  expect_status(process.wait(), 1);
  expect_one_bad(path, "crashed", {"signal 9", descriptor});
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST(Isolation, RefusesWhatCannotBe) {
  const Workspace work;
  const auto refused = [&](const Arguments& flags, const std::vector<std::string>& parts) {
    expect_refused(run(trouble_alone(trouble_run(work / "run", "none", flags))), parts);
    EXPECT_TRUE(work.names().empty()) << flags.back();
  };
  refused({"--timeout", "-1"}, {"--timeout", "out of range", "\"-1\""});
  refused({"--timeout", "0"}, {"--timeout", "out of range"});
  refused({"--timeout", "soon"}, {"--timeout", "\"soon\""});
  refused({"--memory", "12 elephants"}, {"--memory", "12 elephants"});
  refused({"--memory", "100K"}, {"--memory", "less than the job takes"});
  refused({"--memory", "1G", "--isolate", "thread"}, {"--memory", "--isolate thread"});
  refused({"--isolate", "container"}, {"--isolate", "container"});
  refused({"--crash-limit", "0"}, {"--crash-limit", "out of range"});
  refused({"--ballast", "200000000", "--memory", "100M"}, {"--memory", "less than the job takes"});
}

TEST(IsolatedTask, FailsAloneUnderACallerThatIgnoresItsChildren) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(
      run(under_a_careless_caller(trouble_alone(trouble_run(path, "segv", {"--isolate", "process"})))), 1);
  expect_one_bad(path, "crashed", {"killed by signal 11"});
}

}  // namespace
}  // namespace mpifarm::e2e

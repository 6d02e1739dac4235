// The commands that compute nothing: help, version, list, describe, status, and runs that are dry.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string said(const Arguments& arguments) {
  const Ended ended = run(mpifarm(arguments));
  expect_status(ended, 0);
  EXPECT_EQ(ended.err, "");
  return ended.out;
}

TEST(Help, IsThereForEveryCommand) {
  EXPECT_THAT(said({"--help"}),
              AllOf(HasSubstr("run JOB"), HasSubstr("resume RUN"), HasSubstr("status RUN"),
                    HasSubstr("results RUN"), HasSubstr("list"), HasSubstr("describe JOB")));
  EXPECT_THAT(said({"run", "--help"}), HasSubstr("--durability"));
  EXPECT_THAT(said({"run", "squares", "--help"}), AllOf(HasSubstr("--from"), HasSubstr("--threads")));
  EXPECT_THAT(said({"resume", "--help"}), HasSubstr("--threads"));
  EXPECT_THAT(said({"status", "--help"}), HasSubstr("--json"));
  EXPECT_THAT(said({"results", "--help"}), HasSubstr("--format"));
  EXPECT_THAT(said({"list", "--help"}), HasSubstr("list"));
  EXPECT_THAT(said({"describe", "--help"}), HasSubstr("describe"));
}

TEST(Help, NamesEveryFlagOfARun) {
  const std::string help = said({"run", "squares", "--help"});
  for (const char* flag : {"--run", "--continue", "--threads", "--master-slots", "--batch", "--prefetch",
                           "--order", "--seed", "--retries", "--retry-delay", "--durability", "--results",
                           "--grace", "--nice", "--dry-run", "--quiet", "-v", "--from", "--to"})
    EXPECT_THAT(help, HasSubstr(flag));
}

TEST(CommandLine, MayComeInAnyOrder) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "--threads", "1", "--quiet", "squares", "--run", path, "--to", "9"})), 0);
  EXPECT_EQ(said({"status", "--json", path}), said({"status", path, "--json"}));
  EXPECT_EQ(said({"results", "--format", "jsonl", path}), said({"results", path, "--format", "jsonl"}));
  EXPECT_EQ(said({"results", "--status=failed", path}), said({"results", path, "--status", "failed"}));
  expect_status(run(mpifarm({"resume", "--threads", "1", path})), 0);
  expect_status(run(mpifarm({"resume", "--quiet", "--grace=3", path})), 0);
}

TEST(Version, NamesMpiBoostAndBuild) {
  EXPECT_THAT(said({"--version"}),
              AllOf(HasSubstr(std::string{"mpifarm "} + MPIFARM_VERSION), HasSubstr("MPI"),
                    HasSubstr("Boost"), HasSubstr("build"), HasSubstr("compiler")));
}

TEST(List, HasEveryJobWithItsSummary) {
  const std::vector<std::string> lines = lines_of(said({"list"}));
  for (const char* job : {"checksum", "logscan", "mandelbrot", "pi", "spin", "squares"})
    EXPECT_THAT(lines, testing::Contains(testing::MatchesRegex(std::string{job} + " +[A-Z].+")));
}

TEST(Describe, ShowsFlagsTaskFieldsAndResultFields) {
  EXPECT_THAT(said({"describe", "squares"}),
              AllOf(HasSubstr("--from"), HasSubstr("--to"), HasSubstr("(10000)"), HasSubstr("square"),
                    HasSubstr("task fields"), HasSubstr("result fields"), HasSubstr("indexed")));
  const std::string checksum = said({"describe", "checksum"});
  EXPECT_THAT(checksum, AllOf(HasSubstr("--path"), HasSubstr("many times"), HasSubstr("sequential")));
  EXPECT_THAT(lines_of(checksum), testing::Contains(testing::MatchesRegex("  bytes +integer +\\(0\\)")))
      << "a task's field, its type and its default";
  EXPECT_THAT(said({"describe", "spin"}), HasSubstr("constant|uniform|lognormal|pareto"));
}

TEST(Simulate, SaysHowWellAClusterIsFed) {
  const Arguments cluster{"simulate",         "--nodes", "20",         "--slots",         "8",
                          "--count",          "3000",    "--duration", "lognormal:0.1,1", "--master-cost",
                          "1.5,0.2,0.01,0.03"};
  const std::string text = said(cluster);
  for (const char* part : {"makespan", "% efficient", "master", "memory", "one master is the limit"})
    EXPECT_THAT(text, HasSubstr(part));
  const std::string json = said(cluster + Arguments{"--json"});
  EXPECT_EQ(said(cluster + Arguments{"--json"}), json) << "a function of its flags";
  EXPECT_THAT(json, AllOf(HasSubstr("\"efficiency\""), HasSubstr("\"shortest_mean_seconds\""),
                          HasSubstr("\"tasks\": 3000")));
  EXPECT_NE(said(cluster + Arguments{"--json", "--seed", "1"}), json);
}

TEST(DryRun, SaysWhatWouldRunAndMakesNothing) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    Command command =
        on_ranks(ranks, {"run", "squares", "--from", "5", "--to", "9", "--dry-run", "--run", work / "run"});
    command.directory = work.path();
    const Ended ended = run(command);
    expect_status(ended, 0);
    EXPECT_THAT(ended.out, AllOf(HasSubstr("squares"), HasSubstr("\"to\":9"), HasSubstr("{\"n\":5}"),
                                 HasSubstr(ranks == 0 ? "1 rank" : "3 ranks")));
    EXPECT_EQ(lines_of(ended.out).size(), 7u) << "said more than once:\n" << ended.out;
    EXPECT_TRUE(work.names().empty());
  }
}

TEST(DryRun, RefusesWhatARunWouldRefuse) {
  const Workspace work;
  expect_refused(run(mpifarm({"run", "squares", "--from", "5", "--to", "4", "--dry-run"})), {"--to"});
  expect_refused(run(mpifarm({"run", "checksum", "--path", "/no/such", "--dry-run"})), {"/no/such"});
}

class Status : public testing::Test {
 protected:
  Arguments spin(const std::string& count) const {
    return {"run",   "spin",      "--count", count,   "--wait", "--duration",
            "0.002", "--threads", "2",       "--run", run_};
  }

  const Workspace work_;
  const std::string run_ = work_ / "run";
};

TEST_F(Status, OfACompleteRunIsItsSummary) {
  expect_status(run(mpifarm(spin("20"))), 0);
  EXPECT_EQ(said({"status", run_, "--json"}), read_text(work_ / "run" / "summary.json"));
  EXPECT_THAT(said({"status", run_}), AllOf(HasSubstr("spin complete: 20 of 20 tasks"),
                                            HasSubstr(digest_of(run_)), Not(HasSubstr("resume"))));
}

TEST_F(Status, OfALiveRunSaysWhoHoldsIt) {
  Process process{mpifarm(spin("100000"))};
  ASSERT_TRUE(wait_for_outcomes(process, run_, 10));
  const Json status = status_of(run_);
  EXPECT_EQ(status.text("status"), "running");
  EXPECT_EQ(status.text("job"), "spin");
  EXPECT_EQ(status.whole("tasks"), 100000u);
  EXPECT_GE(status.whole("committed"), 10u);
  EXPECT_EQ(status.whole("failed"), 0u);
  EXPECT_THAT(said({"status", run_}), AllOf(HasSubstr("process " + std::to_string(process.id())),
                                            HasSubstr("of 100000 tasks"), Not(HasSubstr("mpifarm resume"))));
}

TEST_F(Status, OfAKilledRunIsWhatTheJournalHas) {
  {
    Process process{mpirun(2, spin("100000"))};
    ASSERT_TRUE(wait_for_outcomes(process, run_, 10));
  }
  const Json status = status_of(run_);
  EXPECT_EQ(status.text("status"), "unfinished");
  EXPECT_EQ(status.whole("committed"), tally_journal(run_).outcomes);
  EXPECT_EQ(status.whole("tasks"), 100000u);
  EXPECT_THAT(said({"status", run_}), HasSubstr("mpifarm resume " + run_));
}

TEST_F(Status, OfAStoppedRunSaysHowToCarryOn) {
  Process process{mpifarm(spin("100000"))};
  ASSERT_TRUE(wait_for_outcomes(process, run_, 10));
  process.signal(SIGTERM);
  expect_status(process.wait(), 75);
  EXPECT_EQ(status_of(run_).text("status"), "unfinished");
  EXPECT_THAT(said({"status", run_}), HasSubstr("mpifarm resume " + run_));
}

}  // namespace
}  // namespace mpifarm::e2e

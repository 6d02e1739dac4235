// How a run ends before it is complete because somebody wants it so, and how what failed is tried again.

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

Command trouble(const Arguments& arguments) { return Command{Arguments{trouble_job()} + arguments}; }

Arguments trouble_run(const std::string& run, const Arguments& more) {
  return Arguments{"run", "trouble", "--count", "1000", "--threads", "2", "--run", run} + more;
}

TEST(Stop, EndsALiveRunAsASignalDoes) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    const std::string path = work / "run";
    Process process{on_ranks(ranks, spin_run(path))};
    ASSERT_TRUE(wait_for_outcomes(process, path, 50));
    const Ended asked = run(mpifarm({"stop", path}));
    expect_status(asked, 0);
    EXPECT_NE(asked.out.find("asked to stop: process"), std::string::npos) << asked.out;
    expect_status(process.wait(), 75);
    EXPECT_EQ(tally_journal(path).seals, 1u);
    EXPECT_FALSE(std::filesystem::exists(work / "run" / "stop"));
    expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
    expect_undisturbed(path);
  }
}

TEST(Stop, OfWhatIsNotLiveIsRefused) {
  const Workspace work;
  const std::string path = work / "run";
  expect_refused(run(mpifarm({"stop", path})), {path, "no such run"});
  expect_status(run(mpifarm({"run", "squares", "--to", "9", "--run", path})), 0);
  expect_refused(run(mpifarm({"stop", path})), {path, "not live"});
  expect_refused(run(mpifarm({"stop"})), {"RUN"});
  write_text(work / "run" / "stop", "");  // of a start that had no time to see it
  expect_status(run(mpifarm({"resume", path})), 0);
}

TEST(Halt, SoonEndsWithTheTasksThatRun) {
  const Workspace work;
  const std::string path = work / "run";
  const Ended ended = run(trouble(trouble_run(path, {"--poison", "10", "--every", "10", "--manner", "throw",
                                                     "--pause", "0.002", "--halt", "soon,fail=3"})));
  expect_status(ended, 1);
  EXPECT_NE(ended.err.find("halting: "), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("mpifarm resume " + path), std::string::npos) << ended.err;
  const Json summary = summary_of(path);
  EXPECT_EQ(summary.text("status"), "unfinished");
  EXPECT_GE(summary.whole("failed"), 3u);
  EXPECT_LT(summary.whole("succeeded"), 900u);
  EXPECT_EQ(tally_journal(path).seals, 1u);
  expect_status(run(trouble({"resume", path, "--halt", "never"})), 1);
  EXPECT_EQ(summary_of(path).text("status"), "complete");
  EXPECT_EQ(summary_of(path).whole("failed"), 99u);
}

TEST(Halt, NowEndsRunningTasksToo) {
  const Workspace work;
  const std::string path = work / "run";
  // Task 0 heeds a stop and nothing else; it is given back.
  const Ended ended = run(trouble(trouble_run(path, {"--poison", "0", "--manner", "heed", "--batch", "1",
                                                     "--halt", "now,fail=1", "--fails", "500"})));
  expect_status(ended, 1);
  EXPECT_FALSE(ended.late);
  const Json summary = summary_of(path);
  EXPECT_EQ(summary.text("status"), "unfinished");
  EXPECT_EQ(summary.whole("failed"), 1u);
}

TEST(Halt, ByPercentAndNeverAtAll) {
  const Workspace work;
  const Arguments bad{"--poison", "500", "--every", "1", "--manner", "throw"};
  expect_status(run(trouble(trouble_run(work / "half", bad + Arguments{"--halt", "soon,fail=60%"}))), 1);
  EXPECT_EQ(summary_of(work / "half").text("status"), "complete") << "half of them fail, not 60 %";
  expect_status(run(trouble(trouble_run(work / "fifth", bad + Arguments{"--halt", "soon,fail=20%"}))), 1);
  EXPECT_EQ(summary_of(work / "half").whole("failed"), 500u);
  expect_refused(run(trouble(trouble_run(work / "refused", {"--halt", "sometimes"}))),
                 {"--halt", "sometimes"});
}

// What rank 1 takes a minute for, an idle slot elsewhere does at once; the run does not wait for the loser.
TEST(Tail, IsRacedByCopies) {
  const Workspace work;
  const std::string path = work / "run";
  Command command = mpirun(3, trouble_run(path, {"--poison", "0", "--every", "1", "--manner",
                                                 "slow_on_rank_1", "--pause", "0.001"}));
  *std::ranges::find(command.arguments, program()) = trouble_job();
  Process process{command};
  const Ended ended = process.wait();
  expect_status(ended, 0);
  const Json summary = summary_of(path);
  EXPECT_EQ(summary.whole("succeeded"), 1000u);
  EXPECT_LT(summary.number("wall_seconds"), 50);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

TEST(Redo, ComputesAnewWhatFailed) {
  for (const char* order : {"fifo", "shuffle"}) {
    const Workspace work;
    const std::string path = work / "run";
    const std::string sign = work / "sign";
    expect_status(run(trouble(trouble_run(path, {"--poison", "7", "--every", "13", "--manner",
                                                 "until:" + sign, "--order", order}))),
                  1);
    const std::uint64_t failed = summary_of(path).whole("failed");
    EXPECT_EQ(failed, 77u);
    expect_status(run(trouble({"resume", path})), 1);
    EXPECT_EQ(summary_of(path).whole("failed"), failed) << "a plain resume leaves them";
    expect_status(run(trouble({"resume", path, "--redo", "failed"})), 1);
    EXPECT_EQ(summary_of(path).whole("failed"), failed) << "they failed again";
    EXPECT_EQ(summary_of(path).whole("attempts"), failed);
    write_text(sign, "");
    const Ended ended = run(trouble({"resume", path, "--redo", "failed"}));
    expect_status(ended, 0);
    EXPECT_NE(ended.err.find("computed anew: 77 tasks"), std::string::npos) << ended.err;
    EXPECT_EQ(status_of(path).whole("failed"), 0u);

    expect_status(run(trouble(trouble_run(work / "other", {"--order", order}))), 0);
    EXPECT_EQ(digest_of(path), digest_of(work / "other"));
    EXPECT_TRUE(results_of(path) == results_of(work / "other"));
    const Ended again = run(trouble({"resume", path, "--redo", "failed"}));
    expect_status(again, 0);
    EXPECT_NE(again.err.find("no task has failed"), std::string::npos) << again.err;
  }
}

TEST(Redo, OfAListGoesThroughTheListAgain) {
  const Workspace work;
  const std::string path = work / "run", sign = work / "sign";
  std::string list = "n,note\n";
  for (int n = 0; n < 300; ++n) list += std::to_string(n) + ",note " + std::to_string(n) + "\n";
  write_text(work / "list.csv", list);
  const Arguments flags{"run",     "trouble", "--tasks",  work / "list.csv", "--poison", "3",
                        "--every", "50",      "--manner", "until:" + sign,   "--run",    path};
  expect_status(run(trouble(flags)), 1);
  EXPECT_EQ(summary_of(path).whole("failed"), 6u);
  write_text(sign, "");
  expect_status(run(trouble({"resume", path, "--redo", "failed"})), 0);
  EXPECT_EQ(summary_of(path).whole("succeeded"), 300u);
  expect_refused(run(trouble({"resume", path, "--redo", "everything"})), {"--redo", "everything"});
}

TEST(Token, ThatIsEmptyIsRefused) {
  for (const int ranks : {0, 2}) {
    const Workspace work;
    Command command = on_ranks(ranks, {"run", "squares", "--to", "9", "--run", work / "run"});
    command.environment["MPIFARM_TOKEN"] = "";
    expect_refused(run(command), {"MPIFARM_TOKEN", "\"\""});
    EXPECT_TRUE(work.names().empty());
  }
}

}  // namespace
}  // namespace mpifarm::e2e

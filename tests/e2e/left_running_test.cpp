// Processes that a command of `exec` leaves behind: they may finish its output, are ended then, and that is
// said.

#include <fmt/format.h>

#include <csignal>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const auto said = AllOf(HasSubstr("left"), HasSubstr("--output-wait"));

class LeftRunning : public ExecRun {
 protected:
  // Each command writes `hello N` and `bye`, all of it through other processes.
  static constexpr int many = 30;
  static Arguments over_many(const Arguments& words) {
    return Arguments{"--threads", "2", "--param", fmt::format("n=1..{}", many)} + words;
  }
  static std::string wanted() {
    std::string text;
    for (int n = 1; n <= many; ++n) text += fmt::format("hello {}\nbye\n", n);
    return text;
  }
  void expect_files(const std::string& name) const {
    for (int n = 1; n <= many; ++n) {
      const std::string file = name + std::to_string(n);
      EXPECT_EQ(exists(file) ? read_text(work_ / file) : "", fmt::format("hello {}\nbye\n", n)) << file;
    }
  }
  // How many processes were ended after each command.
  std::vector<std::string> left() const { return cells("left_running"); }
  void expect_nothing_left(const Ended& ended) const {
    EXPECT_THAT(left(), Each("0"));
    EXPECT_EQ(summary_of(path_).whole("left_running"), 0u);
    EXPECT_THAT(own_lines(ended), testing::Not(Contains(said)));
  }
  // `script` is one line of sh that leaves a process which nobody waits for.
  Ended leaving(const std::string& script, const Arguments& flags = {}, int ranks = 0) const {
    return expect_run(Arguments{"--threads", "1", "--batch", "1", "--param", "n=1,2"} + flags +
                          Arguments{"--shell", "--", script},
                      0, ranks);
  }
  double wall_seconds() const { return summary_of(path_).number("wall_seconds"); }
};

// A way in which a command's output goes through a process that outlives it.
struct Way {
  std::string name;
  Arguments words;
  bool to_stdout, to_files;
};

class DrainedBy : public LeftRunning, public testing::WithParamInterface<Way> {};

TEST_P(DrainedBy, IsKeptToItsEnd) {
  const Way& way = GetParam();
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    const Ended ended = expect_run(over_many(way.words), 0, ranks);
    EXPECT_EQ(output(), way.to_stdout ? wanted() : "");
    if (way.to_files) expect_files("w");
    expect_nothing_left(ended);
    for (int n = 1; n <= many; ++n) std::filesystem::remove(work_ / fmt::format("w{}", n));
  }
}

const std::string write_both = "echo hello {n}; echo bye";

INSTANTIATE_TEST_SUITE_P(
    Ways, DrainedBy,
    testing::Values(
        Way{"tee", {"--", "bash", "-c", "exec > >(tee w{n}) 2>&1; " + write_both}, true, true},
        Way{"slow_tee", {"--", "bash", "-c", "exec > >(sleep 0.02; tee w{n}); " + write_both}, true, true},
        Way{"chain", {"--", "bash", "-c", "exec > >(cat | tee w{n} | cat); " + write_both}, true, true},
        Way{"file_only",
            {"--", "bash", "-c", "exec > >(cat > w{n} 2>/dev/null); " + write_both},
            false,
            true},
        Way{"slow_file_only",
            {"--", "bash", "-c", "exec > >(sleep 0.15; cat > w{n}) 2>/dev/null; " + write_both},
            false,
            true},
        Way{"coprocess",
            {"--", "bash", "-c",
             "coproc (sleep 0.02; cat > w{n}) 2>/dev/null; exec >&${{COPROC[1]}}; " + write_both},
            false,
            true},
        Way{"fifo",
            {"--shell", "--",
             "p=fifo.$$; mkfifo $p; (sleep 0.02; cat > w{n}) < $p 2>/dev/null & exec > $p; rm $p; " +
                 write_both},
            false,
            true},
        Way{"background", {"--shell", "--", "(sleep 0.02; echo hello {n}; echo bye) &"}, true, false},
        Way{"own_session",
            {"--shell", "--", "setsid sh -c 'sleep 0.02; echo hello '{n}'; echo bye' &"},
            true,
            false}),
    [](const auto& way) { return way.param.name; });

TEST_F(LeftRunning, KeepsItsEndWhereverItIsKept) {
  const Arguments words{"--", "bash", "-c", "exec > >(tee w{n}) 2>&1; " + write_both};
  in_run("files");
  expect_nothing_left(expect_run(over_many(Arguments{"--output", "files"} + words)));
  EXPECT_EQ(output(), wanted());
  in_run("streamed");
  const Ended streamed = expect_run(over_many(Arguments{"--stream", "--quiet"} + words));
  for (int n = 1; n <= many; ++n) EXPECT_THAT(lines_of(streamed.out), Contains("hello " + std::to_string(n)));
  in_run("launched");
  Command launch = mpifarm(Arguments{"launch", "-n", "2", "--", "exec", "--run", path_} + over_many(words));
  launch.directory = work_.path();
  expect_nothing_left(run(launch));
  EXPECT_EQ(output(), wanted());
}

TEST_F(LeftRunning, KeepsTheEndOfWhatFails) {
  expect_run(
      {"--param", "n=1..20", "--", "bash", "-c",
       "exec > >(sleep 0.02; tee w{n}) 2> >(sleep 0.02; cat >&2); echo hello {n}; echo no {n} >&2; exit 3"},
      1);
  for (int n = 1; n <= 20; ++n) {
    EXPECT_EQ(output({std::to_string(n - 1)}), fmt::format("hello {}\n", n));
    EXPECT_EQ(output({std::to_string(n - 1), "--stderr"}), fmt::format("no {}\n", n));
  }
  EXPECT_THAT(cells("message").at(7), HasSubstr("no 8"));
}

TEST_F(LeftRunning, IsWaitedForInAResumedRunToo) {
  const Arguments job{"--threads", "2",       "--batch",
                      "1",         "--param", "n=1..40",
                      "--shell",   "--",      "(sleep 0.1; echo late {n}) & echo soon {n}"};
  {
    Process process{exec(0, job)};
    ASSERT_TRUE(wait_for_outcomes(process, path_, 5));
    process.kill_all();
  }
  expect_status(run(mpifarm({"resume", path_})), 0);
  std::string all;
  for (int n = 1; n <= 40; ++n) all += fmt::format("soon {}\nlate {}\n", n, n);
  EXPECT_EQ(output(), all);
}

TEST_F(LeftRunning, MayFinishWithinTheWait) {
  const Ended ended = leaving("sleep 0.6 && echo done > f{n} &");
  for (const char* name : {"f1", "f2"}) EXPECT_EQ(exists(name) ? read_text(work_ / name) : "", "done\n");
  expect_nothing_left(ended);
  for (const std::string& seconds : cells("seconds")) EXPECT_LT(std::stod(seconds), 0.5) << "of the wait";
}

TEST_F(LeftRunning, IsEndedAfterTheWaitAndThatIsSaidOnce) {
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    Command command = exec(ranks, {"--threads", "1", "--batch", "1", "--param", "n=1..6", "--output-wait",
                                   "700ms", "--shell", "--", "[ {n} = 2 ] || sleep 1000 & echo {n}"});
    Process process{command};
    const Ended ended = process.wait();
    expect_status(ended, 0);
    EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
    const std::vector<Row> rows = csv_rows(results_of(path_));
    EXPECT_EQ(rows.at(0).at(rows[0].size() - 2), "left_running") << "the last column before the message";
    EXPECT_THAT(left().at(1), "0");
    EXPECT_THAT(left(), Contains(testing::Ne("0")).Times(5));
    EXPECT_EQ(summary_of(path_).whole("left_running"), 5u);
    EXPECT_THAT(own_lines(ended), Contains(said).Times(1));
    EXPECT_EQ(output(), "1\n2\n3\n4\n5\n6\n");
    for (const std::string& seconds : cells("seconds")) EXPECT_LT(std::stod(seconds), 0.6) << "of the wait";
  }
}

TEST_F(LeftRunning, CountsItsProcesses) {
  leaving("sleep 1000 & sleep 1000 & setsid sleep 1000 & :", {"--output-wait", "200ms"});
  EXPECT_THAT(left(), ElementsAre("3", "3"));
  EXPECT_EQ(summary_of(path_).whole("left_running"), 2u) << "commands, not processes";
}

TEST_F(LeftRunning, ThatWritesNothingForTheCommandGetsAnInstant) {
  const Ended ended = leaving("sleep 1000 < /dev/null > /dev/null 2>&1 &", {"--output-wait", "30s"});
  EXPECT_LT(wall_seconds(), 10);
  EXPECT_THAT(left(), ElementsAre("1", "1"));
  EXPECT_THAT(own_lines(ended), Contains(said).Times(1));
}

TEST_F(LeftRunning, IsNotWaitedForWhenTheWaitIsZero) {
  const Ended ended = leaving("sleep 1000 &", {"--output-wait", "0"});
  EXPECT_LT(wall_seconds(), 4);
  EXPECT_THAT(left(), ElementsAre("1", "1"));
  EXPECT_THAT(own_lines(ended), Contains(said).Times(1));
}

TEST_F(LeftRunning, IsNotWaitedForAfterATimeout) {
  Process process{exec(0, {"--param", "n=1", "--timeout", "0.3", "--output-wait", "1h", "--shell", "--",
                           "setsid sleep 1000 & trap 'exit 0' TERM; while :; do sleep 0.02; done"})};
  const Ended ended = process.wait();
  expect_status(ended, 1);
  EXPECT_LT(wall_seconds(), 15);
  EXPECT_THAT(cells("status"), ElementsAre("timed out"));
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
}

// The time of a command that has ended is over no more.
TEST_F(LeftRunning, CountsForNoTimeout) {
  leaving("(sleep 0.7; echo late {n}) & echo {n}", {"--timeout", "0.4"});
  EXPECT_EQ(output(), "1\nlate 1\n2\nlate 2\n");
  EXPECT_THAT(cells("status"), Each("succeeded"));
}

TEST_F(LeftRunning, IsNotWaitedForWhenTheRunIsStopped) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    std::filesystem::remove(work_ / "up");
    Process process{exec(ranks, {"--threads", "1", "--batch", "1", "--param", "n=1..9", "--output-wait", "1h",
                                 "--grace", "0.2", "--shell", "--", "sleep 1000 & echo {n} >> up"})};
    ASSERT_TRUE(wait_until([&] { return !noted("up").empty() || !process.running(); }));
    const pid_t master = lock_holder(path_);
    ASSERT_GT(master, 0) << "it did not wait";
    ::kill(master, SIGTERM);
    expect_status(process.wait(), 75);
    EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
    EXPECT_EQ(summary_of(path_).whole("failed"), 0u);
  }
}

TEST_F(LeftRunning, IsNotWaitedForWhenTheRunHalts) {
  const Ended ended = expect_run({"--threads", "2", "--batch", "1", "--param", "n=1..9", "--output-wait",
                                  "1h", "--halt", "now,fail=1", "--shell", "--",
                                  "if [ {n} = 1 ]; then sleep 1000 & echo > up; exit 0; fi; "
                                  "until [ -e up ]; do sleep 0.02; done; sleep 0.1; exit 1"},
                                 1);
  EXPECT_LT(wall_seconds(), 30) << ended.err;
}

// Ten in a row that were waited for in vain are enough.
TEST_F(LeftRunning, IsWaitedForNoLongerOnceItNeverWrites) {
  std::filesystem::copy("/bin/sleep", work_ / "stubborn");
  const Ended ended = expect_run({"--threads", "1", "--batch", "1", "--param", "n=1..24", "--output-wait",
                                  "600ms", "--shell", "--", "./stubborn 1000 & echo {n}"});
  EXPECT_GT(wall_seconds(), 6.0);
  EXPECT_LT(wall_seconds(), 12.0) << "24 full waits take 14 s, ten and 14 short ones 9 s";
  EXPECT_THAT(own_lines(ended), Contains(HasSubstr("stubborn")));
  EXPECT_THAT(left(), Each("1"));
}

TEST_F(LeftRunning, IsWaitedForAsLongAsItWrites) {
  const Ended ended = expect_run({"--threads", "1", "--batch", "1", "--param", "n=1..12", "--output-wait",
                                  "400ms", "--shell", "--", "(sleep 0.3; echo late {n}; sleep 1000) &"});
  std::string wanted;
  for (int n = 1; n <= 12; ++n) wanted += fmt::format("late {}\n", n);
  EXPECT_EQ(output(), wanted);
  EXPECT_GT(wall_seconds(), 12 * 0.4);
}

TEST_F(LeftRunning, IsNoPartOfTheAnswer) {
  leaving("sleep 1000 & echo {n}", {"--output-wait", "0"});
  const std::string digest = digest_of(path_);
  in_run("again");
  leaving("sleep 1000 & echo {n}", {"--output-wait", "300ms"});
  EXPECT_EQ(digest_of(path_), digest);
}

TEST_F(LeftRunning, TakesDurationsAndNothingElse) {
  const Arguments job{"--param", "n=1", "--", "true"};
  for (const std::string wait : {"0", "90", "500ms", "5s", "10m", "2h"})
    expect_status(run(exec(0, Arguments{"--dry-run", "--output-wait", wait} + job)), 0);
  for (const std::string wait : {"-1", "much", "5x", "s", "5 5", "nan"})
    refused(Arguments{"--output-wait", wait} + job, {"--output-wait"});
}

TEST_F(LeftRunning, IsNothingUsually) {
  expect_nothing_left(expect_run({"--param", "n=1..50", "--", "true"}));
  in_run("pipe");
  expect_nothing_left(expect_run({"--param", "n=1..50", "--shell", "--", "echo {n} | cat | cat"}));
}

}  // namespace
}  // namespace mpifarm::e2e

// `run exec`: programs as tasks, their output, and what is refused.

#include <sys/stat.h>

#include <csignal>
#include <map>
#include <set>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Exec : public ExecRun {};

TEST_F(Exec, RunsEveryCombination) {
  expect_run({"--param", "n=1..2", "--param", "m=a,b", "--", "echo", "{n:03d}-{m}", "{{}}"});
  EXPECT_EQ(output(), "001-a {}\n001-b {}\n002-a {}\n002-b {}\n");
  EXPECT_EQ(output({"2"}), "002-a {}\n");
  EXPECT_THAT(cells("command"),
              ElementsAre("echo 001-a '{}'", "echo 001-b '{}'", "echo 002-a '{}'", "echo 002-b '{}'"));
}

TEST_F(Exec, RunsPairs) {
  expect_run({"--link", "--param", "n=1..2", "--param", "m=a,b", "--", "echo", "{n}{m}"});
  EXPECT_EQ(output(), "1a\n2b\n");
}

TEST_F(Exec, RunsOverFiles) {
  std::filesystem::create_directories(work_ / "data/deep");
  for (const char* name : {"data/a.nc", "data/deep/b.x.nc", "data/c.txt"}) write_text(work_ / name, "");
  expect_run(
      {"--files", "data/**/*.nc", "--param", "k=1,2", "--", "echo", "{path} {name} {stem} {ext} {dir} {k}"});
  EXPECT_EQ(output(),
            "data/a.nc a.nc a nc data 1\ndata/a.nc a.nc a nc data 2\n"
            "data/deep/b.x.nc b.x.nc b.x nc data/deep 1\ndata/deep/b.x.nc b.x.nc b.x nc data/deep 2\n");
}

TEST_F(Exec, RunsTheLinesOfAList) {
  write_text(work_ / "list", "# a comment\n\ntrue\necho plain  words\necho \"$((1 + 1))\" | cat\nexit 3\r\n");
  expect_run({"--commands", "list"}, 1);
  EXPECT_EQ(output(), "plain words\n2\n");
  EXPECT_THAT(cells("exit_status"), ElementsAre("0", "0", "0", "3"));
  EXPECT_THAT(cells("status"), ElementsAre("succeeded", "succeeded", "succeeded", "failed"));
  EXPECT_THAT(cells("command"),
              ElementsAre("true", "echo plain words", "echo \"$((1 + 1))\" | cat", "exit 3"));
}

TEST_F(Exec, ReadsTheListFromAPipe) {
  Command command = shell(0, "printf 'echo 1\\necho 2\\n' | $MPIFARM run exec --commands - --run " + path_);
  expect_status(run(command), 0);
  EXPECT_EQ(output(), "1\n2\n");
}

// Whatever is in them.
TEST_F(Exec, GivesValuesUnchanged) {
  const std::vector<std::string> values{"two words",   "\"q\" 'q'", "$(rm -rf x) `x` $HOME",
                                        "-n",          "--help",    "",
                                        "line\nbreak", "*",         "\\n",
                                        "über",        "{n}",       "a;b|c>d"};
  std::string table = "value\n";
  for (const std::string& value : values) {
    table += '"';
    for (const char c : value) table += c == '"' ? "\"\"" : std::string(1, c);
    table += "\"\n";
  }
  write_text(work_ / "table.csv", table + std::string(100'000, 'x') + "\n");
  for (const bool by_shell : {false, true}) {
    path_ = work_ / (by_shell ? "shell" : "direct");
    if (by_shell)
      expect_run({"--tasks", "table.csv", "--shell", "--", "printf '%s\\n' {value}"});
    else
      expect_run({"--tasks", "table.csv", "--", "printf", "%s\\n", "{value}"});
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(output({std::to_string(i)}), values[i] + "\n") << i;
    EXPECT_EQ(output({std::to_string(values.size())}), std::string(100'000, 'x') + "\n");
  }
}

TEST_F(Exec, SaysWhereACommandRuns) {
  std::filesystem::create_directory(work_ / "there");
  write_text(work_ / "in", "from a file");
  expect_run(
      {"--param", "n=5", "--chdir", "there", "--env", "N={n}", "--input", (work_ / "in").string(), "--shell",
       "--", "pwd; echo $N $MPIFARM_TASK_ID $MPIFARM_ATTEMPT $MPIFARM_SLOT $MPIFARM_RANK $MPIFARM_RUN; cat"});
  EXPECT_EQ(output(), (work_ / "there").string() + "\n5 0 1 0 0 " + path_ + "\nfrom a file");
}

TEST_F(Exec, TakesTextAsStandardInput) {
  expect_run({"--param", "n=1,2", "--input-text", "number {n}", "--", "cat"});
  EXPECT_EQ(output(), "number 1number 2");
}

TEST_F(Exec, KeepsWhatFailedCommandsSaid) {
  expect_run({"--param", "n=0..5", "--success", "0,4", "--shell", "--",
              "echo out {n}; echo first >&2; echo wrong {n} >&2; [ {n} = 5 ] && kill -9 $$; exit {n}"},
             1);
  EXPECT_THAT(cells("exit_status"), ElementsAre("0", "1", "2", "3", "4", "137"));
  EXPECT_THAT(cells("signal"), ElementsAre("0", "0", "0", "0", "0", "9"));
  EXPECT_THAT(cells("message"),
              ElementsAre("", "exit status 1: wrong 1", "exit status 2: wrong 2", "exit status 3: wrong 3",
                          "", "killed by signal 9 (Killed): wrong 5"));
  EXPECT_EQ(output({"--failed"}), "out 1\nout 2\nout 3\nout 5\n");
  EXPECT_EQ(output({"--stderr", "5"}), "first\nwrong 5\n");
  const Ended json = run(mpifarm({"results", path_, "--format", "jsonl", "--status", "failed"}));
  EXPECT_THAT(lines_of(json.out).at(0), HasSubstr(R"("message":"exit status 1: wrong 1","command":)"));
}

TEST_F(Exec, ProgramsThatAreNotThereFailAlone) {
  write_text(work_ / "list", "true\nno-such-program x\n/etc/passwd\n");
  expect_run({"--commands", "list"}, 1);
  EXPECT_THAT(cells("exit_status"), ElementsAre("0", "127", "126"));
  EXPECT_THAT(cells("message"),
              ElementsAre("", "no-such-program: command not found", "/etc/passwd: cannot be executed"));
}

TEST_F(Exec, KeepsNoMoreThanTheLimit) {
  expect_run(
      {"--param", "n=1", "--output-limit", "1000", "--shell", "--", "head -c 5000 /dev/zero | tr '\\0' x"});
  EXPECT_EQ(output(), std::string(1000, 'x'));
  EXPECT_THAT(cells("stdout_bytes"), ElementsAre("5000"));
}

TEST_F(Exec, KeepsMuchInBoundedMemory) {
  const Ended ended =
      run(exec(2, {"--param", "n=0..299", "--shell", "--",
                   "seq {n} 1000000000 | head -c 1000000; seq {n} 1000000000 | head -c 1000 >&2"}));
  expect_status(ended, 0);
  EXPECT_LT(ended.peak_kilobytes, 100'000);
  for (const int task : {0, 7, 299}) {
    std::string wanted;
    for (int line = task; wanted.size() < 1'000'000; ++line) wanted += std::to_string(line) + "\n";
    EXPECT_TRUE(output({std::to_string(task)}) == wanted.substr(0, 1'000'000)) << task;
    EXPECT_EQ(output({std::to_string(task), "--stderr"}), wanted.substr(0, 1000)) << task;
  }
  EXPECT_EQ(names_in(path_ + "/output").size(), 2u) << "a pack for each rank";
}

TEST_F(Exec, EndsACommandWithAllThatItStartedWhenItsTimeIsOver) {
  Process process{exec(
      0, {"--param", "n=1", "--timeout", "0.5", "--shell", "--",
          "setsid sleep 1000 & sleep 1000 & trap 'echo asked; exit 0' TERM; echo begun; wait; sleep 1000"})};
  expect_status(process.wait(), 1);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  EXPECT_THAT(cells("status"), ElementsAre("timed out"));
  EXPECT_EQ(output(), "begun\nasked\n");
}

TEST_F(Exec, IsTheSameOnAnyNumberOfRanks) {
  const Arguments job{"--param", "n=1..40", "--shell", "--", "echo {n}; [ $(({n} % 10)) != 0 ]"};
  expect_status(run(exec(4, job)), 1);
  const std::string digest = digest_of(path_), wanted = output();
  path_ = work_ / "alone";
  expect_run(job, 1);
  EXPECT_EQ(digest_of(path_), digest);
  EXPECT_EQ(output(), wanted);
}

TEST_F(Exec, SlotsOfAHostHaveNumbersOfTheirOwn) {
  Command command = exec(2, {"--threads", "2", "--batch", "1", "--param", "n=1..40", "--", "sleep", "0.05"});
  expect_status(run(command), 0);
  std::vector<std::string> slots = cells("slot");
  std::ranges::sort(slots);
  slots.erase(std::ranges::unique(slots).begin(), slots.end());
  EXPECT_THAT(slots, ElementsAre("0", "1", "2", "3"));
}

TEST_F(Exec, CommandsDieWithTheirRankAndRunElsewhere) {
  Command command = exec(3, {"--batch", "1", "--param", "n=1..60", "--", "sleep", "0.1"});
  command.environment["OMPI_MCA_orte_enable_recovery"] = "1";
  Process process{command};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 5));
  ::kill(workers_of(process, path_).at(0), SIGKILL);
  expect_status(process.wait(), 0);
  EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  EXPECT_EQ(summary_of(path_).whole("lost_ranks"), 1u);
  const JournalTally journal = tally_journal(path_);
  EXPECT_EQ(journal.outcomes, 60u);
  EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
}

TEST_F(Exec, IsCarriedOn) {
  const Arguments job{"--batch", "1", "--param", "n=1..60", "--shell", "--", "sleep 0.05; echo {n}"};
  Process process{exec(0, job)};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 10));
  process.kill_all();
  process.wait();
  expect_status(run(mpifarm({"resume", path_})), 0);
  std::string wanted;
  for (int n = 1; n <= 60; ++n) wanted += std::to_string(n) + "\n";
  EXPECT_EQ(output(), wanted) << "of both starts";
}

TEST_F(Exec, RefusesWhatCannotRun) {
  write_text(work_ / "twice.csv", "a,a\n1,2\n");
  write_text(work_ / "few.csv", "a,b\n1,2\n3\n");
  write_text(work_ / "own.csv", "slot\n1\n");
  write_text(work_ / "word.csv", "a\nx\n");
  write_text(work_ / "nul", std::string{"echo a\0b\n", 9});
  const auto refused = [&](const Arguments& arguments, const std::vector<std::string>& parts) {
    expect_refused(run(exec(0, arguments)), parts);
    EXPECT_FALSE(std::filesystem::exists(path_)) << parts[0];
  };
  refused({"--param", "alpha=1", "--", "echo", "{alhpa}"}, {"no field {alhpa}", "did you mean alpha"});
  refused({"--param", "a=1", "--env", "X={b}", "--", "true"}, {"no field {b}", "task"});
  refused({"--param", "a=1", "--", "echo", "{a"}, {"word 2 of the command", "not closed"});
  refused({"--param", "a=1", "--", "echo", "a}"}, {"word 2 of the command", "not opened"});
  refused({"--param", "a=1:0:1", "--", "true"}, {"--param", "empty range", "a=1:0:1"});
  refused({"--param", "a=0:1:0", "--", "true"}, {"--param", "without end"});
  refused({"--param", "a=0:b:1", "--", "true"}, {"--param", "not of numbers"});
  refused({"--param", "a=x", "--", "echo", "{a:d}"}, {"{a:d}", "needs an integer", "x"});
  refused({"--param", "a=1", "--param", "a=2", "--", "true"}, {"field a", "more than once"});
  refused({"--param", "a=1", "--param", "b=1,2", "--link", "--", "true"}, {"--link", "a has 1, b has 2"});
  refused({"--param", "rank=1", "--", "true"}, {"--param rank"});
  refused({"--param", "a=1"}, {"no command", "behind --"});
  refused({"--", "true"}, {"nothing to run over"});
  refused({"--files", "*.none", "--", "true"}, {"--files", "*.none"});
  refused({"--commands", "missing"}, {"missing", "cannot be read"});
  refused({"--commands", "nul"}, {"nul, line 1", "NUL"});
  refused({"--commands", "few.csv", "--", "true"}, {"--commands", "few.csv"});
  refused({"--commands", "few.csv", "--tasks", "few.csv"}, {"--tasks", "--commands"});
  refused({"--tasks", "twice.csv", "--", "true"}, {"twice.csv, line 1", "column a"});
  refused({"--tasks", "few.csv", "--", "true"}, {"few.csv, line 3", "1 cells, the header 2"});
  refused({"--tasks", "own.csv", "--", "true"}, {"own.csv, line 1", "slot"});
  refused({"--tasks", "few.csv", "--", "echo", "{c}"}, {"few.csv, line 1", "no field {c}"});
  refused({"--tasks", "word.csv", "--", "echo", "{a:d}"}, {"word.csv, line 2", "needs an integer"});
  refused({"--param", "a=1", "--success", "0,256", "--", "true"}, {"--success", "0,256"});
  refused({"--param", "a=1", "--env", "X", "--", "true"}, {"--env", "\"X\""});
  refused({"--param", "a=1", "--output-limit", "much", "--", "true"}, {"--output-limit", "much"});
  refused({"--param", "a=1", "--kill-after", "-1", "--", "true"}, {"--kill-after"});
  refused({"--param", "a=1", "--input", "x", "--input-text", "y", "--", "true"}, {"--input", "--input-text"});
  refused({"--param", "a=1", "--shell", "--", "echo \"{a}\""},
          {"{a} stands inside quotes", "leave them out"});
  const std::vector<std::pair<std::string, std::string>> places{{"echo \\{a}", "behind a backslash"},
                                                                {"echo x # {a}", "in a comment"},
                                                                {"cat <<EOF\n{a}\nEOF", "behind <<"},
                                                                {"echo \"\\\" {a}", "inside quotes"},
                                                                {"echo `date {a}`", "inside quotes"}};
  for (const auto& [line, where] : places)
    refused({"--param", "a=1", "--shell", "--", line}, {"{a} stands " + where});
  for (const char* line : {"echo {a}#x # no more", "echo '#' {a}", "echo \\\\{a}", "echo x # y\n echo {a}"})
    expect_status(run(exec(0, {"--dry-run", "--param", "a=1", "--shell", "--", line})), 0);
  refused({"--param", "a=1", "--env", "X;Y=1", "--", "true"}, {"--env", "X;Y=1"});
  refused({"--param", "a=x", "--param", "b=1", "--", "echo", "{a:d}{b}"}, {"{a:d}", "needs an integer"});
  refused({"--param", "a=x", "--chdir", "{a:03d}", "--", "true"}, {"{a:03d}", "needs an integer"});
  refused({"--param", "a=1", "--isolate", "thread", "--", "true"}, {"exec", "--isolate"});
}

TEST_F(Exec, HasAJoblogAsGnuParallelWritesIt) {
  expect_run({"--param", "n=0,3", "--shell", "--", "printf abc; exit {n}"}, 1);
  const Ended ended = run(mpifarm({"results", path_, "--format", "joblog"}));
  const std::vector<std::string> lines = lines_of(ended.out);
  ASSERT_EQ(lines.size(), 3u) << ended.out;
  EXPECT_EQ(lines[0], "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand");
  EXPECT_THAT(lines[2],
              testing::MatchesRegex("2\t[^\t]+\t[0-9]+\\.[0-9]{3}\t +[0-9]+\\.[0-9]{3}\t0\t3\t3\t0\t"
                                    "printf abc; exit 3"));
}

TEST_F(Exec, SaysHowToRunATaskByHand) {
  std::filesystem::create_directory(work_ / "there");
  expect_run({"--param", "n=it's,2", "--chdir", "there", "--env", "N={n}", "--input-text", "in {n}",
              "--shell", "--", "pwd; cat; echo $N {n} $MPIFARM_TASK_ID; exit 3"},
             1);
  const Ended line = run(mpifarm({"retry-line", path_, "0"}));
  expect_status(line, 0);
  const Ended again = run(Command{{"/bin/sh", "-c", line.out}});
  EXPECT_EQ(again.status, 3);
  EXPECT_EQ(again.out, output({"0"}));
  EXPECT_EQ(again.out, (work_ / "there").string() + "\nin it'sit's it's 0\n");
  expect_refused(run(mpifarm({"retry-line", path_, "7"})), {"task 7", "no outcome"});
  expect_refused(run(mpifarm({"retry-line", path_})), {"a run and a task"});
}

TEST_F(Exec, IsLaunched) {
  Command command = mpifarm({"launch", "-n", "2", "--", "exec", "--param", "n=1..3", "--run", path_, "--",
                             "echo", "{n}", "--continue", "--run"});
  expect_status(run(command), 0);
  EXPECT_EQ(output(), "1 --continue --run\n2 --continue --run\n3 --continue --run\n");
  Command unnamed = mpifarm({"launch", "-n", "2", "--", "exec", "--param", "n=1..2", "--", "echo", "{n}"});
  unnamed.directory = work_ / "";
  expect_status(run(unnamed), 0);
  path_ = (work_ / "runs") / names_in(work_ / "runs").at(0);
  EXPECT_EQ(output(), "1\n2\n");
}

TEST_F(Exec, FindsProgramsWhereTheyRun) {
  std::filesystem::create_directories(work_ / "there/bin");
  for (const char* name : {"there/tool", "there/bin/other"}) {
    write_text(work_ / name, "echo here\n");  // no interpreter: the shell's
    std::filesystem::permissions(work_ / name, std::filesystem::perms::owner_all);
  }
  expect_run({"--param", "n=1", "--chdir", "there", "--", "./tool"});
  EXPECT_EQ(output(), "here\n");
  path_ = work_ / "other";
  expect_run({"--param", "n=1", "--env", "PATH=" + (work_ / "there/bin").string(), "--", "other"});
  EXPECT_EQ(output(), "here\n");
}

// Both are of one batch in one slot: the first does not wait for the second.
TEST_F(Exec, OutcomesDoNotWaitBehindALongCommand) {
  write_text(work_ / "list", "true\nuntil [ -e go ]; do sleep 0.02; done\n");
  Process process{exec(0, {"--threads", "1", "--batch", "2", "--commands", "list"})};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 1));
  write_text(work_ / "go", "");
  expect_status(process.wait(), 0);
}

TEST_F(Exec, RefusesAPipeAsInput) {
  ASSERT_EQ(mkfifo((work_ / "fifo").c_str(), 0600), 0);
  expect_run({"--param", "n=1", "--input", "fifo", "--", "cat"}, 1);
  EXPECT_THAT(read_text(path_ + "/results.csv"), HasSubstr("fifo could not be read"));
}

// The periods of the logistic map, as in the README.
TEST_F(Exec, SweepsThroughAKnownPicture) {
  write_text(work_ / "logistic.awk",
             "BEGIN {\n  x = 0.5\n  for (i = 0; i < 2000; ++i) x = r * x * (1 - x)\n"
             "  for (i = 0; i < 200; ++i) { x = r * x * (1 - x); print r, x }\n}\n");
  const Arguments sweep{"--param", "r=2.8:4:0.005", "--", "awk", "-v", "r={r}", "-f", "logistic.awk"};
  expect_run(sweep, 0, 2);
  std::map<std::string, std::set<std::string>> values;
  for (const std::string& line : lines_of(output())) {
    const std::size_t blank = line.find(' ');
    values[line.substr(0, blank)].insert(line.substr(blank + 1, 5));
  }
  EXPECT_EQ(values.size(), 241u);
  for (const auto& [r, period] :
       std::map<std::string, std::size_t>{{"2.9", 1}, {"3.2", 2}, {"3.5", 4}, {"3.55", 8}, {"3.83", 3}})
    EXPECT_EQ(values[r].size(), period) << r;
}

TEST_F(Exec, OutputIsOfCommandsAlone) {
  expect_refused(run(mpifarm({"output", path_})), {path_});
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", path_})), 0);
  expect_refused(run(mpifarm({"output", path_})), {"no output of commands", "squares"});
  path_ = work_ / "exec";
  expect_run({"--param", "n=1", "--", "true"});
  expect_refused(run(mpifarm({"output", path_, "5"})), {"task 5", "no outcome"});
  expect_refused(run(mpifarm({"output", path_, "x"})), {"TASK", "\"x\""});
  expect_refused(run(mpifarm({"output", path_, "0", "1"})), {"one task", "\"1\""});
  EXPECT_EQ(output(), "");
}

}  // namespace
}  // namespace mpifarm::e2e

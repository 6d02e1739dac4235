// Faults of `run exec` that are known and not mended yet: each test asks for the right outcome.

#include <algorithm>
#include <regex>
#include <set>

#include "support/exec_run.hpp"
#include "support/open_fault.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool says(const Ended& ended, const std::string& part) {
  return std::ranges::any_of(own_lines(ended), [&](const std::string& line) { return holds(line, part); });
}

const std::string replacement = "\xef\xbf\xbd";  // U+FFFD, which stands for bytes that were lost

class OpenFaultsExec : public ExecRun {
 protected:
  // Asks `mpifarm output` for a task; any status will do.
  Ended output_of(const std::string& task) const { return run(mpifarm({"output", path_, task})); }
};

class HalfWrittenOutput : public OpenFaultsExec {
 protected:
  // Kills a run while its command has written half of its output, then runs the same with --skip-existing.
  // Returns whether the output is whole then. `output` names what --outputs is given, `file` what is written.
  bool is_written_anew(const std::string& output, const std::string& file, const std::string& before = "true",
                       bool as_nobody = false) {
    const std::string line = before + "; echo half > " + file +
                             "; while [ -e hold ]; do echo >> begun; sleep 0.01; done; echo whole >> " + file;
    const Arguments job{"--param",         "n=1",     "--inputs", "in", "--outputs", output,
                        "--skip-existing", "--shell", "--",       line};
    for (const char* name : {"in", "hold"}) write_text(work_ / name, "");
    Command interrupted = exec(0, job);
    interrupted.as_nobody = as_nobody;
    Process process{interrupted};
    EXPECT_TRUE(wait_until([&] { return exists("begun") || !process.running(); }));
    process.kill_all();
    EXPECT_TRUE(fs::exists(path_ + "/run.json"));
    EXPECT_EQ(read_text(work_ / file), "half\n");
    fs::remove(work_ / "hold");
    in_run("second");
    Command again = exec(0, job);
    again.as_nobody = as_nobody;
    expect_status(run(again), 0);
    EXPECT_EQ(summary_of(path_).whole("succeeded"), 1u);
    return read_text(work_ / file) == "half\nwhole\n";
  }
};

// This control shows that the others fail because of where their output is.
TEST_F(HalfWrittenOutput, InTheWorkingFolderIsWrittenAnew) { EXPECT_TRUE(is_written_anew("o{n}", "o1")); }

TEST_F(HalfWrittenOutput, InAFolderThatTheCommandMakesIsWrittenAnew) {
  expect_still_open("A2", is_written_anew("new/o{n}", "new/o1", "mkdir -p new"));
}

TEST_F(HalfWrittenOutput, WithALongNameIsWrittenAnew) {
  const std::string name(250, 'x');
  expect_still_open("A2", is_written_anew(name, name));
}

TEST_F(HalfWrittenOutput, NamedWithASlashAtItsEndIsWrittenAnew) {
  expect_still_open("A2", is_written_anew("folder/", "folder/file", "mkdir -p folder"));
}

TEST_F(HalfWrittenOutput, InAFolderThatCannotBeWrittenIsWrittenAnew) {
  fs::create_directory(work_ / "locked");
  write_text(work_ / "locked/o1", "");
  fs::last_write_time(work_ / "locked/o1", fs::file_time_type::clock::now() - std::chrono::hours{1});
  fs::permissions(work_.path(), fs::perms::all);
  fs::permissions(work_ / "locked/o1", fs::perms::all);
  fs::permissions(work_ / "locked", fs::perms{0555});
  const bool right = is_written_anew("locked/o{n}", "locked/o1", "true", true);
  fs::permissions(work_ / "locked", fs::perms::all);
  expect_still_open("A2", right);
}

// Either all five lines are values, or the first one is refused for a header.
TEST_F(OpenFaultsExec, TheFirstLineOfAPlainListIsNotLost) {
  const Ended named =
      run(shell(0, "(echo n; seq 5) | $MPIFARM run exec --tasks - --run " + path_ + " -- echo {n}"));
  expect_status(named, 0);
  EXPECT_EQ(output(), "1\n2\n3\n4\n5\n");
  in_run("plain");
  const Ended plain = run(shell(0, "seq 5 | $MPIFARM run exec --tasks - --run " + path_ + " -- echo {1}"));
  const bool refused = plain.status == 2 && says(plain, "header") && !fs::exists(path_);
  const bool all_run = plain.status == 0 && output() == "1\n2\n3\n4\n5\n";
  expect_still_open("A4", refused || all_run);
}

class CrashedTask : public OpenFaultsExec {
 protected:
  // The second of three commands ends the slot's process that started it.
  void crash(const std::string& before) {
    expect_run({"--param", "n=1..3", "--crash-limit", "1", "--shell", "--",
                "echo early {n}; if [ {n} = 2 ]; then " + before + "kill -9 $PPID; sleep 60; fi"},
               1);
    EXPECT_THAT(cells("status"), testing::ElementsAre("succeeded", "crashed", "succeeded"));
  }
};

TEST_F(CrashedTask, IsInTheJoblogWithItsHostStartAndCommand) {
  crash("");
  const Ended joblog = run(mpifarm({"results", path_, "--format", "joblog"}));
  expect_status(joblog, 0);
  const std::vector<std::string> lines = lines_of(joblog.out);
  ASSERT_GE(lines.size(), 3u) << joblog.out;
  EXPECT_TRUE(lines[0].starts_with("Seq\tHost\tStarttime\t"));
  const auto is_right = [](const std::string& line, const std::string& n) {
    const std::string row = n + "\t[^\t]+\t *[1-9][0-9.]*\t.*\techo early " + n + "; .*";
    return testing::Matches(testing::MatchesRegex(row))(line);
  };
  EXPECT_TRUE(is_right(lines[1], "1")) << lines[1];
  expect_still_open("A5", lines.size() == 4 && is_right(lines[2], "2"));
}

TEST_F(CrashedTask, HasARowWithItsCommandAndHost) {
  crash("");
  const std::vector<std::string> commands = cells("command"), hosts = cells("host");
  EXPECT_THAT(commands.at(0), testing::HasSubstr("echo early 1"));
  EXPECT_NE(hosts.at(0), "");
  expect_still_open("A5", holds(commands.at(1), "echo early 2") && hosts.at(1) == hosts[0]);
}

// At most a second of it may be in memory alone.
TEST_F(CrashedTask, KeepsWhatItWroteBefore) {
  crash("sleep 1.2; ");
  EXPECT_EQ(output_of("0").out, "early 1\n");
  const Ended shown = output_of("1");
  expect_still_open("A5", shown.status == 0 && shown.out == "early 2\n");
}

TEST_F(OpenFaultsExec, OutputSoFarCanBeHadWhileATaskRunsAndAfterAKill) {
  Process process{exec(0, {"--param", "n=1..2", "--threads", "2", "--batch", "1", "--shell", "--",
                           "echo early {n}; echo >> begun{n}; [ {n} = 1 ] || while :; do sleep 1; done"})};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 1));
  ASSERT_TRUE(wait_until([&] { return exists("begun2"); }));
  EXPECT_EQ(output_of("0").out, "early 1\n");
  const auto is_shown = [&] {
    const Ended shown = output_of("1");
    return shown.status == 0 && shown.out == "early 2\n";
  };
  const bool live = wait_until(is_shown, seconds{2});
  EXPECT_TRUE(process.running());
  process.kill_all();
  expect_still_open("A6, live", live);
  expect_still_open("A6, killed", is_shown());
}

TEST_F(OpenFaultsExec, AStreamShowsLongLinesWhole) {
  const std::string line = std::string(150'000, 'x') + "\n";
  write_text(work_ / "line", line);
  const Ended ended = expect_run({"--stream", "--param", "n=1", "--", "cat", "line"});
  EXPECT_EQ(output(), line);
  ASSERT_TRUE(ended.out.starts_with(std::string(50'000, 'x')));
  expect_still_open("A7", ended.out.starts_with(line));
}

TEST_F(OpenFaultsExec, AStreamAddsNoLineEnd) {
  const Ended ended =
      expect_run({"--stream", "--threads", "1", "--batch", "1", "--param", "n=1,1", "--", "printf", "a\nb"});
  EXPECT_EQ(output(), "a\nba\nb");
  ASSERT_TRUE(ended.out.starts_with("a\nb"));
  expect_still_open("A7", ended.out.starts_with("a\nba\nb"));
}

class MovedFolder : public OpenFaultsExec {
 protected:
  // Kills a run in the folder `was` when its first command has written `f1` there and the second one holds.
  void interrupt(const std::string& was) {
    fs::create_directories(work_ / was);
    Command command =
        exec(0, {"--param", "n=1..2", "--threads", "1", "--batch", "1", "--shell", "--",
                 "[ {n} = 1 ] || [ -z \"$HOLD\" ] || while :; do echo > ../begun; sleep 1; done; "
                 "echo {n} > f{n}"});
    command.directory = work_ / was;
    command.environment["HOLD"] = "1";
    Process process{command};
    ASSERT_TRUE(wait_for_outcomes(process, path_, 1));
    ASSERT_TRUE(wait_until([&] { return exists("begun"); }));
    process.kill_all();
    ASSERT_TRUE(exists(was + "/f1"));
    ASSERT_FALSE(exists(was + "/f2"));
    fs::create_directories(work_ / "elsewhere");
  }
  Ended resume_elsewhere() const {
    Command command = mpifarm({"resume", path_});
    command.directory = work_ / "elsewhere";
    return run(command);
  }
  bool is_refused(const Ended& ended, const std::string& names) const {
    return ended.status == 2 && says(ended, names) && !exists("elsewhere/f2");
  }
  bool is_computed_in(const Ended& ended, const std::string& folder) const {
    return ended.status == 0 && exists(folder + "/f2") && !exists("elsewhere/f2");
  }
};

// This control shows that a resume goes to the run's own folder while that is there.
TEST_F(MovedFolder, OneThatStayedIsWhereTheRestIsComputed) {
  interrupt("was");
  EXPECT_TRUE(is_computed_in(resume_elsewhere(), "was"));
}

TEST_F(MovedFolder, ARunIsNotComputedInAnotherFolder) {
  interrupt("was");
  fs::rename(work_ / "was", work_ / "is");
  expect_still_open("A8", is_refused(resume_elsewhere(), work_ / "was"));
}

TEST_F(MovedFolder, ARunThatMovedWithItsFolderIsComputedThere) {
  fs::create_directories(work_ / "was");
  in_run("was/run");
  interrupt("was");
  fs::rename(work_ / "was", work_ / "is");
  in_run("is/run");
  const Ended ended = resume_elsewhere();
  expect_still_open("A8", is_computed_in(ended, "is") || is_refused(ended, work_ / "was"));
}

TEST_F(MovedFolder, ANameThatIsNoUtf8IsTheSameFolder) {
  const std::string name = "was\xff";
  interrupt(name);
  const Ended ended = resume_elsewhere();
  expect_still_open("A8", is_computed_in(ended, name) || is_refused(ended, work_ / "elsewhere"));
}

TEST_F(OpenFaultsExec, NamesThatAreNoUtf8DifferInJsonLines) {
  for (const char* name : {"x\xfe.dat", "x\xff.dat"}) write_text(work_ / name, "");
  expect_run({"--files", "*.dat", "--", "echo", "{path}"});
  EXPECT_EQ(output(), "x\xfe.dat\nx\xff.dat\n");
  const Ended json = run(mpifarm({"results", path_, "--format", "jsonl"}));
  expect_status(json, 0);
  const std::vector<std::string> lines = lines_of(json.out);
  ASSERT_EQ(lines.size(), 2u);
  const std::string first = Json::parse(lines[0]).text("command"),
                    second = Json::parse(lines[1]).text("command");
  ASSERT_TRUE(first.starts_with("echo ") && second.starts_with("echo "));
  expect_still_open("A9", first != second && !holds(json.out, replacement));
}

TEST_F(OpenFaultsExec, ParamsTakeBytesThatAreNoUtf8) {
  expect_run({"--param", "n=xü,y", "--", "echo", "{n}"});
  EXPECT_EQ(output(), "xü\ny\n");
  in_run("bytes");
  const Ended ended = run(exec(0, {"--param", "n=x\xff,y", "--", "echo", "{n}"}));
  expect_still_open("A9", ended.status == 0 && output() == "x\xff\ny\n");
}

TEST_F(OpenFaultsExec, WordsOfACommandTakeBytesThatAreNoUtf8) {
  expect_run({"--param", "n=1", "--", "echo", "xü{n}"});
  EXPECT_EQ(output(), "xü1\n");
  in_run("bytes");
  const std::string bytes = "x\xff";
  const Ended ended = run(exec(0, {"--param", "n=1", "--", "echo", bytes + "{n}"}));
  expect_still_open("A9", ended.status == 0 && output() == bytes + "1\n");
}

class CutOutput : public OpenFaultsExec {
 protected:
  // Runs four commands; two of them write more than a limit of 1000 bytes.
  Ended write_much(const std::string& limit) {
    const Ended ended = expect_run({"--output-limit", limit, "--param", "n=600,700,1200,1800", "--shell",
                                    "--", "head -c {n} /dev/zero | tr '\\0' x"});
    EXPECT_THAT(cells("stdout_bytes"), testing::ElementsAre("600", "700", "1200", "1800"));
    return ended;
  }
  static bool says_that_two_were_cut(const Ended& ended) {
    static const std::regex words{R"(\b(cut|truncated)\b.*\b2\b|\b2\b.*\b(cut|truncated)\b)"};
    return std::regex_search(ended.err, words) || std::regex_search(ended.out, words);
  }
  // Looks for a new column in which both cut outputs differ from the two whole ones.
  bool has_a_column_of_it() const {
    const std::vector<Row> rows = csv_rows(results_of(path_));
    static const std::set<std::string> of_today{
        "id",        "status",  "command",      "exit_status",    "signal",         "started",
        "seconds",   "attempt", "user_seconds", "system_seconds", "peak_kilobytes", "host",
        "rank",      "slot",    "stdout_at",    "stdout_bytes",   "stderr_bytes",   "pack",
        "stderr_at", "skipped", "left_running", "message"};
    for (std::size_t column = 0; column < rows.at(0).size(); ++column) {
      const auto cell = [&](std::size_t row) { return rows.at(row).at(column); };
      if (!of_today.contains(rows[0][column]) && cell(1) == cell(2) && cell(1) != cell(3) &&
          cell(1) != cell(4))
        return true;
    }
    return false;
  }
  bool is_in_the_summary() const {
    const Json summary = summary_of(path_);
    return std::ranges::any_of(summary.keys(), [&](const std::string& key) {
      return (holds(key, "cut") || holds(key, "trunc")) && summary.whole(key) == 2;
    });
  }
};

TEST_F(CutOutput, IsCountedWhereTheRunSpeaksOfIt) {
  const Ended whole = write_much("10K");
  EXPECT_FALSE(says_that_two_were_cut(whole)) << whole.err << whole.out;
  EXPECT_FALSE(has_a_column_of_it());
  EXPECT_EQ(output().size(), 4300u);
  in_run("limited");
  const Ended limited = write_much("1000");
  EXPECT_EQ(output().size(), 3300u);
  expect_still_open("A10", says_that_two_were_cut(limited) || has_a_column_of_it() || is_in_the_summary());
}

}  // namespace
}  // namespace mpifarm::e2e

// Lines of commands as they come (--stream), and how commands end when the run is asked to.

#include <fmt/format.h>

#include <csignal>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class ExecStream : public ExecRun {
 protected:
  // Without what the run concludes.
  static std::vector<std::string> streamed(const Ended& ended) {
    std::vector<std::string> lines = lines_of(ended.out);
    std::erase_if(lines, [](const std::string& line) {
      return line.find("mpifarm output ") != line.npos && line.find("succeeded") != line.npos;
    });
    return lines;
  }
  // Of those that begin with `mark`: "MARK TASK LINE xxx". Whole, each once, those of a task in their order.
  static void expect_every_line(const std::vector<std::string>& lines, const std::string& mark, int tasks,
                                int lines_each, std::size_t width) {
    std::vector<int> next(static_cast<std::size_t>(tasks));
    for (const std::string& line : lines) {
      if (!line.starts_with(mark + " ")) continue;
      int task = -1, number = -1, end = 0;
      const std::string format = mark + " %d %d %n";
      ASSERT_EQ(std::sscanf(line.c_str(), format.c_str(), &task, &number, &end), 2) << line.substr(0, 100);
      ASSERT_TRUE(task >= 0 && task < tasks) << line.substr(0, 100);
      ASSERT_EQ(number, next[static_cast<std::size_t>(task)]++) << "of task " << task;
      ASSERT_TRUE(line.substr(static_cast<std::size_t>(end)) == std::string(width, 'x')) << line;
    }
    EXPECT_THAT(next, Each(lines_each)) << mark;
  }
  // Read while it runs.
  Process start_with_files(int ranks, const std::string& arguments) const {
    Command command = shell(ranks, "exec $MPIFARM run exec --run " + path_ + " " + arguments + " >out 2>err");
    command.directory = work_.path();
    return Process{command};
  }
  bool comes(Process& process, const std::string& file, const std::string& text) const {
    const auto is_there = [&] {
      return exists(file) && read_text(work_ / file).find(text) != std::string::npos;
    };
    wait_until([&] { return is_there() || !process.running(); }, std::chrono::seconds{20});
    return is_there();
  }
};

TEST_F(ExecStream, GivesLinesAsTheyCome) {
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    for (const char* name : {"go", "out", "err"}) std::filesystem::remove(work_ / name);
    Process process = start_with_files(ranks,
                                       "--threads 1 --batch 1 --param n=0..2 --stream --shell -- "
                                       "'echo begun {n}; echo wrong {n} >&2; printf half; "
                                       "until [ -e go ]; do sleep 0.02; done; echo \" done\"'");
    const bool first = comes(process, "out", "begun 0\n") && comes(process, "err", "wrong 0\n");
    EXPECT_TRUE(first && process.running()) << "not while it runs";
    EXPECT_TRUE(ranks == 0 || (comes(process, "out", "begun 1\n") && comes(process, "out", "begun 2\n")));
    EXPECT_EQ(read_text(work_ / "out").find("half"), std::string::npos) << "a line without an end yet";
    write_text(work_ / "go", "");
    expect_status(process.wait(), 0);
    const std::string out = read_text(work_ / "out");
    EXPECT_THAT(lines_of(out), testing::IsSupersetOf({"begun 0", "begun 1", "begun 2", "half done"}));
    EXPECT_EQ(out.find("wrong"), out.npos);
  }
}

TEST_F(ExecStream, TearsNoLine) {
  constexpr int tasks = 16, lines_each = 100;
  constexpr std::size_t width = 3000;
  const std::string script = fmt::format(
      "x=$(head -c {} /dev/zero | tr '\\0' x); i=0; while [ $i -lt {} ]; do printf 'out %d %d ' {{n}} $i; "
      "printf 'err %d %d ' {{n}} $i >&2; echo $x; echo $x >&2; i=$((i + 1)); done",
      width, lines_each);
  const std::string range = fmt::format("n=0..{}", tasks - 1);
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    const Ended ended = run(exec(
        ranks, {"--threads", "4", "--batch", "1", "--param", range, "--stream", "--shell", "--", script}));
    expect_status(ended, 0);
    const std::vector<std::string> lines = streamed(ended);
    EXPECT_THAT(lines, SizeIs(tasks * lines_each));
    expect_every_line(lines, "out", tasks, lines_each, width);
    expect_every_line(lines_of(ended.err), "err", tasks, lines_each, width);
    expect_every_line(lines_of(output()), "out", tasks, lines_each, width);
    expect_every_line(lines_of(output({"--stderr"})), "err", tasks, lines_each, width);
  }
}

TEST_F(ExecStream, HasManyShortLinesOnce) {
  const Ended ended = expect_run({"--threads", "2", "--batch", "1", "--param", "n=0..199", "--stream",
                                  "--shell", "--", R"(seq -f "out $MPIFARM_TASK_ID %g " 0 49)"},
                                 0, 3);
  EXPECT_THAT(streamed(ended), SizeIs(200 * 50));
  expect_every_line(streamed(ended), "out", 200, 50, 0);
}

TEST_F(ExecStream, EndsALineThatHasNoEnd) {
  const Ended ended = expect_run({"--threads", "1", "--param", "n=1..3", "--stream", "--shell", "--",
                                  "echo whole {n}; printf 'no end %d' {n}; printf 'nor here' >&2"});
  EXPECT_THAT(streamed(ended),
              ElementsAre("whole 1", "no end 1", "whole 2", "no end 2", "whole 3", "no end 3"));
  EXPECT_THAT(lines_of(ended.err), testing::Contains("nor here").Times(3));
  EXPECT_EQ(output({"0"}), "whole 1\nno end 1") << "kept as it was written";
}

TEST_F(ExecStream, GivesWhatACommandWroteThatFailed) {
  const Ended ended =
      expect_run({"--threads", "2", "--param", "n=1,2", "--timeout", "0.4", "--stream", "--shell", "--",
                  "echo begun {n}; printf 'last %d' {n}; [ {n} = 1 ] && exit 3; sleep 100"},
                 1);
  EXPECT_THAT(streamed(ended), UnorderedElementsAre("begun 1", "last 1", "begun 2", "last 2"));
}

TEST_F(ExecStream, GivesBytesUnchanged) {
  const Ended ended =
      expect_run({"--param", "n=1", "--stream", "--shell", "--", "printf '\\n\\na\\0b\\r\\n\\377\\n'"});
  EXPECT_THAT(ended.out, testing::StartsWith(std::string{"\n\na\0b\r\n\377\n", 9}));
}

TEST_F(ExecStream, GivesLongLinesInPieces) {
  constexpr std::size_t piece = 64 << 10;
  const Ended ended = expect_run({"--threads", "1", "--batch", "1", "--param", "c=a,b,c", "--stream",
                                  "--shell", "--", "head -c 200000 /dev/zero | tr '\\0' {c}; echo"},
                                 0, 3);
  std::map<char, std::vector<std::size_t>> pieces;
  for (const std::string& line : streamed(ended)) {
    ASSERT_FALSE(line.empty());
    EXPECT_TRUE(line == std::string(line.size(), line[0])) << "of more than one command";
    pieces[line[0]].push_back(line.size());
  }
  EXPECT_THAT(pieces, SizeIs(3));
  for (const auto& [c, sizes] : pieces)
    EXPECT_THAT(sizes, ElementsAre(piece, piece, piece, 200'000 - 3 * piece)) << c;
  for (const std::string task : {"0", "1", "2"}) EXPECT_EQ(output({task}).size(), 200'001u);
}

TEST_F(ExecStream, GivesALineOfExactlyAPieceWhole) {
  const Ended ended = expect_run({"--threads", "1", "--param", "n=65535,65536", "--stream", "--shell", "--",
                                  "head -c {n} /dev/zero | tr '\\0' x; echo"});
  const std::vector<std::string> lines = streamed(ended);
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].size(), 65535u);
  EXPECT_EQ(lines[1].size(), 65536u);
}

TEST_F(ExecStream, NeedsNothingKept) {
  const Ended ended =
      expect_run({"--param", "n=1", "--stream", "--output", "none", "--quiet", "--", "echo", "line {n}"});
  EXPECT_THAT(ended.out, testing::StartsWith("line 1\n"));
}

TEST_F(ExecStream, IsNotUnlessAsked) {
  const Ended ended = expect_run({"--param", "n=1", "--", "echo", "a line"});
  EXPECT_THAT(streamed(ended), IsEmpty());
}

// SIGTERM to the run, or `mpifarm stop`, when its grace is over.
class ExecStop : public ExecRun {
 protected:
  static constexpr const char* wait_for_ever = "while :; do sleep 0.02; done";

  // Runs `script` on every slot, asks the run to stop, and waits for its end.
  Ended stopped(int ranks, const Arguments& flags, const std::string& script, std::size_t running,
                bool by_command = false) const {
    Process process{exec(ranks, Arguments{"--batch", "1", "--threads", "1", "--param", "n=1..9"} + flags +
                                    Arguments{"--shell", "--", script})};
    EXPECT_TRUE(wait_until([&] { return noted("up").size() >= running || !process.running(); }));
    const auto asked = std::chrono::steady_clock::now();
    if (by_command)
      expect_status(run(mpifarm({"stop", path_})), 0);
    else
      ask_to_stop(SIGTERM);
    Ended ended = process.wait();
    took_ = std::chrono::steady_clock::now() - asked;
    expect_status(ended, 75);
    EXPECT_TRUE(wait_until([&] { return process.members().empty(); }, std::chrono::seconds{5}))
        << "a process is left";
    EXPECT_EQ(summary_of(path_).whole("failed"), 0u);
    return ended;
  }

  mutable std::chrono::duration<double> took_{};
};

TEST_F(ExecStop, AsksCommandsToEnd) {
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    for (const char* name : {"up", "asked"}) std::filesystem::remove(work_ / name);
    stopped(ranks, {"--grace", "0.2"},
            std::string{"trap 'echo asked >> asked; exit 0' TERM; echo {n} >> up; "} + wait_for_ever,
            ranks == 0 ? 1 : 3);
    EXPECT_THAT(noted("asked"), SizeIs(ranks == 0 ? 1 : 3));
    EXPECT_THAT(noted("up"), SizeIs(ranks == 0 ? 1 : 3)) << "nothing is begun any more";
  }
}

TEST_F(ExecStop, AsksWhenMpifarmStopSaysSo) {
  stopped(0, {"--grace", "0.2"},
          std::string{"trap 'echo asked >> asked; exit 0' TERM; echo {n} >> up; "} + wait_for_ever, 1, true);
  EXPECT_THAT(noted("asked"), SizeIs(1));
}

TEST_F(ExecStop, LetsCommandsTidyUp) {
  stopped(0, {"--grace", "0.2", "--kill-after", "10"},
          std::string{"trap 'sleep 0.7; echo tidy >> asked; exit 0' TERM; echo {n} >> up; "} + wait_for_ever,
          1);
  EXPECT_THAT(noted("asked"), ElementsAre("tidy"));
}

TEST_F(ExecStop, KillsCommandsThatGoOn) {
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    in_run("on" + std::to_string(ranks));
    std::filesystem::remove(work_ / "up");
    stopped(ranks, {"--grace", "0.2", "--kill-after", "0.5"},
            std::string{"trap '' TERM; echo {n} >> up; "} + wait_for_ever, ranks == 0 ? 1 : 2);
    EXPECT_GE(took_.count(), 0.7);
    EXPECT_LT(took_.count(), 4.5) << "it took the default of --kill-after";
  }
}

TEST_F(ExecStop, AsksBeforeItKills) {
  stopped(0, {"--grace", "0.2", "--kill-after", "0.5"},
          std::string{"trap 'echo asked >> asked' TERM; echo {n} >> up; "} + wait_for_ever, 1);
  EXPECT_THAT(noted("asked"), testing::Not(IsEmpty()));
}

TEST_F(ExecStop, KillsAfterFiveSecondsAtMost) {
  stopped(0, {"--grace", "0.2", "--kill-after", "900"},
          std::string{"trap '' TERM; echo {n} >> up; "} + wait_for_ever, 1);
  EXPECT_GE(took_.count(), 4.5);
  EXPECT_LT(took_.count(), 20.0);
}

TEST_F(ExecStop, EndsAllThatCommandsStarted) {
  stopped(0, {"--grace", "0.2", "--kill-after", "0.5"},
          "setsid sleep 1000 & (trap '' TERM; sleep 1000) & sleep 1000 & echo {n} >> up; wait", 1);
}

TEST_F(ExecStop, AsksNobodyWithinTheGrace) {
  Process process{
      exec(0, {"--batch", "1", "--threads", "1", "--param", "n=1..9", "--grace", "60", "--shell", "--",
               "trap 'echo asked >> asked; exit 0' TERM; echo {n} >> up; "
               "until [ -e go ]; do sleep 0.02; done"})};
  ASSERT_TRUE(wait_until([&] { return !noted("up").empty() || !process.running(); }));
  ask_to_stop(SIGTERM);
  ASSERT_TRUE(wait_for_log("stopping"));
  write_text(work_ / "go", "");
  expect_status(process.wait(), 75);
  EXPECT_EQ(summary_of(path_).whole("succeeded"), 1u);
  EXPECT_THAT(noted("asked"), IsEmpty());
}

TEST_F(ExecStop, AsksAtTheSecondSignal) {
  Process process{
      exec(0, {"--batch", "1", "--threads", "1", "--param", "n=1..9", "--grace", "900", "--shell", "--",
               std::string{"trap 'echo asked >> asked; exit 0' TERM; echo {n} >> up; "} + wait_for_ever})};
  ASSERT_TRUE(wait_until([&] { return !noted("up").empty() || !process.running(); }));
  ask_to_stop(SIGTERM);
  ASSERT_TRUE(wait_for_log("stopping"));
  ask_to_stop(SIGTERM);
  expect_status(process.wait(), 75);
  EXPECT_THAT(noted("asked"), SizeIs(1));
}

TEST_F(ExecStop, LeavesWhatWasEndedToBeDone) {
  stopped(0, {"--grace", "0.1", "--kill-after", "0.3"},
          "trap '' TERM; echo {n} >> up; until [ -e go ]; do sleep 0.02; done; echo done {n}", 1);
  EXPECT_EQ(summary_of(path_).whole("succeeded"), 0u);
  write_text(work_ / "go", "");
  expect_status(run(mpifarm({"resume", path_, "--threads", "2"})), 0);
  std::string wanted;
  for (int n = 1; n <= 9; ++n) wanted += fmt::format("done {}\n", n);
  EXPECT_EQ(output(), wanted);
  EXPECT_THAT(cells("status"), Each("succeeded"));
}

}  // namespace
}  // namespace mpifarm::e2e

// Tasks get the surroundings of whoever starts the run: umask, limits, niceness, environment, standard input.

#include <fmt/format.h>
#include <sys/stat.h>

#include <thread>

#include "support/exec_run.hpp"
#include "support/look.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::SizeIs;

unsigned mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(stat(file.c_str(), &status), 0) << file;
  return status.st_mode & 07777u;
}

// How a shell starts a run: what it sets before.
struct Caller {
  std::string name, setup;
  unsigned file_mode;  // that its umask leaves of 0666
};

const std::vector<Caller>& callers() {
  static const std::vector<Caller> all{
      {"strict", "umask 027; ulimit -Sn 777; NICE='nice -n 3'", 0640},
      {"group", "umask 002; ulimit -Sc 0; echo 400 > /proc/self/oom_score_adj; NICE=; export ODD='a  b'",
       0664}};
  return all;
}

class Surroundings : public ExecRun, public testing::WithParamInterface<Caller> {
 protected:
  // $NICE is how the caller's setup starts a program. mpirun is started by its name: by its path it would put
  // its own folders into PATH and LD_LIBRARY_PATH.
  Ended by_caller(int ranks, const std::string& line) const {
    const fs::path launcher = mpirun(1, {}).arguments.at(0);
    std::string text = fmt::format("PATH={}:$PATH; {}; ", launcher.parent_path().string(), GetParam().setup);
    if (ranks > 0)
      text += fmt::format("MPIFARM=\"{} -n {} $MPIFARM\"; ", launcher.filename().string(), ranks);
    Command command = shell(0, text + line);
    command.directory = work_.path();
    command.environment["OUR_LOOK"] = look;
    return run(command);
  }
  void expect_equal(const std::string& start, int ranks, std::size_t ranks_used) {
    SCOPED_TRACE(fmt::format("{} on {}", start, ranks));
    in_run("run" + std::to_string(++runs_));
    const std::vector<std::string> wanted = comparable(by_caller(ranks, "$NICE sh -c \"$OUR_LOOK\"").out);
    ASSERT_GT(wanted.size(), 20u);
    const Ended ended = by_caller(ranks, fmt::format("exec $NICE $MPIFARM {} --threads 1 --batch 1 --run {} "
                                                     "--param n=1..{} -- sh -c \"sleep 0.1; $OUR_LOOK\"",
                                                     start, path_, 3 * ranks_used));
    expect_status(ended, 0);
    EXPECT_THAT(kinds_of("rank"), SizeIs(ranks_used));
    for (std::size_t task = 0; task < 3 * ranks_used; ++task)
      EXPECT_THAT(differences(comparable(output({std::to_string(task)})), wanted), IsEmpty()) << task;
  }

 private:
  int runs_ = 0;
};

TEST_P(Surroundings, OfACommandAreTheCallers) {
  expect_equal("run exec", 0, 1);
  expect_equal("run exec", 2, 2);
  expect_equal("launch -n 2 -- exec", 0, 2);
}

TEST_P(Surroundings, OfACommandOfOtherKindsAreTheCallers) {
  expect_equal("run exec --timeout 50 --output files", 0, 1);
  expect_equal("run exec --retries 1 --stream --chdir /", 0, 1);
}

TEST_P(Surroundings, OfAResumedRunAreThoseOfItsResume) {
  write_text(work_ / "list", "umask; exit 1\n");
  Ended ended = by_caller(0, "umask 000; exec $MPIFARM run exec --commands list --run " + path_);
  expect_status(ended, 1);
  EXPECT_EQ(output(), "0000\n");
  ended = by_caller(0, "exec $MPIFARM resume --redo failed " + path_);
  expect_status(ended, 1);
  EXPECT_EQ(output(), by_caller(0, "umask").out);
}

TEST_P(Surroundings, MaskTheFilesOfCommandsAndJobs) {
  const unsigned wanted = GetParam().file_mode;
  for (const int ranks : {0, 2}) {
    SCOPED_TRACE(ranks);
    const std::string commands = work_ / fmt::format("commands{}", ranks);
    expect_status(
        by_caller(ranks, "$MPIFARM run exec --param n=1..2 --chdir " + work_.path().string() + " --run " +
                             commands + " --shell -- 'echo > file{n}; mkdir -p folder'"),
        0);
    EXPECT_EQ(mode_of(commands), 0700u);
    EXPECT_EQ(mode_of(work_ / "file1"), wanted);
    EXPECT_EQ(mode_of(work_ / "file2"), wanted);
    EXPECT_EQ(mode_of(work_ / "folder"), wanted | (wanted & 0444u) >> 2);
    const std::string picture = work_ / fmt::format("picture{}", ranks);
    expect_status(by_caller(ranks, "$MPIFARM run mandelbrot --width 60 --height 40 --run " + picture), 0);
    EXPECT_EQ(mode_of(picture), 0700u);
    EXPECT_EQ(mode_of(picture + "/image.png"), wanted);
    for (const char* name : {"file1", "file2", "folder"}) fs::remove(work_ / name);
  }
}

TEST_P(Surroundings, MaskTheFilesOfTasks) {
  for (const std::string isolation : {"thread", "process"})
    for (const std::string place : {"compute", "reduce", "conclude"}) {
      SCOPED_TRACE(isolation + " " + place);
      const std::string name = isolation + place;
      Command command = shell(0, GetParam().setup + "; exec $NICE " + leaving_job() +
                                     " run leaving --isolate " + isolation + " --place " + place +
                                     " --manner touch:" + (work_ / ("file" + name)).string() + " --run " +
                                     (work_ / name).string());
      expect_status(run(command), 0);
      EXPECT_EQ(mode_of(work_ / name), 0700u);
      EXPECT_EQ(mode_of(work_ / ("file" + name)), GetParam().file_mode);
    }
}

TEST_P(Surroundings, MaskWhatIsExported) {
  expect_status(run(exec(0, {"--param", "n=1", "--", "echo", "{n}"})), 0);
  for (const std::string format : {"csv", "jsonl", "joblog"}) {
    expect_status(by_caller(0, "$MPIFARM results " + path_ + " --format " + format + " -o " + format), 0);
    EXPECT_EQ(mode_of(work_ / format), GetParam().file_mode) << format;
  }
}

INSTANTIATE_TEST_SUITE_P(Callers, Surroundings, testing::ValuesIn(callers()),
                         [](const auto& caller) { return caller.param.name; });

class StandardInput : public ExecRun {
 protected:
  Ended sh(const std::string& text) const {
    Command command = shell(0, text);
    command.directory = work_.path();
    return run(command);
  }
  std::string output_of(const std::string& name) {
    in_run(name);
    return output();
  }
};

TEST_F(StandardInput, OfALoopIsLeftToTheLoop) {
  write_text(work_ / "list", "1\n2\n3\n");
  for (const std::string start : {"launch -n 2 -- exec", "launch -n 1 -- exec", "run exec"}) {
    SCOPED_TRACE(start);
    const Ended ended = sh("while read d; do $MPIFARM " + start +
                           " --param n=1 --run r$d -q -- echo $d || exit 9; done < list");
    expect_status(ended, 0);
    for (const std::string d : {"1", "2", "3"}) {
      ASSERT_TRUE(exists("r" + d)) << d;
      EXPECT_EQ(output_of("r" + d), d + "\n");
      fs::remove_all(work_ / ("r" + d));
    }
  }
}

TEST_F(StandardInput, OfAPipelineIsLeftToWhatComesBehind) {
  const Ended ended =
      sh("seq 3 | (read x; $MPIFARM launch -n 2 -- squares --to 9 --run a -q > /dev/null; cat)");
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "2\n3\n");
  const Ended carried_on =
      sh("seq 3 | ($MPIFARM launch -n 2 -- squares --to 9 --run a -q --continue > f; cat)");
  expect_status(carried_on, 0);
  EXPECT_EQ(carried_on.out, "1\n2\n3\n");
}

TEST_F(StandardInput, IsReadWhereAListIsADash) {
  const std::string launch = "$MPIFARM launch -n 2 -- ";
  expect_status(sh("(echo n; seq 40) | " + launch + "exec --tasks - --run a -- echo {n}"), 0);
  expect_status(sh("(echo n; seq 40) | " + launch + "exec --tasks=- --run b -- echo {n}"), 0);
  expect_status(sh("seq 40 | sed 's/^/echo /' | " + launch + "exec --commands - --run c"), 0);
  expect_status(sh("seq 40 | sed 's/^/echo /' | " + launch + "exec --run d --commands=- | cat"), 0);
  expect_status(sh("(echo n; seq 40) | " + launch + "squares --tasks - --run e"), 0);
  const std::string wanted = sh("seq 40").out;
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_EQ(output_of(name), wanted) << name;
  EXPECT_EQ(summary_of(work_ / "e").whole("succeeded"), 40u);
}

// A dash behind -- is a word of the command.
TEST_F(StandardInput, IsNotReadForADashOfTheCommand) {
  const Ended ended =
      sh("seq 3 | ($MPIFARM launch -n 2 -- exec --param n=1 --run a -q -- echo --tasks - > f; cat)");
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "1\n2\n3\n");
  EXPECT_EQ(output_of("a"), "--tasks -\n");
}

TEST_F(StandardInput, MayBeClosed) {
  expect_status(sh("$MPIFARM launch -n 2 -- exec --param n=1..4 --run a -- echo {n} <&-"), 0);
  expect_status(sh("$MPIFARM run exec --param n=1..4 --run b -- echo {n} <&- 2> err"), 0);
  EXPECT_EQ(output_of("a"), "1\n2\n3\n4\n");
  EXPECT_EQ(output_of("b"), "1\n2\n3\n4\n");
}

// Open MPI binds one or two ranks to a core each unless it is told otherwise.
TEST(Binding, ThatNobodyAskedForIsUndone) {
  const Workspace work;
  const auto threads = [&](const std::string& run_path, const Arguments& launcher,
                           const std::string& before) {
    Command command = mpirun(1, {"run", "squares", "--to", "10", "--run", run_path}, launcher);
    if (!before.empty()) command.arguments = Arguments{"/usr/bin/taskset", "-c", before} + command.arguments;
    expect_status(run(command), 0);
    return summary_of(run_path).whole("threads");
  };
  const auto cores = std::thread::hardware_concurrency();
  EXPECT_EQ(threads(work / "unasked", {}, ""), cores);
  EXPECT_EQ(threads(work / "asked", {"--bind-to", "core"}, ""), 1u);
  EXPECT_EQ(threads(work / "none", {"--bind-to", "none"}, ""), cores);
  EXPECT_EQ(threads(work / "of_its_caller", {}, "0"), 1u) << "mpirun itself may use one core alone";
}

}  // namespace
}  // namespace mpifarm::e2e

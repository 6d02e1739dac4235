// Real commands. This process is a subreaper meanwhile, as the children of a rank's helper are.

#include "exec/command_process.hpp"

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "base/error.hpp"
#include "base/processes.hpp"
#include "exec/file_pattern.hpp"
#include "exec/program.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm::exec {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

class Command : public ::testing::Test {
 protected:
  void SetUp() override { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  void TearDown() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  CommandEnd run(const Invocation& command) {
    output_.clear();
    error_.clear();
    return run_command(command, [this](Stream kind, BytesView bytes) {
      (kind == Stream::standard_output ? output_ : error_) += bytes;
    });
  }
  CommandEnd shell(const std::string& line, Invocation command = {}) {
    command.program = "/bin/sh";
    command.words = {"sh", "-c", line};
    command.environment.emplace_back("PATH=/usr/bin:/bin");
    return run(command);
  }
  std::string output_, error_;
};

TEST_F(Command, HandsOverBothStreamsAndTheStatus) {
  const CommandEnd end = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 3);
  EXPECT_EQ(output_, "out\n");
  EXPECT_EQ(error_, "err\n");
  EXPECT_GT(end.duration.count(), 0);
  EXPECT_GT(end.started, 1.6e9);
}

TEST_F(Command, TellsThePeakOfWhatTakesMoreMemoryThanThisProcess) {
  rusage ours{};
  getrusage(RUSAGE_SELF, &ours);  // a sanitizer makes it large
  const long kilobytes = ours.ru_maxrss + 50'000;
  EXPECT_GT(shell("x=$(head -c " + std::to_string(kilobytes) + "000 /dev/zero | tr '\\0' x)").usage.ru_maxrss,
            ours.ru_maxrss);
  EXPECT_EQ(shell("true").usage.ru_maxrss, 0);  // not that of this process
}

TEST_F(Command, ReportsTheSignalThatEndedIt) {
  EXPECT_EQ(WTERMSIG(shell("kill -SEGV $$").wait_status), SIGSEGV);
}

TEST_F(Command, MayWriteMuch) {
  shell("head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2");
  EXPECT_EQ(output_.size(), 20'000'000u);
  EXPECT_EQ(error_.size(), 3'000'000u);
}

TEST_F(Command, ReadsWhatItIsGiven) {
  shell("cat");
  EXPECT_EQ(output_, "") << "nothing";
  Invocation command;
  command.has_input_text = true;
  command.input_text = std::string(1'000'000, 'x');
  shell("cat", command);
  EXPECT_EQ(output_, command.input_text);
  const support::TemporaryDirectory directory;
  Invocation from_file;
  from_file.input_file = directory.path() / "in";
  EXPECT_EQ(shell("cat", from_file).start_error, ENOENT);
  std::ofstream{from_file.input_file} << "text";
  shell("cat", from_file);
  EXPECT_EQ(output_, "text");
  from_file.directory = directory.path();
  shell("pwd", from_file);
  EXPECT_EQ(output_, directory.path().string() + "\n");
  from_file.directory += "/nowhere";
  EXPECT_EQ(shell("pwd", from_file).start_error, ENOENT);
}

TEST_F(Command, HasTheSignalsOfAFreshProcess) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  sigprocmask(SIG_BLOCK, &usr1, nullptr);
  shell("grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\t\\n'");
  sigprocmask(SIG_UNBLOCK, &usr1, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  EXPECT_THAT(output_, testing::MatchesRegex("SigBlk:0+SigIgn:.{9}0{7}")) << "but two of the C library's own";
}

TEST_F(Command, LeavesNothingRunning) {
  shell(
      "sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000' &) & echo started; sleep "
      "0.1");
  EXPECT_EQ(output_, "started\n");
  EXPECT_TRUE(children_of(getpid()).empty());
}

TEST_F(Command, ThatLeavesNothingIsNotWaitedFor) {
  const CommandEnd end = shell("echo out", {.output_wait = std::chrono::hours{1}});
  EXPECT_EQ(end.leftover.ended, 0U);
  EXPECT_FALSE(end.leftover.in_vain);
}

TEST_F(Command, IsWaitedForUntilItsStreamsAreClosed) {
  const CommandEnd end = shell("(sleep 0.3; echo late) &", {.output_wait = std::chrono::hours{1}});
  EXPECT_EQ(output_, "late\n");
  EXPECT_EQ(end.leftover.ended, 0U);
  EXPECT_LT(end.duration, milliseconds{250}) << "the wait is no part of its time";
}

TEST_F(Command, IsWaitedForWhileSomethingReadsAPipe) {
  const support::TemporaryDirectory directory;
  const std::string file = (directory.path() / "copy").string();
  const CommandEnd end = shell("{ echo text | { sleep 0.3; cat > " + file + "; } & } >/dev/null 2>&1",
                               {.output_wait = std::chrono::hours{1}});
  EXPECT_EQ(end.leftover.ended, 0U);
  std::string text;
  std::getline(std::ifstream{file}, text);
  EXPECT_EQ(text, "text");
}

TEST_F(Command, LeavesWhatIsEndedAfterTheWait) {
  const CommandEnd end = shell("sleep 60 & echo out", {.output_wait = milliseconds{300}});
  EXPECT_EQ(end.leftover.ended, 1U);
  EXPECT_EQ(end.leftover.process, "sleep");
  EXPECT_FALSE(end.leftover.in_vain && output_.empty());
  EXPECT_EQ(output_, "out\n");
  EXPECT_TRUE(living_children_of(getpid()).empty());
}

TEST_F(Command, IsWaitedForInVainWhenNothingIsWrittenMeanwhile) {
  EXPECT_TRUE(shell("sleep 60 &", {.output_wait = milliseconds{200}}).leftover.in_vain);
  EXPECT_FALSE(
      shell("(sleep 0.05; echo x; sleep 60) &", {.output_wait = milliseconds{400}}).leftover.in_vain);
}

TEST_F(Command, DoesNotKeepADaemonForLong) {
  const auto begun = Clock::now();
  const CommandEnd end =
      shell("setsid sleep 60 </dev/null >/dev/null 2>&1 &", {.output_wait = std::chrono::hours{1}});
  EXPECT_EQ(end.leftover.ended, 1U);
  EXPECT_FALSE(end.leftover.in_vain);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds{30});
}

TEST_F(Command, ThatWasTimedOutIsNotWaitedFor) {
  const auto begun = Clock::now();
  const CommandEnd end = shell(
      "sleep 60 & sleep 50",
      {.timeout = milliseconds{100}, .kill_after = milliseconds{100}, .output_wait = std::chrono::hours{1}});
  EXPECT_TRUE(end.timed_out);
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds{30});
}

TEST_F(Command, IsAskedToEndWhenItsTimeIsOver) {
  Invocation command;
  command.timeout = milliseconds{200};
  command.kill_after = std::chrono::seconds{60};
  const CommandEnd end = shell("trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done", command);
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(output_, "asked\n");
  EXPECT_EQ(WEXITSTATUS(end.wait_status), 0);
}

TEST_F(Command, IsKilledWhenItDoesNotEnd) {
  Invocation command;
  command.timeout = milliseconds{200};
  command.kill_after = milliseconds{100};
  const CommandEnd end =
      shell("trap '' TERM; while :; do sleep 0.01; done & while :; do echo y; done", command);
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(WTERMSIG(end.wait_status), SIGKILL);
  EXPECT_TRUE(children_of(getpid()).empty());
}

TEST_F(Command, ThatCannotBeStartedSaysWhy) {
  Invocation command;
  command.program = "/nowhere";
  command.words = {"nowhere"};
  EXPECT_EQ(run(command).start_error, ENOENT);
  command.program = "/bin/true";
  command.words = {"true", std::string(200'000, 'x')};
  EXPECT_EQ(run(command).start_error, E2BIG);
}

TEST(Program, IsFoundAsAShellFindsIt) {
  const support::TemporaryDirectory directory;
  const std::string here = directory.path(), first = here + "/first", second = here + "/second";
  for (const std::string& folder : {first, second}) std::filesystem::create_directory(folder);
  std::ofstream{first + "/tool"} << "";
  EXPECT_EQ(find_program("tool", first).status, 126);
  EXPECT_EQ(find_program("tool", second).status, 127);
  std::ofstream{second + "/tool"} << "";
  std::filesystem::permissions(second + "/tool", std::filesystem::perms::owner_all);
  EXPECT_EQ(find_program("tool", first + ":" + second).path, second + "/tool");
  EXPECT_EQ(find_program(second + "/tool", "").status, 0);
  EXPECT_EQ(find_program(second, "").status, 126) << "a directory";
  EXPECT_EQ(find_program("", second).status, 127);
}

TEST(FilePattern, GoesBelowDirectories) {
  const support::TemporaryDirectory directory;
  const std::string here = directory.path();
  for (const char* folder : {"/a", "/a/b", "/.hidden"}) std::filesystem::create_directory(here + folder);
  for (const char* file : {"/z.nc", "/a/y.nc", "/a/b/x.nc", "/a/b/x.txt", "/.hidden/w.nc", "/a/.v.nc"})
    std::ofstream{here + file} << "";
  std::filesystem::create_directory(here + "/a/folder.nc");
  const auto matched = [&](const std::string& pattern) {
    std::vector<std::string> files = matching_files("--files", {here + pattern});
    for (std::string& file : files) file.erase(0, here.size());
    return files;
  };
  EXPECT_THAT(matched("/**/*.nc"), ElementsAre("/a/b/x.nc", "/a/y.nc", "/z.nc"));
  EXPECT_THAT(matched("/a/**/b/*"), ElementsAre("/a/b/x.nc", "/a/b/x.txt"));
  EXPECT_THAT(matched("/*/*.nc"), ElementsAre("/a/y.nc"));
  EXPECT_THAT(matched("/a/.v.nc"), ElementsAre("/a/.v.nc"));
  EXPECT_THAT(support::message_of<BadInput>([&] { matched("/*.csv"); }),
              HasSubstr("--files matches no file"));
}

}  // namespace
}  // namespace mpifarm::exec

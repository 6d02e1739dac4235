// What a run shows while it goes on: on a terminal, elsewhere, and to who watches.

#include <fmt/format.h>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Of util-linux's script(1), which gives the command a terminal.
Command on_a_terminal(int ranks, const std::string& text, const std::string& setting = "") {
  return shell(ranks, setting + " TERM=xterm script -qefc \"stty cols 100; " + text + "\" /dev/null");
}

class ProgressOn : public testing::TestWithParam<int> {
 protected:
  std::string spin(const std::string& flags = "") const {
    return fmt::format("$MPIFARM run spin --wait --count 60 --duration 0.02 --run {} {}", run_, flags);
  }

  const Workspace work_;
  const std::string run_ = work_ / "run";
};

TEST_P(ProgressOn, ATerminalIsABarThatEndsFull) {
  const Ended ended = run(on_a_terminal(GetParam(), spin()));
  expect_status(ended, 0);
  EXPECT_THAT(ended.out,
              AllOf(HasSubstr("\x1b[J"), HasSubstr("60/60"), HasSubstr(" left"), HasSubstr("100 %")));
  EXPECT_THAT(ended.out, HasSubstr("\x1b[32m#")) << "in colour";
}

TEST_P(ProgressOn, ATerminalWithoutColours) {
  const Ended ended = run(on_a_terminal(GetParam(), spin(), "NO_COLOR=1"));
  expect_status(ended, 0);
  EXPECT_THAT(ended.out, AllOf(HasSubstr("[#"), HasSubstr("100 %"), Not(HasSubstr("\x1b[3"))));
}

TEST_P(ProgressOn, ATerminalShowsNothingWhenAskedNotTo) {
  for (const char* flags : {"--progress none", "--quiet"}) {
    const Ended ended = run(on_a_terminal(GetParam(), spin(flags)));
    expect_status(ended, 0);
    EXPECT_THAT(ended.out, AllOf(Not(HasSubstr("100 %")), Not(HasSubstr("\x1b[J")))) << flags;
    std::filesystem::remove_all(run_);
  }
}

TEST_P(ProgressOn, AFileHasNoEscapes) {
  const Ended ended = run(shell(GetParam(), spin()));
  expect_status(ended, 0);
  EXPECT_THAT(ended.err, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\r"))));
}

TEST_P(ProgressOn, AFileIsALineEveryFewSeconds) {
  const Ended ended = run(
      shell(GetParam(), fmt::format("$MPIFARM run spin --wait --count 130 --duration 0.1 --run {}", run_)));
  expect_status(ended, 0);
  EXPECT_THAT(ended.err,
              testing::ContainsRegex(
                  "mpifarm: [0-9]+ of 130 tasks \\([0-9]+ %\\), [0-9]+ running, .*/s, 0:0[0-9] left"));
}

INSTANTIATE_TEST_SUITE_P(Ranks, ProgressOn, testing::Values(0, 2));

TEST(Watch, FollowsALiveRunToItsEnd) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{
      mpirun(2, {"run", "spin", "--wait", "--count", "200", "--duration", "0.02", "--run", path})};
  ASSERT_TRUE(wait_for_outcomes(process, path, 1));
  const Ended watched = run(mpifarm({"status", path, "--watch"}));
  expect_status(watched, 0);
  EXPECT_THAT(watched.out, HasSubstr("spin complete: 200 of 200 tasks succeeded"));
  expect_status(process.wait(), 0);
}

TEST(Watch, OfAnEndedRunSaysHowItEnded) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", path})), 0);
  EXPECT_THAT(run(mpifarm({"status", path, "--watch"})).out, HasSubstr("squares complete: 10 of 10"));
}

TEST(Summary, GroupsFailuresWithTheirFirstMessage) {
  const Workspace work;
  const std::string path = work / "run";
  const Ended ended =
      run(mpifarm({"run", "squares", "--from", "3037000490", "--to", "3037000510", "--run", path}));
  expect_status(ended, 1);
  EXPECT_THAT(ended.err, HasSubstr("  failed  10: the square does not fit 64 bits (task 10)\n"));
  EXPECT_THAT(ended.err, HasSubstr("  results " + path + "/results.csv"));
  const std::vector<Json> groups = summary_of(path).list("failures");
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].whole("count"), 10U);
  EXPECT_EQ(groups[0].whole("first_task"), 10U);
}

}  // namespace
}  // namespace mpifarm::e2e

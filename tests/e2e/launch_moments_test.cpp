// The supervisor, when something happens at a moment that is hard to meet, or on a host that is not its own.

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

// Ranks begin as `script`, a shell's, with the rank's own words behind it.
Command launching(const Arguments& run, const std::string& script, Arguments flags = {}) {
  if (!script.empty())
    for (const std::string& word : Arguments{"sh", "-c", script, "sh"}) flags.push_back("--mpirun=" + word);
  Command command = mpifarm(Arguments{"launch", "-n", "2"} + flags + Arguments{"--"} +
                            Arguments{run.begin() + 1, run.end()});
  command.deadline = std::chrono::seconds{120};
  return command;
}

// Kills rank 0 of the start of that number before its program begins. `file`: counts the starts.
std::string killing_rank_zero_of_start(int number, const std::string& file) {
  return "if [ $OMPI_COMM_WORLD_RANK = 0 ]; then echo >> " + file + "; if [ $(wc -l < " + file +
         ") = " + std::to_string(number) + " ]; then kill -KILL $$; fi; fi; exec \"$@\"";
}

TEST(LaunchMoment, BeforeRankZeroBegins) {
  const Workspace work;
  const std::string path = work / "run";
  const Ended ended = run(launching(spin_run(path), killing_rank_zero_of_start(1, work / "starts")));
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("start 2 of 4"), std::string::npos) << ended.err;
  expect_whole(path);
}

TEST(LaunchMoment, BeforeRankZeroBeginsAgain) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{launching(spin_run(path), killing_rank_zero_of_start(2, work / "starts"))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  ::kill(lock_holder(path), SIGKILL);
  const Ended ended = process.wait();
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("start 3 of 4"), std::string::npos) << ended.err;
  expect_whole(path);
}

// mpirun was to hand it on, and is killed just then.
TEST(LaunchMoment, InWhichTheConclusionReachesNobody) {
  const Workspace work;
  const std::string first = work / "first";
  const std::string script = "if [ $OMPI_COMM_WORLD_RANK = 0 ] && [ ! -e " + first + " ]; then echo > " +
                             first + "; \"$@\" | true; else exec \"$@\"; fi";
  const Ended ended = run(launching(spin_run(work / "run", {}, "4"), script));
  expect_status(ended, 0);
  EXPECT_NE(ended.err.find("start 2 of 4"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.out, undisturbed().conclusion);
  expect_whole(work / "run");
}

TEST(LaunchMoment, WhenRankZeroRefusesBeforeMpiItIsNotRepeated) {
  const Workspace work;
  const Ended ended = run(launching(spin_run(work / "run"), "OMPI_COMM_WORLD_SIZE=3 exec \"$@\""));
  expect_status(ended, 2);
  EXPECT_NE(ended.err.find("the launcher started 3 ranks, but MPI sees 2"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("start 2 of"), std::string::npos) << ended.err;
}

// Ranks that have not begun know nothing of signals.
TEST(LaunchMoment, OfASignalBeforeTheRanksBegin) {
  for (const int signal : {SIGTERM, SIGUSR1}) {
    const Workspace work;
    const std::string here = work / "here";
    Process process{
        launching(spin_run(work / "run"), "trap '' USR1 USR2; echo > " + here + "; sleep 60; exec \"$@\"")};
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(here); }));
    process.signal(signal);
    const Ended ended = process.wait();
    expect_status(ended, 75);
    EXPECT_NE(ended.err.find("stopped by a signal before anything ran"), std::string::npos) << ended.err;
    EXPECT_TRUE(wait_until([&] { return process.members().empty(); })) << "a process is left";
  }
}

// Rank 0 was killed, and its supervisor waits a second before it starts the run again.
class BetweenTwoStarts : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(wait_for_outcomes(process_, path_, 50));
    ::kill(lock_holder(path_), SIGKILL);
    ASSERT_TRUE(wait_until([&] { return waits(); }));
  }
  bool waits() const { return std::filesystem::exists(path_ + "/relaunching"); }

  const Workspace work_;
  const std::string path_ = work_ / "run";
  Process process_{launching(spin_run(path_), "")};
};

TEST_F(BetweenTwoStarts, ASignalEndsIt) {
  process_.signal(SIGTERM);
  const Ended ended = process_.wait();
  expect_status(ended, 75);
  EXPECT_NE(ended.err.find("carry it on with"), std::string::npos) << ended.err;
  EXPECT_EQ(tally_journal(path_).starts, 1u);
}

TEST_F(BetweenTwoStarts, AnotherMasterMayHaveTheRun) {
  Process other{mpifarm({"resume", path_, "--threads", "1"})};
  expect_status(process_.wait(), 75);
  expect_status(other.wait(), 0);
  expect_whole(path_);
}

TEST_F(BetweenTwoStarts, ItMayBeKilledItself) {
  process_.signal(SIGKILL);
  process_.wait();
  expect_refused(run(mpifarm({"stop", path_})), {"the run is not live"});
  expect_status(run(mpifarm({"resume", path_, "--threads", "8"})), 0);
  EXPECT_FALSE(waits());
  expect_whole(path_);
}

TEST(Launch, EndsUnderACallerThatIgnoresItsChildren) {
  const Workspace work;
  expect_status(run(under_a_careless_caller(launching(spin_run(work / "run", {}, "4"), ""))), 0);
  expect_whole(work / "run");
}

// Hosts that are reached as by ssh: nothing of the environment goes along but what the launcher hands on.
class LaunchElsewhere : public ::testing::Test {
 protected:
  LaunchElsewhere() {
    write_text(agent_,
               "#!/bin/sh\nshift\nexec env -i \"PATH=$PATH\" \"HOME=$HOME\" OMPI_ALLOW_RUN_AS_ROOT=1 "
               "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 sh -c \"$*\"\n");
    chmod(agent_.c_str(), 0700);
  }
  Command launching_on(const std::string& hosts) const {
    Command command =
        launching(spin_run(path_, {}, "4"), "",
                  {"--hosts", hosts, "--mpirun=--mca", "--mpirun=plm_rsh_agent", "--mpirun=" + agent_});
    command.environment["MPIFARM_TOKEN"] = "a secret";
    return command;
  }

  const Workspace work_;
  const std::string path_ = work_ / "run", agent_ = work_ / "agent";
};

TEST_F(LaunchElsewhere, HearsOfRankZero) {
  expect_status(run(launching_on("elsewhere")), 0);
  expect_whole(path_);
  EXPECT_EQ(summary_of(path_).whole("starts"), 1u);
}

TEST_F(LaunchElsewhere, HandsTheTokenOn) {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  expect_status(run(launching_on(std::string{name.data()} + ",elsewhere")), 0);
  expect_whole(path_);
  EXPECT_EQ(summary_of(path_).whole("ranks"), 2u);
}

TEST(LaunchElsewhereThatIsNowhere, IsAFailureOfTheMachinery) {
  const Workspace work;
  const std::string agent = work / "agent";
  write_text(agent, "#!/bin/sh\nsleep 1\nexit 255\n");  // as ssh, which first looks for the host
  chmod(agent.c_str(), 0700);
  const Ended ended =
      run(launching(spin_run(work / "run"), "",
                    {"--hosts", "nowhere", "--mpirun=--mca", "--mpirun=plm_rsh_agent", "--mpirun=" + agent}));
  expect_status(ended, 3);
  EXPECT_FALSE(std::filesystem::exists(work / "run"));
}

TEST(Launch, SaysWhatItWouldRunOnHowManyRanks) {
  const Ended ended = run(mpifarm({"launch", "-n", "8", "--", "squares", "--dry-run"}));
  expect_status(ended, 0);
  EXPECT_NE(ended.out.find("would run squares on 8 ranks"), std::string::npos) << ended.out;
}

}  // namespace
}  // namespace mpifarm::e2e

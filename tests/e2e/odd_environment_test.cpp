// Variables that a dead launcher has left behind, a terminal that is gone, and a limit on failures that is
// reached while a rank has more to do.

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

using Environment = std::map<std::string, std::string>;

// Each set claims that the process is one of several ranks.
const std::map<std::string, Environment>& claims() {
  static const std::map<std::string, Environment> all{
      {"open_mpi", {{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}}},
      {"open_mpi_all",
       {{"OMPI_COMM_WORLD_RANK", "2"},
        {"OMPI_COMM_WORLD_SIZE", "4"},
        {"OMPI_COMM_WORLD_LOCAL_RANK", "2"},
        {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
        {"OMPI_COMM_WORLD_NODE_RANK", "2"},
        {"OMPI_UNIVERSE_SIZE", "4"}}},
      {"rank_0", {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}}},
      {"no_numbers", {{"OMPI_COMM_WORLD_RANK", "x"}, {"OMPI_COMM_WORLD_SIZE", ""}}},
      {"slurm", {{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "2"}}}};
  return all;
}

class Claim : public ExecRun, public testing::WithParamInterface<std::string> {
 protected:
  Ended claiming(const Arguments& arguments) const {
    Command command = mpifarm(arguments);
    command.environment = claims().at(GetParam());
    command.directory = work_.path();
    return run(command);
  }
  Ended plain(const Arguments& arguments) const {
    Command command = mpifarm(arguments);
    command.directory = work_.path();
    return run(command);
  }
};

TEST_P(Claim, SilencesNothing) {
  expect_status(plain({"run", "exec", "--param", "n=1..3", "--run", "old", "--", "echo", "{n}"}), 0);
  const std::vector<Arguments> commands{{"list"},
                                        {"status", "old"},
                                        {"status", "old", "--json"},
                                        {"results", "old"},
                                        {"results", "old", "--format", "joblog"},
                                        {"output", "old"},
                                        {"output", "old", "1"},
                                        {"retry-line", "old", "1"},
                                        {"describe", "squares"},
                                        {"--help"},
                                        {"run", "--help"},
                                        {"run", "squares", "--help"},
                                        {"--version"},
                                        {},
                                        {"sttaus"},
                                        {"status", "nowhere"},
                                        {"results", "nowhere"},
                                        {"stop", "old"},
                                        {"resume", "nowhere"},
                                        {"run", "sqares"},
                                        {"run", "squares", "--to", "x"},
                                        {"run", "squares", "--nonsense"},
                                        {"run", "exec", "--param", "n=1", "--", "echo", "{m}"},
                                        {"merge", "old", "--run", "whole"}};
  for (const Arguments& arguments : commands) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const Ended wanted = plain(arguments), ended = claiming(arguments);
    ASSERT_FALSE(wanted.out.empty() && wanted.err.empty());
    expect_status(ended, wanted.status);
    EXPECT_EQ(ended.out, wanted.out);
    EXPECT_EQ(ended.err, wanted.err);
  }
}

TEST_P(Claim, IsNoReasonNotToCompute) {
  const Ended ended = claiming({"run", "squares", "--to", "1000", "--run", "run"});
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "largest square: 998001\n");
  EXPECT_THAT(ended.err, HasSubstr("squares complete"));
  EXPECT_EQ(summary_of(work_ / "run").whole("succeeded"), 1000u);
  EXPECT_EQ(summary_of(work_ / "run").whole("ranks"), 1u);
  const Ended resumed = claiming({"resume", "run"});
  expect_status(resumed, 0);
  EXPECT_EQ(resumed.out, ended.out);
  expect_status(claiming({"run", "exec", "--param", "n=1..3", "--run", "words", "--", "echo", "{n}"}), 0);
  EXPECT_EQ(claiming({"output", "words"}).out, "1\n2\n3\n");
  const Ended simulated = claiming({"simulate", "--nodes", "2", "--slots", "2", "--count", "100"});
  expect_status(simulated, 0);
  EXPECT_NE(simulated.out + simulated.err, "");
}

INSTANTIATE_TEST_SUITE_P(Variables, Claim,
                         testing::Values("open_mpi", "open_mpi_all", "rank_0", "no_numbers", "slurm"),
                         [](const auto& name) { return name.param; });

class Launcher : public ExecRun {};

// A run is refused there: each rank of another MPI would take itself for the only one.
TEST_F(Launcher, OfAnotherMpiSilencesNothing) {
  expect_run({"--param", "n=1..3", "--", "echo", "{n}"});
  for (const Arguments& arguments :
       {Arguments{"list"}, Arguments{"status", path_}, Arguments{"results", path_},
        Arguments{"output", path_}, Arguments{"--version"}, Arguments{"sttaus"},
        Arguments{"results", path_ + "0"}}) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    Command command = mpifarm(arguments);
    const Ended wanted = run(command);
    command.environment = {{"PMI_RANK", "2"}, {"PMI_SIZE", "4"}};
    const Ended ended = run(command);
    expect_status(ended, wanted.status);
    EXPECT_EQ(ended.out + ended.err, wanted.out + wanted.err);
  }
}

TEST_F(Launcher, ThatIsGoneIsNoReasonNotToLaunch) {
  Command command = mpifarm({"launch", "-n", "2", "--", "squares", "--to", "100", "--run", path_});
  command.environment = claims().at("open_mpi");
  const Ended ended = run(command);
  expect_status(ended, 0);
  EXPECT_EQ(ended.out, "largest square: 9801\n");
  EXPECT_EQ(summary_of(path_).whole("ranks"), 2u);
}

// Ranks that are ranks still say nothing but once.
TEST_F(Launcher, LetsOneRankOfManySpeak) {
  const Ended refused = run(mpirun(3, {"run", "squares", "--to", "x"}));
  expect_refused(refused, {"--to"});
  const Ended listed = run(mpirun(3, {"list"}));
  expect_status(listed, 0);
  EXPECT_EQ(listed.out, run(mpifarm({"list"})).out);
}

// Standard output is a terminal, or a pipe, whose other end is closed.
Command without_reader(Command command, const std::string& pair) {
  const auto at = std::ranges::find(command.arguments, program());
  const Arguments wrapper{"/usr/bin/python3", "-c",
                          "import os, sys\nother, out = os." + pair +
                              "()\nos.dup2(out, 1)\nos.close(other)\nos.execv(sys.argv[1], sys.argv[1:])"};
  command.arguments.insert(at, wrapper.begin(), wrapper.end());
  return command;
}

class NoReader : public ExecRun, public testing::WithParamInterface<std::tuple<std::string, int>> {};

TEST_P(NoReader, OfTheConclusionIsAReasonForAFurtherStart) {
  const auto& [pair, ranks] = GetParam();
  const Ended ended =
      run(without_reader(on_ranks(ranks, {"run", "squares", "--to", "100", "--run", path_}), pair));
  expect_status(ended, ranks == 0 ? 3 : 75);
  EXPECT_EQ(summary_of(path_).text("status"), "complete");
  const Ended again = run(on_ranks(ranks, {"resume", path_}));
  expect_status(again, 0);
  EXPECT_EQ(again.out, "largest square: 9801\n");
  EXPECT_EQ(summary_of(path_).whole("succeeded"), 100u);
}

// os.pipe gives the reading end first, os.openpty the end that a terminal's program holds.
INSTANTIATE_TEST_SUITE_P(Ends, NoReader,
                         testing::Combine(testing::Values("openpty", "pipe"), testing::Values(0, 1, 2)),
                         [](const auto& both) {
                           return std::get<0>(both.param) + "_on" + std::to_string(std::get<1>(both.param));
                         });

class HaltedSlot : public ExecRun {
 protected:
  // A list of commands that note themselves and fail.
  static Arguments failing(const Arguments& flags, const std::string& script = "echo {n} >> ran; exit 1") {
    return Arguments{"--threads", "1", "--param", "n=1..20"} + flags + Arguments{"--shell", "--", script};
  }
  void expect_begun(std::size_t fewest, std::size_t most) const {
    EXPECT_GE(noted().size(), fewest);
    EXPECT_LE(noted().size(), most);
    fs::remove(work_ / "ran");
  }

  int runs_ = 0;
};

TEST_F(HaltedSlot, BeginsNothingAfterTheFailureOnItsSlot) {
  for (const std::string manner : {"soon", "now"})
    for (const Arguments& batch : {Arguments{"--batch", "1"}, Arguments{}, Arguments{"--batch", "5"},
                                   Arguments{"--batch", "1", "--prefetch", "8"}}) {
      SCOPED_TRACE(manner + testing::PrintToString(batch));
      in_run("run" + std::to_string(runs_++));
      expect_run(failing(Arguments{"--halt", manner + ",fail=1"} + batch), 1);
      expect_begun(1, 1);
      EXPECT_EQ(summary_of(path_).whole("attempts"), 1u);
      EXPECT_EQ(summary_of(path_).whole("failed"), 1u);
    }
}

TEST_F(HaltedSlot, CountsItsFailures) {
  for (const std::string limit : {"fail=2", "fail=10%"}) {
    SCOPED_TRACE(limit);
    in_run("run" + std::to_string(runs_++));
    expect_run(failing({"--halt", "soon," + limit}), 1);
    expect_begun(2, 2);
  }
  in_run("later");
  expect_run(failing({"--halt", "soon,fail=1"}, "echo {n} >> ran; [ {n} != 7 ]"), 1);
  expect_begun(7, 7);
  in_run("retried");
  expect_run(failing({"--halt", "soon,fail=1", "--retries", "2"}), 1);
  EXPECT_GE(noted().size(), 3u);
  EXPECT_EQ(summary_of(path_).whole("failed"), 1u);
}

TEST_F(HaltedSlot, BeginsOneTaskASlotOnManyRanks) {
  for (const std::string manner : {"soon", "now"})
    for (const Arguments& batch : {Arguments{"--batch", "1"}, Arguments{}}) {
      SCOPED_TRACE(manner + testing::PrintToString(batch));
      in_run("run" + std::to_string(runs_++));
      expect_run(failing(Arguments{"--halt", manner + ",fail=1"} + batch), 1, 3);
      expect_begun(1, 3);
    }
}

TEST_F(HaltedSlot, HoldsForAPipeAndForAResume) {
  Command command = shell(0,
                          "yes 'echo x >> ran; exit 1' | head -n 20 | $MPIFARM run exec --commands - "
                          "--threads 1 --halt soon,fail=1 --run " +
                              path_);
  command.directory = work_.path();
  expect_status(run(command), 1);
  expect_begun(1, 1);
  in_run("resumed");
  expect_run(failing({"--halt", "soon,fail=1"}), 1);
  expect_begun(1, 1);
  Command again = mpifarm({"resume", path_, "--halt", "soon,fail=2", "--threads", "1"});
  again.directory = work_.path();
  expect_status(run(again), 1);
  expect_begun(2, 2);  // failures of this start count
  expect_status(run(mpifarm({"resume", path_, "--halt", "never"})), 1);
  EXPECT_EQ(summary_of(path_).whole("failed"), 20u);
}

TEST_F(HaltedSlot, HoldsForTheTasksOfAJob) {
  for (const std::string isolation : {"thread", "process"})
    for (const Arguments& batch : {Arguments{"--batch", "1"}, Arguments{}}) {
      SCOPED_TRACE(isolation + testing::PrintToString(batch));
      const std::string path = in_run("run" + std::to_string(runs_++));
      const Command command{
          Arguments{trouble_job(), "run",    "trouble",     "--count",   "50",      "--poison", "0",
                    "--every",     "1",      "--manner",    "throw",     "--pause", "0.01",     "--threads",
                    "1",           "--halt", "soon,fail=1", "--isolate", isolation, "--run",    path} +
          batch};
      expect_status(run(command), 1);
      EXPECT_EQ(summary_of(path).whole("attempts"), 1u);
    }
}

}  // namespace
}  // namespace mpifarm::e2e

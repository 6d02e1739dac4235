// How many commands run at once on a rank (--slots-per-task), and how failures are put into groups and told.

#include <unistd.h>

#include <array>
#include <csignal>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ExecSlots : public ExecRun {
 protected:
  // Fails when two of them have the same slot at once.
  const Arguments held_{"--shell", "--", "mkdir held-{slot} && sleep 0.03 && rmdir held-{slot}"};

  Json expect_slots(std::uint64_t threads, std::uint64_t slots_per_task) const {
    Json summary = summary_of(path_);
    EXPECT_EQ(summary.whole("threads"), threads);
    EXPECT_EQ(summary.whole("slots_per_task"), slots_per_task);
    EXPECT_GT(summary.number("utilisation"), 0.0);
    EXPECT_LE(summary.number("utilisation"), 1.0);
    return summary;
  }
};

TEST_F(ExecSlots, AreOneForATaskUnlessToldOtherwise) {
  expect_run(Arguments{"--threads", "2", "--batch", "1", "--param", "n=1..10"} + held_);
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1"));
  expect_slots(2, 1);
}

TEST_F(ExecSlots, OfATaskLeaveRoomForFewerAtOnce) {
  expect_run(Arguments{"--threads", "4", "--slots-per-task", "2", "--batch", "1", "--param", "n=1..20"} +
             held_);
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1"));
  expect_slots(4, 2);
}

TEST_F(ExecSlots, ThatMakeNoWholeTaskAreNotInUse) {
  expect_run(Arguments{"--threads", "5", "--slots-per-task", "2", "--batch", "1", "--param", "n=1..20"} +
             held_);
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1"));
  expect_slots(4, 2);
}

TEST_F(ExecSlots, MayAllBeOfOneTask) {
  expect_run({"--threads", "4", "--slots-per-task", "4", "--param", "n=1..5", "--shell", "--",
              "echo $MPIFARM_SLOT"});
  EXPECT_EQ(output(), "0\n0\n0\n0\n0\n");
  expect_slots(4, 4);
}

TEST_F(ExecSlots, HaveNumbersOverAllRanksOfAHost) {
  expect_run(
      Arguments{"--threads", "4", "--slots-per-task", "2", "--batch", "1", "--param", "n=1..40"} + held_, 0,
      2);
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(kinds_of("rank"), ElementsAre("0", "1"));
  expect_slots(8, 2);
}

TEST_F(ExecSlots, OfARankWithTooFewAreIdleAndThatIsSaid) {
  const Ended ended = expect_run(Arguments{"--threads", "4", "--master-slots", "1", "--slots-per-task", "2",
                                           "--batch", "1", "--param", "n=1..12"} +
                                     held_,
                                 0, 2);
  EXPECT_THAT(own_lines(ended), Contains(AllOf(HasSubstr("rank 0"), HasSubstr("slot")))) << ended.err;
  EXPECT_THAT(kinds_of("rank"), ElementsAre("1"));
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1"));
  expect_slots(4, 2);
}

TEST_F(ExecSlots, BeyondThoseOfEveryRankAreRefused) {
  const Arguments job{"--param", "n=1", "--", "true"};
  refused(Arguments{"--threads", "5", "--slots-per-task", "7"} + job, {"--slots-per-task", "7", "5"});
  refused(Arguments{"--threads", "5", "--master-slots", "3", "--slots-per-task", "6"} + job,
          {"--slots-per-task", "6", "5"}, 2);
  EXPECT_THAT(work_.names(), IsEmpty());
}

TEST_F(ExecSlots, AreAWholeNumberAboveNothing) {
  for (const char* value : {"0", "-1", "two", "1.5", "", "99999999999999999999"})
    refused({"--slots-per-task", value, "--param", "n=1", "--", "true"}, {"--slots-per-task"});
  EXPECT_THAT(work_.names(), IsEmpty());
  expect_run({"--slots-per-task", "1", "--param", "n=1", "--", "true"});
}

TEST_F(ExecSlots, AreForEveryJob) {
  const Arguments job{"run", "squares", "--to", "5000", "--threads", "4"};
  expect_status(run(mpifarm(job + Arguments{"--run", in_run("plain")})), 0);
  const std::string digest = digest_of(path_);
  expect_status(run(mpirun(2, job + Arguments{"--slots-per-task", "3", "--run", in_run("wide")})), 0);
  EXPECT_EQ(digest_of(path_), digest);
  EXPECT_EQ(expect_slots(6, 3).whole("succeeded"), 5000u);
  in_run("narrow");
  expect_refused(run(mpifarm(job + Arguments{"--slots-per-task", "5", "--run", path_})),
                 {"--slots-per-task", "5", "4"});
  EXPECT_FALSE(exists("narrow"));
}

TEST_F(ExecSlots, AreForTasksThatAreIsolated) {
  expect_status(run(mpifarm({"run", "spin", "--count", "20", "--wait", "--duration", "0.01", "--isolate",
                             "process", "--threads", "4", "--slots-per-task", "2", "--run", path_})),
                0);
  EXPECT_EQ(expect_slots(4, 2).whole("succeeded"), 20u);
}

TEST_F(ExecSlots, MayChangeWhenARunIsCarriedOn) {
  Process process{exec(0, {"--threads", "4", "--batch", "1", "--param", "n=1..80", "--shell", "--",
                           "mkdir held-{slot} && sleep 0.05 && rmdir held-{slot}; echo {n}"})};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 8));
  process.signal(SIGTERM);
  expect_status(process.wait(), 75);
  expect_refused(run(mpifarm({"resume", path_, "--quiet", "--threads", "4", "--slots-per-task", "9"})),
                 {"--slots-per-task", "9", "4"});
  expect_status(run(mpifarm({"resume", path_, "--threads", "4", "--slots-per-task", "2"})), 0);
  const Json summary = expect_slots(4, 2);
  EXPECT_GE(summary.whole("resumed"), 8u);
  EXPECT_EQ(summary.whole("succeeded"), 80u);
}

TEST_F(ExecSlots, AreGivenToLaunchToo) {
  Command command = mpifarm({"launch", "-n", "2", "--", "exec", "--threads", "3", "--slots-per-task", "3",
                             "--batch", "1", "--param", "n=1..10", "--run", path_, "--", "sleep", "0.03"});
  expect_status(run(command), 0);
  EXPECT_THAT(kinds_of("slot"), ElementsAre("0", "1"));
  expect_slots(6, 3);
}

class ExecTriage : public ExecRun {
 protected:
  struct Group {
    std::string status, message;
    std::uint64_t count, first_task;
    bool operator==(const Group&) const = default;
    friend void PrintTo(const Group& group, std::ostream* out) {
      *out << group.status << " | " << group.message << " | " << group.count << " from " << group.first_task;
    }
  };
  static std::string this_host() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    return name.data();
  }
  // By their first task. All are of this host.
  std::vector<Group> groups() const {
    std::vector<Group> found;
    for (const Json& group : summary_of(path_).list("failures")) {
      found.push_back(
          {group.text("status"), group.text("message"), group.whole("count"), group.whole("first_task")});
      EXPECT_EQ(group.text("hosts"), "[\"" + this_host() + "\"]");
    }
    std::ranges::sort(found, {}, &Group::first_task);
    return found;
  }
  // The line that holds a text, and the one behind it.
  static std::string about(const std::string& what, const std::string& text) {
    const std::vector<std::string> lines = lines_of(text);
    const auto found =
        std::ranges::find_if(lines, [&](const std::string& line) { return line.find(what) != line.npos; });
    if (found == lines.end()) return {};
    return *found + "\n" + (found + 1 == lines.end() ? "" : *(found + 1));
  }
};

TEST_F(ExecTriage, TellsExitStatusesApart) {
  expect_run({"--param", "n=0..9", "--shell", "--", "exit $(({n} % 2 + 3))"}, 1);
  EXPECT_THAT(groups(),
              ElementsAre(Group{"failed", "exit status 3", 5, 0}, Group{"failed", "exit status 4", 5, 1}));
}

TEST_F(ExecTriage, TellsSignalsApart) {
  write_text(work_ / "list", "kill -9 $$\nkill -15 $$\nexit 137\nkill -9 $$\n");
  expect_run({"--commands", "list"}, 1);
  const std::vector<Group> found = groups();
  ASSERT_EQ(found.size(), 3u) << testing::PrintToString(found);
  EXPECT_EQ(found[0].count, 2u);
  EXPECT_THAT(found[0].message, HasSubstr("signal 9"));
  EXPECT_THAT(found[1].message, HasSubstr("signal 15"));
  EXPECT_EQ(found[2].message, "exit status 137");
}

TEST_F(ExecTriage, TellsOutcomesApart) {
  expect_run({"--param", "n=0..3", "--threads", "4", "--timeout", "0.4", "--shell", "--",
              "echo stuck >&2; [ {n} -gt 1 ] && exit 1; sleep 100"},
             1);
  const std::vector<Group> found = groups();
  ASSERT_EQ(found.size(), 2u) << testing::PrintToString(found);
  EXPECT_EQ(found[0].status, "timed out");
  EXPECT_EQ(found[0].count, 2u);
  EXPECT_EQ(found[1], (Group{"failed", "exit status 1: stuck", 2, 2}));
}

TEST_F(ExecTriage, PutsLinesTogetherThatDifferInNumbersAndQuotedTextsAlone) {
  const std::vector<std::string> lines{"step 1 of x1f failed",  "step 22 of x2e7 failed",
                                       "cannot open \"alpha\"", "cannot open \"beta gamma\"",
                                       "cannot open a file",    "cannot open the file"};
  std::string list;
  for (const std::string& line : lines) list += "echo '" + line + "' >&2; exit 1\n";
  write_text(work_ / "list", list);
  expect_run({"--commands", "list"}, 1);
  EXPECT_THAT(groups(), ElementsAre(Group{"failed", "exit status 1: step 1 of x1f failed", 2, 0},
                                    Group{"failed", "exit status 1: cannot open \"alpha\"", 2, 2},
                                    Group{"failed", "exit status 1: cannot open a file", 1, 4},
                                    Group{"failed", "exit status 1: cannot open the file", 1, 5}));
}

TEST_F(ExecTriage, IsTheSameOnManyRanks) {
  expect_run({"--batch", "1", "--param", "n=0..29", "--shell", "--", "sleep 0.01; exit $(({n} % 3))"}, 1, 3);
  EXPECT_THAT(groups(),
              ElementsAre(Group{"failed", "exit status 1", 10, 1}, Group{"failed", "exit status 2", 10, 2}));
}

TEST_F(ExecTriage, KnowsNoHostsOfOtherJobs) {
  expect_status(
      run(mpifarm({"run", "spin", "--count", "5", "--duration", "0", "--fail-rate", "1", "--run", path_})),
      1);
  const std::vector<Json> found = summary_of(path_).list("failures");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].whole("count"), 5u);
  EXPECT_TRUE(found[0].list("hosts").empty());
}

TEST_F(ExecTriage, IsToldAtTheEndAndByStatus) {
  const Ended ended = expect_run(
      {"--param", "n=0..39", "--shell", "--", "[ {n} -lt 29 ] || (echo lost the sheep >&2; exit 5)"}, 1);
  const Ended status = run(mpifarm({"status", path_}));
  expect_status(status, 0);
  for (const std::string& text : {ended.err, status.out}) {
    const std::string told = about("lost the sheep", text);
    for (const std::string& part :
         {std::string{"exit status 5"}, std::string{"11"}, std::string{"29"}, this_host()})
      EXPECT_THAT(told, HasSubstr(part)) << text;
  }
}

TEST_F(ExecTriage, WarnsWhileItRunsThatTheFirstTasksAllFailed) {
  Process process{exec(0, {"--threads", "1", "--batch", "1", "--param", "n=1..12", "--shell", "--",
                           "if [ {n} -le 10 ]; then echo no sheep here >&2; exit 3; fi; "
                           "while [ ! -e go ]; do sleep 0.02; done"})};
  const bool warned = wait_until(
      [&] {
        return !process.running() ||
               (std::filesystem::exists(path_ + "/log.txt") &&
                read_text(path_ + "/log.txt").find("no sheep here") != std::string::npos);
      },
      std::chrono::seconds{15});
  EXPECT_TRUE(warned && process.running()) << "it did not warn while it ran";
  write_text(work_ / "go", "");
  const Ended ended = process.wait();
  expect_status(ended, 1);
  const auto warning = AllOf(HasSubstr("first"), HasSubstr("failed"),
                             HasSubstr("exit status 3: no sheep here"), HasSubstr(this_host()));
  EXPECT_THAT(own_lines(ended), Contains(warning).Times(1)) << ended.err;
}

TEST_F(ExecTriage, DoesNotWarnWhenOneOfTheFirstSucceeded) {
  const Ended ended = expect_run({"--threads", "1", "--param", "n=1..30", "--shell", "--", "[ {n} = 5 ]"}, 1);
  EXPECT_THAT(own_lines(ended), Not(Contains(AllOf(HasSubstr("first"), HasSubstr("failed"))))) << ended.err;
}

TEST_F(ExecTriage, SaysWhenAllOfAFewFailed) {
  const auto says_so = ContainsRegex("([Aa]ll|[Ee]very)[^\n]* fail|fail[^\n]* (all|every)");
  EXPECT_THAT(expect_run({"--param", "n=1..3", "--", "false"}, 1).err, says_so);
  in_run("other");
  EXPECT_THAT(expect_run({"--param", "n=1..3", "--shell", "--", "[ {n} = 2 ]"}, 1).err, Not(says_so));
}

TEST_F(ExecTriage, WarnsOfAProgramThatIsNowhere) {
  const Ended ended = expect_run({"--threads", "1", "--param", "n=1..12", "--", "no-such-program", "{n}"}, 1);
  const std::vector<std::string> lines = own_lines(ended);
  ASSERT_GE(lines.size(), 2u) << ended.err;
  EXPECT_THAT(lines[0], AllOf(HasSubstr("no-such-program"), Not(HasSubstr("first"))));
  EXPECT_THAT(lines, Contains(AllOf(HasSubstr("first"), HasSubstr("failed"),
                                    HasSubstr("no-such-program: command not found"))));
}

TEST_F(ExecTriage, DoesNotWarnOfProgramsThatAreThere) {
  std::filesystem::create_directories(work_ / "there/bin");
  for (const char* name : {"there/tool", "there/bin/other"}) {
    write_text(work_ / name, "#!/bin/sh\n");
    std::filesystem::permissions(work_ / name, std::filesystem::perms::owner_all);
  }
  const std::vector<Arguments> jobs{
      {"--param", "n=1", "--", "true"},
      {"--param", "n=1", "--shell", "--", "true no-such-program"},
      {"--param", "n=tr", "--", "{n}ue"},
      {"--param", "n=1", "--chdir", "there", "--", "./tool"},
      {"--param", "n=1", "--env", "PATH=" + (work_ / "there/bin").string(), "--", "other"}};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    in_run(std::to_string(i));
    EXPECT_THAT(own_lines(expect_run(jobs[i])), ElementsAre(HasSubstr("exec complete"))) << i;
  }
}

// Three hosts by name: what a node's daemon says counts more than the machine's own.
TEST_F(ExecTriage, FencesAHostWhereEverythingFails) {
  std::string line = "mpirun";
  for (const char* host : {"good", "bad", "fine"})
    line += std::string{host == std::string{"good"} ? "" : " :"} + " -n 1 env SLURMD_NODENAME=" + host +
            " $MPIFARM run exec --run " + path_ +
            " --threads 1 --param n=1..200 --shell -- 'test $SLURMD_NODENAME != bad && sleep 0.005'";
  const Ended ended = run(shell(0, line));
  EXPECT_THAT(ended.err, HasSubstr("bad is given no more tasks"));
  const Json summary = summary_of(path_);
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_GE(summary.whole("failed"), 10u);
  EXPECT_LE(summary.whole("failed"), 80u) << "it takes most of the list";
  EXPECT_THAT(read_text(path_ + "/summary.json"),
              testing::ContainsRegex("\"fenced_hosts\": \\[\\s*\"bad\"\\s*\\]"));
  std::vector<std::string> hosts = cells("host"), statuses = cells("status");
  for (std::size_t i = 0; i < hosts.size(); ++i) EXPECT_EQ(hosts[i] == "bad", statuses[i] == "failed");
}

}  // namespace
}  // namespace mpifarm::e2e

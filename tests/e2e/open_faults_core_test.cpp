// Faults of the core that are known and not mended yet: each test asks for the right outcome.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <regex>

#include "support/exec_run.hpp"
#include "support/open_fault.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

// Runs a job of support/open_faults_job.cpp, in its first layout.
Command faulty_job(const Arguments& arguments) { return {Arguments{MPIFARM_OPEN_FAULTS_JOB} + arguments}; }
// Runs the same with the second layout.
Command rebuilt_job(const Arguments& arguments) { return {Arguments{MPIFARM_REBUILT_JOB} + arguments}; }

// Looks for a line of the program's own in which all patterns (ECMAScript, of either case) are found.
bool says(const Ended& ended, const std::vector<std::string>& patterns) {
  const std::vector<std::string> lines = own_lines(ended);
  return std::ranges::any_of(lines, [&](const std::string& line) {
    return std::ranges::all_of(patterns, [&](const std::string& pattern) {
      return std::regex_search(line, std::regex{pattern, std::regex::icase});
    });
  });
}

class OpenFaultsCore : public ExecRun {
 protected:
  Arguments job_run(const Arguments& job) const { return Arguments{"run"} + job + Arguments{"--run", path_}; }
};

class RebuiltJob : public OpenFaultsCore {
 protected:
  // Kills a run of the first build that has five of its ten outcomes.
  void interrupt() {
    Command command = faulty_job(job_run({"rebuilt", "--batch", "1"}));
    command.environment["OPEN_FAULTS_HOLD"] = "1";
    Process process{command};
    ASSERT_TRUE(wait_for_outcomes(process, path_, 5));
    process.kill_all();
  }
  static bool names_a_field(const Ended& ended) { return ended.status == 2 && says(ended, {"apples|pears"}); }
};

// This control shows that the build with the first layout carries the run on.
TEST_F(RebuiltJob, AsItWasIsResumed) {
  interrupt();
  expect_status(run(faulty_job({"resume", path_})), 0);
  EXPECT_EQ(summary_of(path_).whole("resumed"), 5u);
  std::string wanted = "id,status,apples,pears,message\n";
  for (int n = 0; n < 10; ++n) wanted += fmt::format("{},succeeded,{},{},\n", n, n, 1000 + n);
  EXPECT_EQ(results_of(path_), wanted);
}

TEST_F(RebuiltJob, WithOtherResultsIsNotResumed) {
  interrupt();
  expect_still_open("E4", names_a_field(run(rebuilt_job({"resume", path_}))));
}

// Asked for results by name, it either refuses or has them right.
TEST_F(RebuiltJob, DoesNotMistakeResultsOfTheOther) {
  interrupt();
  const Ended wanted = run(faulty_job({"results", path_, "--format", "jsonl"}));
  expect_status(wanted, 0);
  ASSERT_EQ(lines_of(wanted.out).size(), 5u);
  EXPECT_EQ(Json::parse(lines_of(wanted.out)[3]).whole("pears"), 1003u) << wanted.out;
  const Ended shown = run(rebuilt_job({"results", path_, "--format", "jsonl"}));
  const auto is_right = [&] {
    const std::vector<std::string> lines = lines_of(shown.out);
    return lines.size() == 5 && Json::parse(lines[3]).whole("pears") == 1003;
  };
  expect_still_open("E4", names_a_field(shown) || (shown.status == 0 && is_right()));
}

class KilledStream : public OpenFaultsCore {
 protected:
  // Kills a run of 300 tasks from a pipe, whose first ten have failed, and returns whether `status` names one
  // of them.
  bool names_a_task_that_failed(const std::string& order) {
    Process process{[&] {
      Command command = shell(
          0, "(echo n; seq 0 299) | exec $MPIFARM run exec --tasks - --run " + path_ + " --order " + order +
                 " --threads 1 --batch 1 --shell -- 'echo {n} >> ran; [ $(wc -l < ran) -le 10 ] || "
                 "while :; do sleep 1; done; exit 3'");
      command.directory = work_.path();
      return command;
    }()};
    EXPECT_TRUE(wait_for_outcomes(process, path_, 10));
    EXPECT_TRUE(wait_until([&] { return noted().size() == 11; }));
    EXPECT_EQ(status_of(path_).text("status"), "running");
    process.kill_all();
    const Json status = status_of(path_);
    EXPECT_EQ(status.text("status"), "unfinished");
    EXPECT_EQ(status.whole("tasks"), 300u);
    EXPECT_EQ(status.whole("failed"), 10u);
    std::vector<std::string> failed = noted();
    failed.pop_back();
    const std::vector<Json> groups = status.list("failures");
    return !groups.empty() && std::ranges::all_of(groups, [&](const Json& group) {
      return std::ranges::count(failed, std::to_string(group.whole("first_task"))) == 1;
    });
  }
};

// This control shows that names are right where tasks are handed out in their own order.
TEST_F(KilledStream, InItsOwnOrderNamesItsFailedTasks) { EXPECT_TRUE(names_a_task_that_failed("fifo")); }

TEST_F(KilledStream, UnderLifoNamesItsFailedTasks) {
  expect_still_open("E5", names_a_task_that_failed("lifo"));
}

TEST_F(KilledStream, ShuffledNamesItsFailedTasks) {
  expect_still_open("E5", names_a_task_that_failed("shuffle"));
}

class MemoryOfRankZero : public OpenFaultsCore {
 protected:
  static constexpr long most_kilobytes = 150'000;

  // Two hundred megabytes of tasks or results wait while the first task lasts. Returns whether they were held
  // within 64 MB and what the program takes besides.
  bool is_bounded(const Arguments& flags) {
    const Ended small = run(faulty_job(job_run(Arguments{"fat", "--count", "10"} + flags)));
    expect_status(small, 0);
    EXPECT_LT(small.peak_kilobytes, most_kilobytes);
    in_run("large");
    const Ended ended = run(faulty_job(job_run(Arguments{"fat", "--count", "4000", "--straggler"} + flags)));
    expect_status(ended, 0);
    EXPECT_EQ(summary_of(path_).whole("succeeded"), 4000u);
    return ended.peak_kilobytes < most_kilobytes;
  }
};

TEST_F(MemoryOfRankZero, IsBoundedForLargeTasks) {
  expect_still_open("E6", is_bounded({"--threads", "1", "--batch", "1"}));
}

TEST_F(MemoryOfRankZero, IsBoundedForResultsBehindAStraggler) {
  expect_still_open("E6", is_bounded({"--fat-results", "--durability", "none", "--threads", "2"}));
}

class DeepRecursion : public OpenFaultsCore {
 protected:
  // Runs a task that takes four megabytes of stack.
  Ended descend(const std::string& stack_limit) {
    Command command{{"/bin/sh", "-c", "ulimit -s " + stack_limit + " && exec \"$@\"", "sh",
                     MPIFARM_OPEN_FAULTS_JOB, "run", "deep", "--kilobytes", "4096", "--run", path_}};
    return run(command);
  }
};

TEST_F(DeepRecursion, FitsAStackWithoutLimit) {
  rlimit limit{};
  getrlimit(RLIMIT_STACK, &limit);
  if (limit.rlim_max != RLIM_INFINITY) GTEST_SKIP() << "the hard limit of the stack cannot be lifted";
  expect_status(descend("8192"), 0);
  EXPECT_EQ(results_of(path_), "id,status,frames,message\n0,succeeded,4097,\n");
  in_run("unlimited");
  const Ended ended = descend("unlimited");
  EXPECT_FALSE(ended.late);
  expect_still_open("E9", ended.status == 0 && summary_of(path_).whole("succeeded") == 1);
}

class ListHeader : public OpenFaultsCore {
 protected:
  Ended run_columns(int columns, seconds deadline) {
    std::string header, row;
    for (int column = 0; column < columns; ++column) {
      header += fmt::format("{}c{}", column == 0 ? "" : ",", column);
      row += column == 0 ? "1" : ",1";
    }
    write_text(work_ / "list.csv", header + "\n" + row + "\n");
    Command command = exec(0, {"--dry-run", "--tasks", "list.csv", "--", "echo", "{c1}"});
    command.deadline = deadline;
    return run(command);
  }
};

// The check takes 8 s or more when its time grows with the square of the columns, and 0.2 s otherwise.
TEST_F(ListHeader, OfManyColumnsIsCheckedInTime) {
  const Ended few = run_columns(1000, seconds{60});
  expect_status(few, 0);
  EXPECT_THAT(few.out, testing::HasSubstr("\"c999\":\"1\""));
  const Ended many = run_columns(60'000, seconds{3});
  expect_still_open("E11", !many.late && many.status == 0);
}

// No command could be given it: Linux takes at most 128 kB for an argument.
TEST_F(OpenFaultsCore, AFormatOfExcessiveWidthIsRefused) {
  expect_status(run(exec(0, {"--dry-run", "--param", "x=1", "--", "echo", "{x:100d}"})), 0);
  const Ended wide = run(exec(0, {"--dry-run", "--param", "x=1", "--", "echo", "{x:100000000d}"}));
  EXPECT_FALSE(wide.late);
  expect_still_open("E11", wide.status == 2 && says(wide, {"100000000d|width"}));
}

class Thrower : public OpenFaultsCore {
 protected:
  // Returns whether the exception's own text and where it was thrown stand in one line.
  bool says_where(const Arguments& job, const std::string& place) {
    const Ended ended = run(faulty_job(job_run(job)));
    EXPECT_FALSE(ended.late);
    EXPECT_THAT(ended.err, testing::HasSubstr("stoi"));
    return (ended.status == 2 || ended.status == 3) && says(ended, {"stoi", place});
  }
};

// This control shows that the job ends well unless it is told to throw.
TEST_F(Thrower, ThatDoesNotThrowSucceeds) {
  expect_status(run(faulty_job(job_run({"indexed", "--at", "nowhere"}))), 0);
}

TEST_F(Thrower, InSizeIsNamed) {
  expect_still_open("E12", says_where({"indexed", "--at", "size"}, R"(\b(size|source)\b)"));
}

TEST_F(Thrower, InTaskIsNamed) {
  expect_still_open("E12", says_where({"indexed", "--at", "task"}, R"(\b(task|source)\b)"));
}

TEST_F(Thrower, InTasksIsNamed) {
  expect_still_open("E12", says_where({"fat", "--at", "tasks"}, R"(\b(tasks|source)\b)"));
}

TEST_F(Thrower, InConcludeIsNamed) {
  expect_still_open("E12", says_where({"indexed", "--at", "conclude"}, R"(\bconclu(de|sion)\b)"));
}

TEST_F(Thrower, WithoutWordsFailsItsTaskAlone) {
  const Ended ended = run(faulty_job(job_run({"indexed", "--at", "compute"})));
  EXPECT_FALSE(ended.late);
  const auto is_right = [&] {
    const std::vector<Row> rows = csv_rows(results_of(path_));
    return rows.size() == 4 && rows[1][1] == "succeeded" && rows[2][1] == "failed" &&
           rows[3][1] == "succeeded";
  };
  expect_still_open("E12", ended.status == 1 && is_right());
}

// A pool that was made before the fork has no threads in the child: either that is said, or the task is
// right.
TEST_F(OpenFaultsCore, ThreadsMadeBeforeTheForkAreSaid) {
  const Arguments flags{"--isolate", "process", "--timeout", "0.5"};
  const Ended late_pool = run(faulty_job(job_run(Arguments{"pooled"} + flags)));
  expect_status(late_pool, 0);
  EXPECT_FALSE(says(late_pool, {"thread"})) << late_pool.err;
  in_run("threads");
  expect_status(run(faulty_job(job_run({"pooled", "--early", "--isolate", "thread"}))), 0);
  in_run("early");
  const Ended early_pool = run(faulty_job(job_run(Arguments{"pooled", "--early"} + flags)));
  EXPECT_FALSE(early_pool.late);
  expect_still_open("E13", early_pool.status == 0 || says(early_pool, {"thread"}));
}

}  // namespace
}  // namespace mpifarm::e2e

#pragma once
// Runs of `exec` that take over what an earlier one did.

#include "support/exec_run.hpp"

namespace mpifarm::e2e {

class ExecReuse : public ExecRun {
 protected:
  // The run whose successes are reused.
  void first(const Arguments& job, int status = 0) {
    old_ = in_run("old");
    expect_run(job, status);
    forget();
  }
  void expect_reused(const std::string& run, const Arguments& job, std::uint64_t resumed,
                     std::uint64_t attempts, int ranks = 0, int status = 0) {
    in_run(run);
    forget();
    expect_run(Arguments{"--reuse", old_} + job, status, ranks);
    expect_counts(resumed, attempts);
  }
  void expect_counts(std::uint64_t resumed, std::uint64_t attempts) const {
    const Json summary = summary_of(path_);
    EXPECT_EQ(summary.text("status"), "complete");
    EXPECT_EQ(summary.whole("resumed"), resumed);
    EXPECT_EQ(summary.whole("attempts"), attempts);
    EXPECT_EQ(summary.whole("tasks"), resumed + attempts);
    const JournalTally journal = tally_journal(path_);
    EXPECT_EQ(journal.outcomes, resumed + attempts);
    EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
  }
  void forget() const { std::filesystem::remove(work_ / "ran"); }
  void delete_old() const { std::filesystem::remove_all(old_); }
  std::vector<std::string> ran() const {
    std::vector<std::string> lines = noted();
    std::ranges::sort(lines);
    return lines;
  }
  static Arguments over(const std::string& values, const Arguments& more = {}) {
    return Arguments{"--param", "n=" + values, "--batch", "1", "--shell"} + more +
           Arguments{"--", "echo {n} >> ran; echo out {n}; echo err {n} >&2"};
  }
  static Arguments slow(const std::string& values) {
    return Arguments{"--param", "n=" + values, "--threads", "1", "--batch", "1"} +
           Arguments{"--shell", "--", "sleep 0.02; echo {n} >> ran; echo out {n}"};
  }
  void write_list(const std::string& letters) const {
    std::string lines;
    for (const char c : letters) lines += std::string{"echo "} + c + " >> ran; echo $MPIFARM_TASK_ID\n";
    write_text(work_ / "list", lines);
  }

  void expect_no_reuse(const std::string& of, const std::vector<std::string>& parts) {
    in_run("new");
    for (const int ranks : {0, 3}) refused(Arguments{"--reuse", of} + over("1,2"), parts, ranks);
    EXPECT_THAT(noted(), testing::IsEmpty());
  }

  std::string old_;
};

}  // namespace mpifarm::e2e

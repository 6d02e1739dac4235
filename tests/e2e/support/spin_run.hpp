#pragma once
// A run long enough to be interrupted, and the same undisturbed.

#include "support/program.hpp"

namespace mpifarm::e2e {

inline constexpr std::uint64_t spin_tasks = 1500;

// Tasks wait and do not compute, so that a busy machine changes little.
inline const Arguments spin_flags{
    "spin",   "--count", std::to_string(spin_tasks), "--wait", "--duration", "0.003", "--law", "uniform",
    "--seed", "11"};

inline Arguments spin_run(const std::string& run, const Arguments& more = {},
                          const std::string& threads = "1") {
  return Arguments{"run"} + spin_flags + Arguments{"--threads", threads, "--run", run} + more;
}

// Digest and results of spin_flags without any trouble; computed once.
struct Undisturbed {
  std::string digest, results, conclusion;
  std::uint64_t journal_size = 0;
};

inline const Undisturbed& undisturbed() {
  static const Undisturbed once = [] {
    const Workspace work;
    const Ended ended =
        run(mpifarm(Arguments{"run"} + spin_flags + Arguments{"--threads", "8", "--run", work / "run"}));
    EXPECT_EQ(ended.status, 0) << ended.err;
    return Undisturbed{digest_of(work / "run"), results_of(work / "run"), ended.out,
                       journal_bytes(work / "run")};
  }();
  return once;
}

// Complete, with one outcome a task, nothing computed twice, and the answer of the undisturbed run.
inline void expect_undisturbed(const std::filesystem::path& run) {
  const Json summary = summary_of(run);
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.whole("tasks"), spin_tasks);
  EXPECT_EQ(summary.whole("succeeded"), spin_tasks);
  EXPECT_EQ(summary.whole("failed"), 0u);
  EXPECT_EQ(summary.whole("resumed") + summary.whole("attempts"), spin_tasks);
  EXPECT_EQ(summary.whole("total_attempts"), spin_tasks);
  EXPECT_EQ(summary.text("digest"), undisturbed().digest);
  EXPECT_TRUE(results_of(run) == undisturbed().results) << "results.csv differs";
  const JournalTally journal = tally_journal(run);
  EXPECT_EQ(journal.outcomes, spin_tasks);
  EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
  EXPECT_FALSE(std::filesystem::exists(run / "lock"));
}

// Every task once, in however many starts, some of it computed more than once.
inline void expect_whole(const std::string& run) {
  const Json summary = summary_of(run);
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.text("digest"), undisturbed().digest);
  EXPECT_TRUE(results_of(run) == undisturbed().results) << "results.csv differs";
  const JournalTally journal = tally_journal(run);
  EXPECT_EQ(journal.outcomes, spin_tasks);
  EXPECT_FALSE(journal.repeated) << "a task has two outcomes";
}

}  // namespace mpifarm::e2e

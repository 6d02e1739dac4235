// summary.json: its keys, and that they agree with each other and with the journal.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

void expect_sums_agree(const Json& summary) {
  std::uint64_t tasks = 0, attempts = 0, slots = 0;
  double busy = 0, cpu = 0;
  for (const Json& rank : summary.list("per_rank")) {
    tasks += rank.whole("tasks");
    attempts += rank.whole("attempts");
    slots += rank.whole("slots");
    busy += rank.number("busy_seconds");
    cpu += rank.number("cpu_seconds");
  }
  EXPECT_EQ(summary.list("per_rank").size(), summary.whole("ranks"));
  EXPECT_EQ(tasks + summary.whole("resumed"), summary.whole("succeeded") + summary.whole("failed"));
  EXPECT_EQ(attempts, summary.whole("attempts"));
  EXPECT_EQ(slots, summary.whole("threads"));
  EXPECT_NEAR(busy, summary.number("busy_seconds"), 1e-9 + 1e-9 * busy);
  EXPECT_NEAR(cpu, summary.number("cpu_seconds"), 1e-9 + 1e-9 * cpu);
  EXPECT_NEAR(summary.number("utilisation"),
              summary.number("busy_seconds") /
                  (summary.number("wall_seconds") * static_cast<double>(summary.whole("threads"))),
              1e-6);
}

TEST(SummaryFile, HasEveryKeyThatIsPromised) {
  const Workspace work;
  expect_status(
      run(mpirun(3, {"run", "spin", "--count", "300", "--duration", "0.002", "--run", work / "run"})), 0);
  const Json summary = summary_of(work / "run");
  for (const char* key : {"status", "job", "tasks", "succeeded", "failed", "attempts", "resumed",
                          "lost_ranks", "ranks", "threads", "wall_seconds", "busy_seconds", "cpu_seconds",
                          "utilisation", "tasks_per_second", "digest"})
    EXPECT_TRUE(summary.has(key)) << key;
  EXPECT_EQ(summary.text("status"), "complete");
  EXPECT_EQ(summary.text("job"), "spin");
  EXPECT_EQ(summary.whole("tasks"), 300u);
  EXPECT_EQ(summary.whole("attempts"), 300u);
  EXPECT_EQ(summary.whole("resumed"), 0u);
  EXPECT_EQ(summary.whole("lost_ranks"), 0u);
  EXPECT_EQ(summary.text("digest").size(), 32u);
  expect_sums_agree(summary);
}

TEST(SummaryFile, TimesAreThoseOfTheWork) {
  const Workspace work;
  constexpr double seconds = 0.005, count = 200;
  expect_status(run(mpirun(2, {"run", "spin", "--count", "200", "--wait", "--duration", "0.005", "--threads",
                               "1", "--run", work / "run"})),
                0);
  const Json summary = summary_of(work / "run");
  expect_sums_agree(summary);
  EXPECT_GT(summary.number("utilisation"), 0.0);
  EXPECT_LE(summary.number("utilisation"), 1.0);
  EXPECT_GE(summary.number("busy_seconds"), count * seconds);
  EXPECT_GE(summary.number("wall_seconds"), count * seconds / 2);
  EXPECT_LT(summary.number("cpu_seconds"), summary.number("busy_seconds"));
  EXPECT_NEAR(summary.number("tasks_per_second"), count / summary.number("wall_seconds"), 1);
}

TEST(SummaryFile, CountsTheAttemptsOfTheJournal) {
  const Workspace work;
  const Ended ended = run(mpirun(2, {"run", "spin", "--count", "400", "--duration", "0", "--fail-rate", "0.3",
                                     "--retries", "5", "--run", work / "run"}));
  const Json summary = summary_of(work / "run");
  const JournalTally journal = tally_journal(work / "run");
  expect_sums_agree(summary);
  EXPECT_EQ(ended.status, summary.whole("failed") > 0 ? 1 : 0);
  EXPECT_EQ(journal.outcomes, 400u);
  EXPECT_FALSE(journal.repeated);
  EXPECT_GT(journal.failed_attempts, 50u);
  EXPECT_EQ(summary.whole("attempts"), journal.outcomes + journal.failed_attempts);
  EXPECT_EQ(summary.whole("total_attempts"), summary.whole("attempts"));
}

TEST(SummaryFile, TasksThatFailedForGoodHaveTheirMessage) {
  const Workspace work;
  const Ended ended = run(mpirun(2, {"run", "spin", "--count", "40", "--duration", "0", "--fail-rate", "1",
                                     "--retries", "2", "--run", work / "run"}));
  expect_status(ended, 1);
  const Json summary = summary_of(work / "run");
  EXPECT_EQ(summary.whole("failed"), 40u);
  EXPECT_EQ(summary.whole("attempts"), 120u);
  EXPECT_EQ(tally_journal(work / "run").failed_attempts, 80u);
  const std::vector<Row> rows = csv_rows(results_of(work / "run"));
  ASSERT_EQ(rows.size(), 41u);
  EXPECT_EQ(rows[0], (Row{"id", "status", "seconds", "value", "message"}));
  for (std::size_t i = 1; i < rows.size(); ++i)
    EXPECT_EQ(rows[i], (Row{std::to_string(i - 1), "failed", "", "", "drawn to fail (attempt 3)"}));
}

TEST(SummaryFile, RetriesTakeTheirDelay) {
  const Workspace work;
  expect_status(run(mpifarm({"run", "spin", "--count", "3", "--duration", "0", "--fail-rate", "1",
                             "--retries", "2", "--retry-delay", "0.2", "--run", work / "run"})),
                1);
  EXPECT_GE(summary_of(work / "run").number("wall_seconds"), 0.6) << "0.2 s, then twice as long";
}

}  // namespace
}  // namespace mpifarm::e2e

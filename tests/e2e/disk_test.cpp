// A full disk, a limit on file sizes, and runs without a journal.

#include <csignal>

#include "support/small_disk.hpp"
#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::HasSubstr;

const Arguments squares{"run", "squares", "--to", "100000"};

void expect_machinery_failed(const Ended& ended, const std::vector<std::string>& parts) {
  expect_status(ended, 3);
  EXPECT_EQ(ended.out, "");
  ASSERT_EQ(own_lines(ended).size(), 1u) << ended.err;
  for (const std::string& part : parts) EXPECT_THAT(own_lines(ended)[0], HasSubstr(part));
}

std::string digest_with_space() {
  const Workspace work;
  EXPECT_EQ(run(mpifarm(squares + Arguments{"--run", work / "run"})).status, 0);
  return digest_of(work / "run");
}

// In the journal at 64k and 512k, in the results at 3m.
class FullDiskOf : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(FullDiskOf, IsSaidAndResumedOnceThereIsRoom) {
  const auto& [size, ranks] = GetParam();
  const SmallDisk disk{size};
  const std::string path = disk.path() / "run";
  // The limit would stop the files of MPI too.
  Command command = on_ranks(disk.mounted() ? ranks : 0, squares + Arguments{"--run", path});
  if (!disk.mounted()) command.largest_file_bytes = 300'000;
  if (!disk.mounted()) command.environment["TMPDIR"] = "/tmp";
  expect_machinery_failed(run(command),
                          {path, disk.mounted() ? "No space left" : "File too large", "make room"});
  EXPECT_FALSE(std::filesystem::exists(disk.path() / "run" / "results.csv"));
  disk.grow();
  const std::uint64_t committed = tally_journal(path).outcomes;
  expect_status(run(mpirun(2, {"resume", path})), 0);
  EXPECT_EQ(summary_of(path).whole("resumed") + summary_of(path).whole("attempts"), 100'000u);
  EXPECT_EQ(summary_of(path).whole("resumed"), committed);
  EXPECT_EQ(digest_of(path), digest_with_space());
  EXPECT_EQ(csv_rows(results_of(path)).size(), 100'001u);
  EXPECT_FALSE(tally_journal(path).repeated);
}

INSTANTIATE_TEST_SUITE_P(Sizes, FullDiskOf,
                         testing::Combine(testing::Values("64k", "512k", "3m"), testing::Values(0, 2)),
                         [](const auto& both) {
                           return std::get<0>(both.param) + "On" + std::to_string(std::get<1>(both.param));
                         });

// Each resume but the first finds a little more room and fills it: segment after segment ends in a write that
// was cut short.
TEST(FullDisk, AtEveryResumeLosesNothingAndCommitsNothingTwice) {
  const SmallDisk disk{"512k"};
  if (!disk.mounted()) GTEST_SKIP() << "nobody may mount here, and a limit on file sizes cannot grow";
  const std::string path = disk.path() / "run";
  expect_machinery_failed(run(mpifarm(squares + Arguments{"--run", path})), {path, "No space left"});
  std::uint64_t committed = tally_journal(path).outcomes;
  EXPECT_GT(committed, 0u);
  for (const std::string size : {"512k", "1m", "1300k"}) {
    disk.grow(size);
    const Ended ended = run(mpifarm({"resume", path}));
    expect_status(ended, 3);
    ASSERT_FALSE(own_lines(ended).empty());
    for (const std::string& part : {path, std::string{"No space left"}, std::string{"make room"}})
      EXPECT_THAT(own_lines(ended).back(), HasSubstr(part));
    const JournalTally journal = tally_journal(path);
    EXPECT_FALSE(journal.repeated) << size;
    EXPECT_EQ(journal.seals, 0u) << size;
    EXPECT_GE(journal.outcomes, size == "512k" ? committed : committed + 1) << size;
    committed = journal.outcomes;
  }
  disk.grow();
  expect_status(run(mpifarm({"resume", path})), 0);
  EXPECT_EQ(summary_of(path).whole("resumed"), committed);
  EXPECT_EQ(summary_of(path).whole("attempts"), 100'000u - committed);
  EXPECT_EQ(tally_journal(path).outcomes, 100'000u);
  EXPECT_FALSE(tally_journal(path).repeated);
  EXPECT_EQ(digest_of(path), digest_with_space());
}

TEST(FullDisk, FromTheStartLeavesNothing) {
  const SmallDisk disk{"4k"};
  if (disk.mounted()) write_text(disk.path() / "full", std::string(4096, 'x'));
  Command command = mpifarm(squares + Arguments{"--run", disk.path() / "run"});
  if (!disk.mounted()) command.largest_file_bytes = 10;
  const Ended ended = run(command);
  EXPECT_THAT(ended.status, testing::AnyOf(2, 3)) << ended.err;
  EXPECT_EQ(own_lines(ended).size(), 1u) << ended.err;
  EXPECT_FALSE(std::filesystem::exists(disk.path() / "run"));
}

// As `ulimit -f` sets it: beyond it a write fails, and a signal comes that ends whoever does not expect it.
TEST(FileSizeLimit, IsSaidLikeAFullDisk) {
  const Workspace work;
  const std::string path = work / "run";
  Command command = mpifarm(squares + Arguments{"--run", path});
  command.largest_file_bytes = 300'000;
  expect_machinery_failed(run(command), {"journal", "File too large"});
  expect_status(run(mpifarm({"resume", path})), 0);
  EXPECT_EQ(digest_of(path), digest_with_space());
}

class NoJournalOn : public testing::TestWithParam<int> {};

TEST_P(NoJournalOn, GivesTheSameAnswerButNoResume) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(
      run(on_ranks(GetParam(), Arguments{"run"} + spin_flags +
                                   Arguments{"--durability", "none", "--threads", "4", "--run", path})),
      0);
  EXPECT_EQ(digest_of(path), undisturbed().digest);
  EXPECT_TRUE(results_of(path) == undisturbed().results);
  EXPECT_FALSE(std::filesystem::exists(work / "run" / "journal"));
  EXPECT_EQ(status_of(path).text("status"), "complete");
  expect_refused(run(on_ranks(GetParam(), {"resume", path})), {path, "no journal", "--durability none"});
  expect_refused(run(mpifarm({"results", path})), {path, "no journal", "--durability none"});
}

INSTANTIATE_TEST_SUITE_P(Ranks, NoJournalOn, testing::Values(0, 3));

TEST(NoJournal, StoppedIsNotCalledResumable) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path, {"--durability", "none"}))};
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(path + "/status.json"); }));
  process.signal(SIGTERM);
  const Ended ended = process.wait();
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 75) << "75 says that a resume carries on";
  EXPECT_THAT(ended.err, testing::Not(HasSubstr("mpifarm resume"))) << "which would be refused";
}

TEST(NoJournal, KilledIsNotCalledResumable) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path, {"--durability", "none"}))};
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(path + "/status.json"); }));
  process.kill_all();
  const Ended ended = run(mpifarm({"status", path}));
  expect_status(ended, 0);
  EXPECT_THAT(ended.out, testing::Not(HasSubstr("mpifarm resume"))) << "which would be refused";
}

TEST(NoJournal, CanLeaveOutResultsUnderAnyOrder) {
  const Workspace work;
  expect_status(run(mpirun(2, {"run", "squares", "--durability", "none", "--results", "none", "--order",
                               "fifo", "--run", work / "run"})),
                0);
  EXPECT_EQ(summary_of(work / "run").whole("succeeded"), 10'000u);
}

}  // namespace
}  // namespace mpifarm::e2e

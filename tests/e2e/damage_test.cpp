// Journals that were cut, changed, or written by another version.

#include <fmt/format.h>

#include <cstring>

#include "base/hash.hpp"
#include "journal/format.hpp"
#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A run killed in the middle.
class Journal : public testing::Test {
 protected:
  void SetUp() override {
    Process process{mpirun(2, spin_run(run_, {"--batch", "1"}))};
    ASSERT_TRUE(wait_for_outcomes(process, run_, 200));
    process.kill_all();
    bytes_ = read_text(journal_);
    committed_ = tally_journal(run_).outcomes;
  }

  void expect_damage_at(const Ended& ended, const std::string& offset) const {
    expect_status(ended, 3);
    EXPECT_EQ(ended.out, "");
    ASSERT_EQ(own_lines(ended).size(), 1u) << ended.err;
    EXPECT_THAT(own_lines(ended)[0], HasSubstr(journal_.string() + " is damaged at byte " + offset));
    EXPECT_EQ(read_text(journal_), bytes_) << "the evidence was changed";
  }

  void flip(std::size_t at) {
    bytes_.at(at) = static_cast<char>(bytes_.at(at) ^ 0x10);
    write_text(journal_, bytes_);
  }

  const Workspace work_;
  const std::string run_ = work_ / "run";
  const fs::path journal_ = work_ / "run" / "journal";
  std::string bytes_;
  std::uint64_t committed_ = 0;
};

TEST_F(Journal, TornTailIsCutOffAndSaidSo) {
  for (const std::size_t cut : {std::size_t{1}, std::size_t{7}, std::size_t{40}}) {
    bytes_.resize(bytes_.size() - cut);
    write_text(journal_, bytes_);
  }
  write_text(journal_, bytes_ + "half a rec");
  const std::uint64_t left = status_of(run_).whole("committed");
  EXPECT_LT(left, committed_);
  const Ended ended = run(mpirun(3, {"resume", run_, "--threads", "4"}));
  expect_status(ended, 0);
  EXPECT_THAT(own_lines(ended), testing::Contains(HasSubstr("cut short")));
  EXPECT_EQ(summary_of(run_).whole("resumed"), left);
  expect_undisturbed(run_);
}

TEST_F(Journal, CutInItsHeaderStartsFromNothing) {
  write_text(journal_, bytes_.substr(0, 20));
  expect_status(run(mpifarm({"resume", run_, "--threads", "8"})), 0);
  EXPECT_EQ(summary_of(run_).whole("resumed"), 0u);
  expect_undisturbed(run_);
}

TEST_F(Journal, FlippedByteInTheMiddleIsRefusedWithItsOffset) {
  flip(bytes_.size() / 2);
  for (const int ranks : {0, 3}) {
    const Ended ended = run(on_ranks(ranks, {"resume", run_, "--quiet"}));
    expect_damage_at(ended, "");
    const std::string line = own_lines(ended)[0];
    const std::string mark = "damaged at byte ";
    const std::uint64_t offset = std::stoull(line.substr(line.find(mark) + mark.size()));
    EXPECT_LE(offset, bytes_.size() / 2);
    EXPECT_GT(offset, bytes_.size() / 2 - 2000);
  }
}

TEST_F(Journal, FlippedByteIsRefusedByQuestionsToo) {
  flip(bytes_.size() / 2);
  expect_damage_at(run(mpifarm({"results", run_})), "");
}

TEST_F(Journal, FlippedByteInTheHeaderIsRefused) {
  flip(25);
  expect_damage_at(run(mpifarm({"resume", run_, "--quiet"})), "0");
}

TEST_F(Journal, FlippedByteInAClosedSegmentIsRefused) {
  Process process{mpifarm({"resume", run_, "--threads", "1"})};
  ASSERT_TRUE(wait_for_outcomes(process, run_, committed_ + 50));
  process.kill_all();
  bytes_ = read_text(journal_);
  flip(bytes_.size() - 10);  // the end of it was good when the second segment was opened
  expect_damage_at(run(mpifarm({"resume", run_, "--quiet"})), "");
}

TEST_F(Journal, LostFirstSegmentIsRefused) {
  Process process{mpifarm({"resume", run_, "--threads", "1"})};
  ASSERT_TRUE(wait_for_outcomes(process, run_, committed_ + 50));
  process.kill_all();
  fs::remove(journal_);
  const Ended ended = run(mpifarm({"resume", run_, "--quiet"}));
  expect_status(ended, 3);
  EXPECT_THAT(ended.err, HasSubstr("journal.2 follows it"));
}

TEST_F(Journal, OfAnotherRunIsRefused) {
  const std::string other = work_ / "other";
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", other})), 0);
  fs::copy_file(work_ / "other" / "journal", journal_, fs::copy_options::overwrite_existing);
  const Ended ended = run(mpifarm({"resume", run_, "--quiet"}));
  EXPECT_THAT(ended.status, testing::AnyOf(2, 3)) << ended.err;
  EXPECT_EQ(own_lines(ended).size(), 1u) << ended.err;
  EXPECT_EQ(ended.out, "");
}

TEST_F(Journal, LostAltogetherIsRefused) {
  fs::remove(journal_);
  for (const Arguments& command : {Arguments{"resume", run_, "--quiet"}, Arguments{"results", run_}}) {
    const Ended ended = run(mpifarm(command));
    expect_status(ended, 3);
    EXPECT_THAT(own_lines(ended), testing::ElementsAre(HasSubstr(journal_.string() + " is missing")))
        << ended.err;
    EXPECT_EQ(ended.out, "");
  }
}

// src/journal/README.md: magic, major, minor, and the low half of the hash of these.
TEST_F(Journal, OfANewerVersionIsRefused) {
  const std::uint16_t newer = journal::major_version + 1;
  std::memcpy(bytes_.data() + 8, &newer, sizeof newer);
  const auto check = static_cast<std::uint32_t>(hash64(std::string_view{bytes_}.substr(0, 12)));
  std::memcpy(bytes_.data() + 12, &check, sizeof check);
  write_text(journal_, bytes_);
  const std::vector<std::string> parts{journal_, fmt::format("journal format {}.", newer), "newer mpifarm"};
  expect_refused(run(mpifarm({"resume", run_, "--quiet"})), parts);
  expect_refused(run(mpirun(3, {"resume", run_, "--quiet"})), parts);
  expect_refused(run(mpifarm({"results", run_})), parts);
  expect_refused(run(mpifarm({"status", run_})), parts);
  EXPECT_EQ(read_text(journal_), bytes_);
}

}  // namespace
}  // namespace mpifarm::e2e

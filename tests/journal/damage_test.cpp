// Every cut and every flipped bit: a torn tail is cut off, damage is refused at its offset, nothing crashes.

#include <algorithm>

#include "run_directory.hpp"

namespace mpifarm::journal {
namespace {

class SmallJournal : public testing::Test {
 protected:
  void SetUp() override {
    write_segment(run_, records_);
    write_segment(run_, records_);
    all_ = packed(records_);
    const auto again = all_;
    all_.insert(all_.end(), again.begin(), again.end());
    for (const std::uint32_t number : {1u, 2u}) {
      files_.push_back(read_file(run_.segment(number)));
      ends_.push_back(record_ends(run_, number));
    }
  }

  // The records that end at or before `bytes` of segment 2, with those of segment 1 before them.
  std::vector<std::string> prefix(std::size_t bytes) const {
    const auto whole = std::upper_bound(ends_[1].begin(), ends_[1].end(), bytes) - ends_[1].begin();
    const std::size_t count =
        records_.size() + static_cast<std::size_t>(std::max<std::ptrdiff_t>(whole - 1, 0));
    return {all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  // Where the record that has byte `at` of segment `number` starts; 0 for the header.
  std::uint64_t start_of(std::uint32_t number, std::uint64_t at) const {
    const auto& ends = ends_[number - 1];
    const auto end = std::upper_bound(ends.begin(), ends.end(), at);
    return end == ends.begin() ? 0 : *std::prev(end);
  }

  RunDirectory run_;
  std::vector<Record> records_ = sample_records();
  std::vector<std::string> all_;
  std::vector<std::string> files_;
  std::vector<std::vector<std::uint64_t>> ends_;
};

TEST_F(SmallJournal, CutAtEveryLengthKeepsTheWholeRecordsAndGoesOn) {
  for (std::size_t cut = 0; cut < files_[1].size(); ++cut) {
    write_file(run_.segment(2), files_[1].substr(0, cut));
    const Survey survey = inspect(run_.path());
    auto expected = prefix(cut);
    ASSERT_EQ(read_all(Reader{survey}), expected) << "cut at " << cut;
    ASSERT_EQ(survey.torn_segment.has_value(), cut < ends_[1].front()) << cut;
    if (!survey.torn_segment) {
      ASSERT_EQ(survey.torn_bytes, cut - start_of(2, cut)) << cut;
    }
    ASSERT_EQ(survey.sealed, cut < ends_[1].front()) << cut;

    write_segment(run_, {FailedAttempt{{9}, 2, "new"}});
    expected.push_back(packed({FailedAttempt{{9}, 2, "new"}})[0]);
    ASSERT_EQ(read_run(run_), expected) << "continued after a cut at " << cut;
    ASSERT_EQ(inspect(run_.path()).segments.size(), cut < ends_[1].front() ? 2u : 3u) << cut;
    for (const auto& entry : std::filesystem::directory_iterator{run_.path()})
      if (entry.path() != run_.segment(1)) std::filesystem::remove(entry.path());
  }
}

TEST_F(SmallJournal, CutInAClosedSegmentIsRefused) {
  for (std::size_t cut = 0; cut < files_[0].size(); ++cut) {
    write_file(run_.segment(1), files_[0].substr(0, cut));
    try {
      inspect(run_.path());
      FAIL() << cut;
    } catch (const Damaged& error) {
      ASSERT_EQ(error.file, run_.segment(1));
      ASSERT_EQ(error.at, cut < header_bytes(1) ? 0 : cut);
    }
  }
}

TEST_F(SmallJournal, EveryFlippedBitInAClosedSegmentIsRefusedAtItsRecord) {
  for (std::size_t bit = 0; bit < 8 * files_[0].size(); ++bit) {
    std::string bytes = files_[0];
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    write_file(run_.segment(1), bytes);
    try {
      read_run(run_);
      FAIL() << "bit " << bit;
    } catch (const Damaged& error) {
      ASSERT_EQ(error.file, run_.segment(1));
      ASSERT_EQ(error.at, start_of(1, bit / 8)) << "bit " << bit;
      ASSERT_NE(std::string{error.what()}.find("damaged at byte " + std::to_string(error.at)),
                std::string::npos);
    }
  }
}

TEST_F(SmallJournal, EveryFlippedBitInTheLastSegmentIsRefusedUnlessInItsLastRecord) {
  const std::uint64_t last = ends_[1][ends_[1].size() - 2];
  for (std::size_t bit = 0; bit < 8 * files_[1].size(); ++bit) {
    std::string bytes = files_[1];
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    write_file(run_.segment(2), bytes);
    if (bit / 8 >= last) {
      ASSERT_EQ(inspect(run_.path()).torn_bytes, bytes.size() - last) << "bit " << bit;
      ASSERT_EQ(read_run(run_), prefix(last)) << "bit " << bit;
      continue;
    }
    try {
      inspect(run_.path());
      FAIL() << "bit " << bit;
    } catch (const Damaged& error) {
      ASSERT_EQ(error.file, run_.segment(2));
      ASSERT_EQ(error.at, start_of(2, bit / 8)) << "bit " << bit;
    }
  }
}

TEST_F(SmallJournal, ZerosBehindTheRecordsAreATornTail) {
  append_file(run_.segment(2), std::string(100'000, '\0'));
  EXPECT_EQ(inspect(run_.path()).torn_bytes, 100'000u);
  EXPECT_EQ(read_run(run_), all_);
  write_segment(run_, {});
  EXPECT_EQ(run_.bytes(2), files_[1].size());
}

TEST_F(SmallJournal, AHeaderOfZerosWithoutRecordsIsATornSegment) {
  write_file(run_.segment(3), std::string(header_bytes(3), '\0'));
  EXPECT_EQ(inspect(run_.path()).torn_segment, run_.segment(3));
  write_segment(run_, {});
  EXPECT_TRUE(std::filesystem::exists(run_.segment(3).string() + ".torn"));
  write_file(run_.segment(4), "");
  write_file(run_.segment(4).string() + ".torn", "");
  write_segment(run_, {});
  EXPECT_TRUE(std::filesystem::exists(run_.segment(4).string() + ".torn.2"));
  EXPECT_EQ(read_run(run_), all_);
}

TEST_F(SmallJournal, AGapOrAnotherRunsSegmentIsRefused) {
  std::filesystem::remove(run_.segment(1));
  EXPECT_THROW(inspect(run_.path()), Damaged);
  const RunDirectory other;
  create_segment(other.path(), std::nullopt, test_run_id + 1);
  std::filesystem::copy_file(other.segment(), run_.segment(1));
  append_file(run_.segment(1), std::string(files_[0].size(), 'x'));
  try {
    inspect(run_.path());
    FAIL();
  } catch (const Damaged& error) {
    EXPECT_NE(std::string{error.what()}.find("another run"), std::string::npos) << error.what();
  }
}

TEST_F(SmallJournal, RecordsThatStrayedHereDoNotCount) {
  const std::string repeated = files_[1].substr(ends_[1][2], ends_[1][3] - ends_[1][2]);
  append_file(run_.segment(2), repeated);
  EXPECT_EQ(inspect(run_.path()).torn_bytes, repeated.size()) << "a record of this segment, again";

  const RunDirectory other;
  std::vector<Record> longer = records_;
  longer.push_back(Sealed{});
  Writer writer = create_segment(other.path(), std::nullopt, test_run_id + 1);
  for (const Record& record : longer) writer.append(record);
  writer.sync();
  const std::string next = read_file(other.segment()).substr(record_ends(other, 1)[records_.size()]);
  write_file(run_.segment(2), files_[1] + next);
  EXPECT_EQ(inspect(run_.path()).torn_bytes, next.size()) << "a record of another run, with the right number";
}

TEST_F(SmallJournal, AStaleMasterChangesNothing) {
  std::string late = files_[0].substr(ends_[0].front());
  append_file(run_.segment(1), late);
  EXPECT_EQ(read_run(run_), all_);
  write_segment(run_, {});
  append_file(run_.segment(1), "noise");
  append_file(run_.segment(2), late);
  EXPECT_EQ(read_run(run_), all_);
  EXPECT_EQ(read_all(Follower{run_.path()}), all_);
}

TEST(StaleMaster, ItsWriterGoesOnAfterTheNextStartAndChangesNothing) {
  const RunDirectory run;
  Writer stale = open_segment(run);
  stale.append(Started{});
  stale.sync();
  write_segment(run, {Started{2, 2, "next"}});
  stale.append(outcomes_of(0, {"late"}));
  stale.sync();
  EXPECT_EQ(read_run(run), packed({Started{}, Started{2, 2, "next"}}));
}

TEST_F(SmallJournal, AFollowerOfAGrowingJournalNeverReportsDamage) {
  const RunDirectory live;
  Follower follower{live.path()};
  std::vector<std::string> seen;
  for (const std::uint32_t number : {1u, 2u}) {
    const std::string& bytes = files_[number - 1];
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      // The rest reads as zeros, as a network file system may show it for a while.
      write_file(live.segment(number), bytes.substr(0, cut) + std::string(cut % 3, '\0'));
      for (Record record; follower.next(record);) seen.push_back(pack(record));
    }
    write_file(live.segment(number), bytes);
    for (Record record; follower.next(record);) seen.push_back(pack(record));
    const auto expected = static_cast<std::ptrdiff_t>(number * records_.size());
    ASSERT_EQ(seen, (std::vector<std::string>{all_.begin(), all_.begin() + expected}));
  }
}

}  // namespace
}  // namespace mpifarm::journal

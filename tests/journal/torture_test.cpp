// A journal of one segment, and one of three with all that a life leaves in it, cut at every byte, with every
// bit flipped and every stretch zeroed. For each the one right answer is asked for: these records and so many
// torn bytes, or damage at this byte of this file. (damage_test.cpp has the plain cases, by hand.)

#include "fate.hpp"
#include "file_calls.hpp"

namespace mpifarm::journal {
namespace {

Meant meant_for(const RunDirectory& run, std::uint32_t number, std::vector<std::string> records) {
  return {read_header(run.path(), number)->known_lengths, read_file(run.segment(number)),
          record_ends(run, number), std::move(records)};
}

// Thousands of starts need no disk.
class NoSync final : public FileCalls {
  int sync(int) override { return 0; }
};

class Torture : public testing::TestWithParam<std::uint32_t> {
 protected:
  Torture() : records_{sample_records()}, new_{Started{9, 9, "later"}, outcomes_of(90, {"ninety"})} {
    const std::uint32_t segments = GetParam();
    if (segments > 1) write_first_segments();
    write_segment(run_, records_);
    meant_.push_back(meant_for(run_, segments, packed(records_)));
    if (segments > 1) {
      // The master of the first start, thought dead, wakes up: its bytes lie beyond what counts.
      append_file(run_.segment(1), stale_);
      meant_[0].bytes += stale_;
    }
    for (std::uint32_t number = 1; number <= segments; ++number)
      files_.push_back(read_file(run_.segment(number)));
  }

  // The first is cut short by a crash in its last record, the second stopped in order.
  void write_first_segments() {
    write_segment(run_, records_);
    auto first = meant_for(run_, 1, packed(records_));
    const std::uint64_t whole = first.ends[first.ends.size() - 2];
    stale_ = first.bytes.substr(whole);
    std::filesystem::resize_file(run_.segment(1), whole + 9);
    first.bytes.resize(whole);
    first.ends.pop_back();
    first.records.pop_back();
    meant_.push_back(std::move(first));

    const std::vector<Record> stopped{Started{2, 8, "again"}, outcomes_of(3, {"four"}, true), Sealed{}};
    write_segment(run_, stopped);
    meant_.push_back(meant_for(run_, 2, packed(stopped)));
  }

  // Puts `bytes` in place of a segment's file and asks what becomes of the journal. What is refused stays as
  // it is; what is not goes on, and changes no byte that counted.
  void expect_fate(std::uint32_t number, const std::string& bytes, bool go_on) {
    auto found = files_;
    found[number - 1] = bytes;
    put(number, bytes);
    const Fate fate = fate_of(meant_, found);
    ASSERT_EQ(read_fate(run_.path()), fate);
    if (fate.damage) {
      for (std::uint32_t i = 1; i <= files_.size(); ++i)
        ASSERT_TRUE(read_file(run_.segment(i)) == found[i - 1]) << "segment " << i << " was changed";
      ++refused_;
    } else {
      ++kept_;
      if (go_on) expect_goes_on(fate, found);
    }
  }

  void expect_goes_on(Fate fate, const std::vector<std::string>& found) {
    const auto last = static_cast<std::uint32_t>(found.size() - (fate.torn_segment ? 1 : 0));
    NoSync{}.during([this] { write_segment(run_, new_); });
    for (const std::string& record : packed(new_)) fate.records.push_back(record);
    const std::uint64_t torn = std::exchange(fate.torn_bytes, 0);
    const bool torn_segment = std::exchange(fate.torn_segment, false);
    fate.sealed = false;
    ASSERT_EQ(read_fate(run_.path()), fate) << "after the next start";
    for (std::uint32_t i = 1; i <= last; ++i)
      ASSERT_TRUE(read_file(run_.segment(i)) ==
                  found[i - 1].substr(0, found[i - 1].size() - (i == last ? torn : 0)));
    const std::filesystem::path aside = run_.segment(last + 1).string() + ".torn";
    ASSERT_EQ(std::filesystem::exists(aside), torn_segment);
    if (torn_segment) {
      ASSERT_TRUE(read_file(aside) == found.back());
    }
    restore();
  }

  // In place: many file systems write out at once a file that is emptied and written anew.
  void put(std::uint32_t number, const std::string& bytes) {
    std::fstream{run_.segment(number), std::ios::in | std::ios::out | std::ios::binary} << bytes;
    std::filesystem::resize_file(run_.segment(number), bytes.size());
  }

  void restore() {
    for (const auto& entry : std::filesystem::directory_iterator{run_.path()})
      std::filesystem::remove(entry.path());
    for (std::uint32_t number = 1; number <= files_.size(); ++number)
      write_file(run_.segment(number), files_[number - 1]);
  }

  RunDirectory run_;
  std::vector<Record> records_, new_;
  std::string stale_;
  std::vector<Meant> meant_;
  std::vector<std::string> files_;
  int kept_ = 0, refused_ = 0;
};

TEST_P(Torture, HasEveryTypeOfRecord) {
  for (std::size_t type = 0; type < std::variant_size_v<Record>; ++type)
    EXPECT_TRUE(std::ranges::any_of(records_, [type](const Record& r) { return r.index() == type; })) << type;
  EXPECT_EQ(read_fate(run_.path()), fate_of(meant_, files_));
  EXPECT_TRUE(read_fate(run_.path()).sealed);
}

TEST_P(Torture, CutAtEveryByte) {
  for (std::uint32_t number = 1; number <= files_.size(); ++number) {
    const std::string& whole = files_[number - 1];
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
      SCOPED_TRACE("segment " + std::to_string(number) + " cut at " + std::to_string(cut));
      ASSERT_NO_FATAL_FAILURE(expect_fate(number, whole.substr(0, cut), true));
    }
    restore();
  }
  // Of closed segments every byte that counts is missed, of the last one none.
  const std::size_t last = files_.back().size(), stale = stale_.size();
  EXPECT_EQ(static_cast<std::size_t>(kept_), last + stale);
  EXPECT_EQ(static_cast<std::size_t>(refused_),
            files_.size() == 1 ? 0 : files_[0].size() + files_[1].size() - stale);
}

TEST_P(Torture, EveryBitFlipped) {
  for (std::uint32_t number = 1; number <= files_.size(); ++number) {
    for (std::size_t bit = 0; bit < 8 * files_[number - 1].size(); ++bit) {
      SCOPED_TRACE("segment " + std::to_string(number) + ", bit " + std::to_string(bit));
      std::string bytes = files_[number - 1];
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      ASSERT_NO_FATAL_FAILURE(expect_fate(number, bytes, bit % 8 == 0));
    }
    restore();
  }
  // Only a flip in the last record, and in what does not count, goes unnoticed.
  const std::size_t last_record = files_.back().size() - meant_.back().ends[meant_.back().ends.size() - 2];
  EXPECT_EQ(static_cast<std::size_t>(kept_), 8 * (last_record + stale_.size()));
}

// A crash and bad bytes at once: the last segment cut within each of its records, with every bit of the rest
// flipped. The header of a file that holds no more than it may be one that a crash cut short.
TEST_P(Torture, EveryBitFlippedInATornSegment) {
  const auto number = static_cast<std::uint32_t>(files_.size());
  for (const std::uint64_t end : meant_.back().ends)
    for (const std::uint64_t cut : {end - 1, end, end + 1}) {
      if (cut > files_.back().size()) continue;
      for (std::size_t bit = 0; bit < 8 * cut; bit += 3 * stride) {
        SCOPED_TRACE("cut at " + std::to_string(cut) + ", bit " + std::to_string(bit));
        std::string bytes = files_.back().substr(0, cut);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
        ASSERT_NO_FATAL_FAILURE(expect_fate(number, bytes, false));
      }
    }
  EXPECT_GT(kept_, 0);
  EXPECT_GT(refused_, 0);
}

// Known, and so in the README: a node that dies within an unsynced group may leave such a hole, and this is
// told as damage wherever a valid record follows, as nothing on disk says that the stretch was never synced.
TEST_P(Torture, EveryStretchOfZeros) {
  const auto number = static_cast<std::uint32_t>(files_.size());
  std::vector<std::uint64_t> ends = meant_.back().ends;
  for (std::size_t begin = 0; begin < files_.back().size(); begin += stride)
    for (const std::uint64_t end : ends)
      for (const std::uint64_t stop : {end - 1, end}) {
        if (stop <= begin) continue;
        SCOPED_TRACE("zeros from " + std::to_string(begin) + " to " + std::to_string(stop));
        std::string bytes = files_.back();
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                  bytes.begin() + static_cast<std::ptrdiff_t>(stop), '\0');
        ASSERT_NO_FATAL_FAILURE(expect_fate(number, bytes, false));
      }
  EXPECT_GT(kept_, 0);
  EXPECT_GT(refused_, 0);
}

// Who looks at a live run is told what was whole, and of damage only where nothing is written any more.
TEST_P(Torture, AFollowerOfEveryFlippedBitReadsThePrefix) {
  for (std::uint32_t number = 1; number <= files_.size(); ++number) {
    const Meant& meant = meant_[number - 1];
    const bool closed = number < files_.size();
    for (std::size_t bit = 8 * meant.ends.front(); bit < 8 * meant.ends.back(); bit += stride) {
      SCOPED_TRACE("segment " + std::to_string(number) + ", bit " + std::to_string(bit));
      std::string bytes = files_[number - 1];
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      put(number, bytes);
      const auto record = static_cast<std::size_t>(
          std::upper_bound(meant.ends.begin(), meant.ends.end(), bit / 8) - meant.ends.begin() - 1);
      std::size_t before = record;
      for (std::uint32_t i = 1; i < number; ++i) before += meant_[i - 1].records.size();

      std::vector<std::string> read;
      std::optional<std::uint64_t> damage;
      Follower follower{run_.path()};
      try {
        for (Record r; follower.next(r);) read.push_back(pack(r));
      } catch (const Damaged& error) {
        damage = error.at;
        ASSERT_EQ(error.file, run_.segment(number));
      }
      ASSERT_EQ(damage, closed ? std::optional{meant.ends[record]} : std::nullopt);
      auto expected = fate_of(meant_, files_).records;
      expected.resize(before);
      ASSERT_EQ(read, expected);
    }
    restore();
  }
}

// Its hash is right, so who wrote it was wrong: whoever looks into it says so.
TEST(VoidedOutcomes, ThatAreFewerThanTheySayAreDamage) {
  const RunDirectory run;
  Outcomes outcomes{{{0}, 2, 0, {}}, {}};
  append_entry(outcomes.block.entries, Outcome::failed, "only one");
  write_segment(run, {Started{}, outcomes});
  const std::uint64_t at = record_ends(run, 1)[1];
  write_segment(run, {Redo{{{0, 2}}}});
  Fate expected;
  expected.records = packed({Started{}});
  expected.damage = {1, at};
  EXPECT_EQ(read_fate(run.path()), expected);
}

INSTANTIATE_TEST_SUITE_P(Segments, Torture, testing::Values(1, 3),
                         [](const auto& segments) { return "Of" + std::to_string(segments.param); });

}  // namespace
}  // namespace mpifarm::journal

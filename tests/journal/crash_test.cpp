// A run of several starts on a disk that fails, or forgets what was not synced, at every call that changes a
// file: what a returned sync() promised is there, what is there is what was written, and the run goes on.

#include <cerrno>

#include "failing_disk.hpp"
#include "fate.hpp"

namespace mpifarm::journal {
namespace {

// A run and its disk, with account of what its writers were promised.
class Life {
 public:
  // So many starts one after the other, each with its records: of three in turn one is flushed, one stays in
  // memory, one is synced. Ends at the first call that fails; gives what that threw, or nothing.
  std::string live(int starts) {
    std::string error;
    disk.during([&] {
      try {
        for (int i = 0; i < starts; ++i) start();
      } catch (const MachineryFailure& failure) {
        error = failure.what();
        expect_writes_no_more();
      }
      writer_.reset();
    });
    for (std::size_t i = 0; i < meant_.size(); ++i) {
      const std::string written = disk.written(run.segment(number_of(i)).filename());
      if (written.size() > meant_[i].bytes.size()) meant_[i].bytes = written;
    }
    return error;
  }

  // What the oracle says of the files there are now; the reader must say the same.
  Fate expect_fate() {
    std::vector<std::string> found;
    while (std::filesystem::exists(run.segment(number_of(found.size()))))
      found.push_back(read_file(run.segment(number_of(found.size()))));
    EXPECT_LE(found.size(), meant_.size());
    const Fate fate = fate_of(meant_, found);
    EXPECT_EQ(read_fate(run.path()), fate);
    return fate;
  }

  // Every record that was promised to be there is, and what else there is was appended, in its order.
  void expect_keeps_promises(const Fate& fate) const {
    EXPECT_EQ(fate.damage, std::nullopt);
    EXPECT_GE(fate.records.size(), promised_);
    ASSERT_LE(fate.records.size(), appended_.size());
    EXPECT_TRUE(std::equal(fate.records.begin(), fate.records.end(), appended_.begin()));
  }

  // After a crash: what is read is all there is to build on.
  void take_up(const Fate& fate) {
    appended_ = fate.records;
    promised_ = appended_.size();
  }

  const std::vector<std::string>& appended() const { return appended_; }

  RunDirectory run;
  FailingDisk disk{run.path()};

 private:
  static std::uint32_t number_of(std::size_t index) { return static_cast<std::uint32_t>(index + 1); }

  void start() {
    writer_.reset();
    const Survey survey = inspect(run.path());
    // What a start finds is what it reads, and it states that in its header.
    SegmentHeader header{number_of(survey.segments.size()), test_run_id, {}};
    for (const Segment& segment : survey.segments) header.known_lengths.push_back(segment.valid_bytes);
    appended_ = read_all(Reader{survey});
    meant_.resize(survey.segments.size());
    meant_.push_back({header.known_lengths, encode(header), {header_bytes(header.number)}, {}});

    writer_.emplace(create_segment(run.path(), survey, test_run_id));
    promised_ = appended_.size();  // the header stands on synced segments
    std::size_t turn = header.number;
    for (const Record& record : sample_records()) {
      writer_->append(record);
      appended_.push_back(pack(record));
      meant_.back().records.push_back(appended_.back());
      meant_.back().ends.push_back(writer_->bytes());
      ++turn;
      if (turn % 3 == 1) writer_->flush();
      if (turn % 3 != 0) continue;
      writer_->sync();
      promised_ = appended_.size();
    }
    writer_->flush();
  }

  void expect_writes_no_more() {
    if (!writer_) return;
    const int before = disk.calls();
    EXPECT_THROW(writer_->sync(), MachineryFailure);
    EXPECT_THROW(writer_->flush(), MachineryFailure);
    writer_->append(Sealed{});
    EXPECT_THROW(writer_->sync(), MachineryFailure);
    EXPECT_EQ(disk.calls(), before) << "a writer that failed wrote again";
  }

  std::optional<Writer> writer_;
  std::vector<Meant> meant_;
  std::vector<std::string> appended_;  // in the order they count
  std::size_t promised_ = 0;           // of them, that a sync() has returned for
};

int calls_of_three_starts() {
  static const int calls = [] {
    Life life;
    EXPECT_EQ(life.live(3), "");
    EXPECT_EQ(life.expect_fate().records, life.appended());
    return life.disk.calls();
  }();
  return calls;
}

// With nothing in the way, two more starts read what there was and add to it.
void expect_goes_on(Life& life, const Fate& fate) {
  life.take_up(fate);
  life.disk.fault = {};
  ASSERT_EQ(life.live(2), "");
  const Fate after = life.expect_fate();
  life.expect_keeps_promises(after);
  ASSERT_EQ(after.records, life.appended());
  ASSERT_EQ(after.records.size(), fate.records.size() + 2 * sample_records().size());
}

std::string text(bool names, Left bytes) {
  return std::string{names ? "names" : "no names"} + ", bytes " + std::to_string(static_cast<int>(bytes));
}

TEST(Crash, AtEveryCallKeepsWhatWasSyncedAndGoesOn) {
  for (int at = 1; at <= calls_of_three_starts(); ++at)
    for (const bool names : {false, true})
      for (const Left bytes : {Left::nothing, Left::half, Left::all, Left::zeros})
        for (const std::size_t part : {0, 20}) {
          SCOPED_TRACE("call " + std::to_string(at) + ", " + text(names, bytes) + ", part " +
                       std::to_string(part));
          Life life;
          life.disk.fault = {.at = at, .part = part};
          life.live(3);
          life.disk.crash(names, bytes);
          const Fate fate = life.expect_fate();
          ASSERT_NO_FATAL_FAILURE(life.expect_keeps_promises(fate));
          ASSERT_NO_FATAL_FAILURE(expect_goes_on(life, fate));
        }
}

// The first time the machine dies, or the process alone: then the kernel still holds what was not synced.
TEST(Crash, InTheStartAfterACrashKeepsWhatWasSyncedAndGoesOn) {
  for (int at = 1; at <= calls_of_three_starts(); at += stride)
    for (const std::optional<Left> first : {std::optional<Left>{}, {Left::nothing}, {Left::half}})
      for (int again = 1; again <= 8; ++again)
        for (const Left second : {Left::nothing, Left::half}) {
          SCOPED_TRACE("call " + std::to_string(at) + (first ? ", " + text(true, *first) : ", killed") +
                       ", then call " + std::to_string(again) + ", " + text(second != Left::nothing, second));
          Life life;
          life.disk.fault = {.at = at, .part = 40};
          life.live(3);
          if (first) {
            life.disk.crash(true, *first);
            life.take_up(life.expect_fate());
          }
          life.disk.fault = {.at = life.disk.calls() + again, .part = 7};
          life.live(1);
          life.disk.crash(second != Left::nothing, second);
          const Fate fate = life.expect_fate();
          ASSERT_NO_FATAL_FAILURE(life.expect_keeps_promises(fate));
          ASSERT_NO_FATAL_FAILURE(expect_goes_on(life, fate));
        }
}

// Known, and said in the README: a file system that wrote the pages of one unsynced group out of order leaves
// a hole when its node dies. Where a whole record lies behind it, this is refused as damage, though nothing
// that was promised is gone: all of that lies before the offset.
TEST(Crash, ThatLeavesAHoleIsRefusedOnlyBehindWhatWasSynced) {
  int refused = 0, kept = 0;
  for (int at = 1; at <= calls_of_three_starts(); ++at) {
    SCOPED_TRACE("call " + std::to_string(at));
    Life life;
    life.disk.fault = {.at = at};
    life.live(3);
    std::map<std::string, std::size_t> synced;
    for (std::uint32_t number = 1; std::filesystem::exists(life.run.segment(number)); ++number)
      synced[life.run.segment(number)] = life.disk.synced_bytes(life.run.segment(number).filename());
    life.disk.crash(true, Left::a_hole);
    const Fate fate = life.expect_fate();
    if (fate.damage) {
      ++refused;
      ASSERT_GE(fate.damage->second, synced.at(life.run.segment(fate.damage->first)));
      const auto before = contents(life.run.path());
      life.disk.fault = {};
      EXPECT_NE(life.live(1), "") << "the next start is refused as well";
      ASSERT_EQ(contents(life.run.path()), before);
    } else {
      ++kept;
      ASSERT_NO_FATAL_FAILURE(life.expect_keeps_promises(fate));
      ASSERT_NO_FATAL_FAILURE(expect_goes_on(life, fate));
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_GT(kept, 0);
}

// The disk refuses one call and is well again at once: the writer must not go on, the next start does.
TEST(FailingDisk, OnceAtEveryCallIsSaidAndResumedAfter) {
  for (const int error : {EIO, ENOSPC, EDQUOT})
    for (const std::size_t part : {0, 1, 33})
      for (int at = 1; at <= calls_of_three_starts(); at += stride)
        for (const bool crash : {false, true}) {
          SCOPED_TRACE("error " + std::to_string(error) + " at call " + std::to_string(at) + ", part " +
                       std::to_string(part));
          Life life;
          life.disk.fault = {at, error, part, false};
          const std::string message = life.live(3);
          ASSERT_NE(message, "");
          EXPECT_NE(message.find(life.run.path()), std::string::npos) << message;
          EXPECT_NE(message.find("(" + errno_text(error) + ")"), std::string::npos) << message;
          EXPECT_NE(message.find("resume the run"), std::string::npos) << message;
          if (error != EIO && life.disk.failed_call() != "rename") {
            EXPECT_NE(message.find("make room"), std::string::npos) << message;
          }
          if (crash) life.disk.crash(false, Left::nothing);
          const Fate fate = life.expect_fate();
          ASSERT_NO_FATAL_FAILURE(life.expect_keeps_promises(fate));
          ASSERT_NO_FATAL_FAILURE(expect_goes_on(life, fate));
        }
}

// Takes a byte at a time, and is interrupted before each.
class HesitantDisk final : public FileCalls {
  ssize_t write(int file, const void* data, std::size_t) override {
    interrupted_ = !interrupted_;
    if (!interrupted_) return FileCalls::write(file, data, 1);
    errno = EINTR;
    return -1;
  }
  bool interrupted_ = false;
};

TEST(FailingDisk, ThatWritesShortAndIsInterruptedGetsEveryByte) {
  RunDirectory smooth, hesitant;
  HesitantDisk disk;
  for (int start = 0; start < 2; ++start) {
    write_segment(smooth, sample_records());
    disk.during([&] { write_segment(hesitant, sample_records()); });
  }
  EXPECT_EQ(contents(hesitant.path()), contents(smooth.path()));
}

}  // namespace
}  // namespace mpifarm::journal

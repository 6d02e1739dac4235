// The committer: what it says counts is in the journal, in order, and a failing disk is a MachineryFailure.

#include "node/committer.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/pack.hpp"
#include "journal/reader.hpp"
#include "outcomes.hpp"
#include "support/expect.hpp"
#include "support/sample_jobs.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::eventually;
using support::message_of;
using support::TemporaryDirectory;

const JobType& type = job_type<support::Words>();  // its results are hashed as they are

// A disk in memory that fails at will.
struct Disk {
  std::mutex mutex;
  Bytes bytes, synced;
  std::size_t syncs = 0;
  bool full = false;
};

class DiskStorage final : public journal::Storage {
 public:
  explicit DiskStorage(Disk& disk) : disk_{disk} {}
  void append(BytesView bytes) override {
    const std::scoped_lock lock{disk_.mutex};
    if (disk_.full) throw MachineryFailure{"the disk is full"};
    disk_.bytes += bytes;
  }
  void sync() override {
    const std::scoped_lock lock{disk_.mutex};
    if (disk_.full) throw MachineryFailure{"the disk is full"};
    disk_.synced = disk_.bytes;
    ++disk_.syncs;
  }

 private:
  Disk& disk_;
};

struct Fixture {
  Disk disk;
  Waker waker;
  Committer committer;

  explicit Fixture(Durability durability = Durability::batch, Folder* folder = nullptr)
      : committer{options(durability, folder)} {}

  CommitterOptions options(Durability durability, Folder* folder) {
    CommitterOptions options;
    if (durability != Durability::none)
      options.journal.emplace(std::make_unique<DiskStorage>(disk), journal::SegmentHeader{1, 5, {}});
    options.durability = durability;
    options.type = &type;
    options.folder = folder;
    options.waker = &waker;
    return options;
  }
  void submit(journal::Record record) {
    std::vector<journal::Record> records;
    records.push_back(std::move(record));
    committer.submit(std::move(records), Order{});
  }
  std::string on_disk() {
    const std::scoped_lock lock{disk.mutex};
    return disk.bytes;
  }
  // What the journal would say now, as packed records.
  std::vector<std::string> records() {
    const TemporaryDirectory directory;
    replace_file(journal::segment_path(directory.path(), 1), on_disk());
    std::vector<std::string> all;
    journal::Reader reader{journal::inspect(directory.path())};
    for (journal::Record record; reader.next(record);) all.push_back(pack(record));
    return all;
  }
  Committer::Counts wait_for(std::uint64_t outcomes) {
    Committer::Counts sum;
    EXPECT_TRUE(eventually([&] {
      const auto counts = committer.take_committed();
      sum.succeeded += counts.succeeded;
      sum.failed += counts.failed;
      return sum.succeeded + sum.failed >= outcomes;
    }));
    return sum;
  }
};

TEST(Committer, CountsWhatIsInTheJournal) {
  Fixture f;
  std::vector<std::string> expected;
  for (std::uint64_t first = 0; first < 200; first += 10) {
    const journal::Record record = numbered_outcomes(first, 10, 0, 4);
    expected.push_back(pack(record));
    f.submit(record);
  }
  f.submit(journal::FailedAttempt{{3}, 1, "why"});
  expected.push_back(pack(journal::Record{journal::FailedAttempt{{3}, 1, "why"}}));
  const auto counts = f.wait_for(200);
  EXPECT_EQ(counts.succeeded, 150U);
  EXPECT_EQ(counts.failed, 50U);
  EXPECT_TRUE(eventually([&] { return f.committer.backlog_bytes() == 0; }));
  EXPECT_EQ(f.records(), expected);
  f.committer.seal(true);
}

TEST(Committer, OutcomesCountOnlyOnceTheyAreWritten) {
  for (const Durability durability : {Durability::batch, Durability::sync}) {
    Fixture f{durability};
    for (std::uint64_t task = 0; task < 50; ++task) {
      f.submit(numbered_outcomes(task, 1));
      ASSERT_TRUE(eventually([&] { return f.committer.take_committed().succeeded == 1; }));
      const std::scoped_lock lock{f.disk.mutex};
      const std::string& kept = durability == Durability::sync ? f.disk.synced : f.disk.bytes;
      ASSERT_NE(kept.find(std::to_string(task)), std::string::npos) << to_string(durability);
    }
    f.committer.seal(false);
  }
}

TEST(Committer, SealsWithWhatItWasTold) {
  for (const bool complete : {false, true}) {
    Fixture f;
    for (std::uint64_t task = 0; task < 100; ++task) f.submit(numbered_outcomes(task, 1));
    f.committer.seal(complete);
    EXPECT_EQ(f.disk.synced, f.disk.bytes);
    const auto records = f.records();
    ASSERT_EQ(records.size(), 101U) << "everything submitted is committed";
    const auto sealed = std::get<journal::Sealed>(unpack<journal::Record>(records.back()));
    EXPECT_EQ(sealed.complete, complete);
    EXPECT_NE(sealed.time, "");
    EXPECT_EQ(f.committer.take_committed().succeeded, 100U) << "and counted";
  }
}

TEST(Committer, AddsUpTheDigest) {
  Digest expected;
  for (std::uint64_t id = 0; id < 50; ++id) {
    if (id % 7 == 0)
      expected.add_failure(id);
    else
      expected.add_success(id, std::to_string(id));
  }
  for (const Durability durability : {Durability::batch, Durability::none}) {
    Fixture f{durability};
    f.submit(numbered_outcomes(20, 30, 0, 7));
    f.submit(numbered_outcomes(0, 20, 0, 7));
    f.committer.seal(true);
    EXPECT_EQ(f.committer.totals().digest, expected) << to_string(durability);
  }
}

TEST(Committer, PutsPositionsIntoTheOrderOfIds) {
  Fixture f;
  std::vector<journal::Record> records{numbered_outcomes(0, 2)};
  f.committer.submit(std::move(records), Order{OrderKind::lifo, 10, 0, 0, {}});
  f.committer.seal(false);
  Digest expected;
  expected.add_success(9, "0");
  expected.add_success(8, "1");
  EXPECT_EQ(f.committer.totals().digest, expected);
}

TEST(Committer, PassesOutcomesOnInTheirOrder) {
  KeepingSink sink;
  Folder folder{{&sink}, std::size_t{1} << 30};
  Fixture f{Durability::batch, &folder};
  for (std::uint64_t first = 0; first < 300; first += 3) f.submit(numbered_outcomes(first, 3));
  f.committer.seal(true);
  EXPECT_EQ(folder.finish(), 300U);
  EXPECT_EQ(sink.ids.size(), 300U);
}

TEST(Committer, AFullDiskIsAMachineryFailureAndCountsNothing) {
  Fixture f;
  f.submit(numbered_outcomes(0, 5));
  f.wait_for(5);
  {
    const std::scoped_lock lock{f.disk.mutex};
    f.disk.full = true;
  }
  f.submit(numbered_outcomes(5, 5));
  std::string message;
  EXPECT_TRUE(eventually([&] {
    message = message_of<MachineryFailure>([&] { EXPECT_EQ(f.committer.take_committed().succeeded, 0U); });
    return message != "nothing was thrown";
  }));
  EXPECT_EQ(message, "the disk is full");
  EXPECT_EQ(message_of<MachineryFailure>([&] { f.committer.seal(true); }), "the disk is full");
  EXPECT_EQ(f.records().size(), 1U) << "the journal is intact";
}

TEST(Committer, WakesTheLoop) {
  Fixture f;
  for (std::uint64_t task = 0; task < 20; ++task) {
    f.submit(numbered_outcomes(task, 1));
    while (f.committer.take_committed().succeeded == 0)
      ASSERT_TRUE(f.waker.sleep(std::chrono::seconds{60})) << "nobody woke the loop";
  }
}

// Durability::batch: on stable storage within a second, also when nothing comes after it.
TEST(Committer, SyncsTheLastOutcomesThoughNothingFollows) {
  Fixture f;
  f.submit(numbered_outcomes(0, 1));
  f.wait_for(1);
  f.submit(numbered_outcomes(1, 1));
  f.wait_for(1);
  EXPECT_TRUE(eventually(
      [&] {
        const std::scoped_lock lock{f.disk.mutex};
        return f.disk.synced == f.disk.bytes;
      },
      std::chrono::seconds{4}));
}

TEST(Committer, WritesTheStatusFile) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "status.json";
  Fixture f;
  f.committer.post_status(file, "first");
  f.committer.post_status(file, "last");
  EXPECT_TRUE(eventually([&] { return std::filesystem::exists(file) && read_file(file) == "last"; }));
  f.committer.post_status(file, "at the end");
  f.committer.seal(true);
  EXPECT_EQ(read_file(file), "at the end");
}

TEST(Durabilities, HaveNames) {
  for (const Durability durability : {Durability::sync, Durability::batch, Durability::none})
    EXPECT_EQ(parse_durability(to_string(durability)), durability);
  EXPECT_EQ(message_of<BadInput>([] { parse_durability("maybe"); }),
            "--durability is not known (\"maybe\"); use sync, batch or none");
}

}  // namespace
}  // namespace mpifarm

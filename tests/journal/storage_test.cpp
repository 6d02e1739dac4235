// Disks that fail: what was synced is read back.

#include <signal.h>
#include <sys/resource.h>

#include <random>

#include "run_directory.hpp"
#include "support/synced.hpp"

namespace mpifarm::journal {
namespace {

// A disk in memory. It fails at its `fail_at`-th call, writing a part of the bytes, and loses at will what
// was not synced.
struct Disk {
  std::string bytes;
  std::size_t synced = 0;
  int calls = 0;
  int fail_at = 1 << 30;
  std::size_t part = 0;  // bytes that the failing append still writes
};

class FaultyStorage : public Storage {
 public:
  explicit FaultyStorage(Disk& disk) : disk_{disk} {}
  void append(BytesView bytes) override {
    const bool fails = ++disk_.calls >= disk_.fail_at;
    if (disk_.calls > disk_.fail_at) FAIL() << "written to after a failure";
    disk_.bytes += fails ? bytes.substr(0, disk_.part) : bytes;
    if (fails) throw MachineryFailure{"No space left on device"};
  }
  void sync() override {
    if (++disk_.calls >= disk_.fail_at) throw MachineryFailure{"Input/output error"};
    disk_.synced = disk_.bytes.size();
  }

 private:
  Disk& disk_;
};

SegmentHeader first_header() { return {1, test_run_id, {}}; }

TEST(FaultyDisk, WhatWasSyncedIsReadBackWhateverElseSurvives) {
  std::mt19937 random{7};
  for (int round = 0; round < 300; ++round) {
    Disk disk;
    disk.fail_at = 3 + static_cast<int>(random() % 20);
    disk.part = random() % 60;
    std::vector<Record> written;
    std::size_t synced = 0;
    try {
      Writer writer{std::make_unique<FaultyStorage>(disk), first_header()};
      while (true) {
        written.push_back(outcomes_of(written.size(), {std::string(random() % 40, 'x')}));
        writer.append(written.back());
        if (random() % 2 == 0) writer.flush();
        if (random() % 3 == 0) {
          writer.sync();
          synced = written.size();
        }
      }
    } catch (const MachineryFailure&) {
    }
    // The crash: any prefix of what was not synced is there, perhaps with zeros where data never arrived.
    const std::size_t kept = disk.synced + random() % (disk.bytes.size() - disk.synced + 1);
    const RunDirectory run;
    write_file(run.segment(), disk.bytes.substr(0, kept) + std::string(random() % 2 * 50, '\0'));
    const auto read = read_run(run);
    const auto expected = packed(written);
    ASSERT_GE(read.size(), synced);
    ASSERT_LE(read.size(), expected.size());
    ASSERT_TRUE(std::equal(read.begin(), read.end(), expected.begin()));
  }
}

TEST(FaultyDisk, AWriterThatFailedOnceFailsAlways) {
  const RunDirectory run;
  // A limit on the file size makes the kernel write short, then refuse: as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1000, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  {
    Writer writer = open_segment(run);
    writer.append(Started{});
    writer.sync();
    writer.append(outcomes_of(0, {std::string(2000, 'x')}));
    EXPECT_THROW(writer.sync(), MachineryFailure);
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_THROW(writer.sync(), MachineryFailure);
    EXPECT_THROW(writer.flush(), MachineryFailure);
  }
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(run.bytes(), 1000u) << "the short write is the last thing in the file";
  EXPECT_EQ(read_run(run), packed({Started{}}));
  write_segment(run, {Sealed{}});
  EXPECT_EQ(read_run(run), packed({Started{}, Sealed{}}));
}

TEST(FaultyDisk, ErrorsNamePathAndReason) {
  const RunDirectory run;
  try {
    PosixStorage{run.path() / "missing" / "journal"};
    FAIL();
  } catch (const MachineryFailure& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find((run.path() / "missing" / "journal").string()), std::string::npos) << text;
    EXPECT_NE(text.find("No such file or directory"), std::string::npos) << text;
  }
}

TEST(Writer, CountsBytes) {
  const RunDirectory run;
  Writer writer = open_segment(run);
  EXPECT_EQ(writer.bytes(), run.bytes());
  writer.append(Started{});
  EXPECT_GT(writer.bytes(), run.bytes()) << "appending writes nothing yet";
  EXPECT_EQ(writer.buffered(), writer.bytes() - run.bytes());
  writer.flush();
  EXPECT_EQ(writer.bytes(), run.bytes());
  EXPECT_EQ(writer.buffered(), 0u);
}

TEST(PosixStorage, SyncReachesTheDisk) {
  const RunDirectory run;
  PosixStorage storage{run.segment()};
  storage.append("kept");
  const int before = support::fdatasync_calls();
  storage.sync();
  EXPECT_EQ(support::fdatasync_calls(), before + 1);
}

TEST(PosixStorage, ThatWasRemovedIsNoticed) {
  const RunDirectory run;
  PosixStorage storage{run.segment()};
  storage.append("lost");
  std::filesystem::remove(run.segment());
  EXPECT_THROW(storage.sync(), MachineryFailure);
}

}  // namespace
}  // namespace mpifarm::journal

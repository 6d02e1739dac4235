// Files that are written for others to read: an error while they are written is said, and none of them
// replaces a file of a run.

#include <fmt/format.h>

#include "support/exec_run.hpp"
#include "support/small_disk.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Exit status 3, and one line with the path.
void expect_not_written(const Ended& ended, const std::string& path) {
  expect_status(ended, 3);
  const std::vector<std::string> lines = own_lines(ended);
  ASSERT_FALSE(lines.empty()) << ended.err;
  EXPECT_THAT(lines.back(), HasSubstr(path));
}

class Export : public testing::Test {
 protected:
  Export() {
    expect_status(run(mpifarm({"run", "squares", "--to", "30000", "--run", numbers_, "--quiet"})), 0);
    expect_status(run(mpifarm({"run", "exec", "--param", "n=1..3", "--run", words_, "--quiet", "--", "seq",
                               "{n}", "50000"})),
                  0);
  }
  // Standard output goes to this file.
  Ended to_file(const Arguments& arguments, const fs::path& file) const {
    Command command = mpifarm(arguments);
    command.arguments =
        Arguments{"/bin/sh", "-c", "file=$1; shift; exec \"$@\" > \"$file\"", "sh", file} + command.arguments;
    return run(command);
  }

  const Workspace work_;
  const std::string numbers_ = work_ / "numbers", words_ = work_ / "words";
};

TEST_F(Export, ToADeviceThatIsFullFails) {
  const std::string full = "/dev/full";
  for (const std::string format : {"csv", "jsonl", "joblog"}) {
    SCOPED_TRACE(format);
    expect_not_written(run(mpifarm({"results", words_, "--format", format, "-o", full})), full);
    expect_not_written(to_file({"results", words_, "--format", format}, full), full);
  }
  for (const std::string format : {"csv", "jsonl"}) {
    SCOPED_TRACE(format);
    expect_not_written(run(mpifarm({"results", numbers_, "--format", format, "-o", full})), full);
    expect_not_written(to_file({"results", numbers_, "--format", format}, full), full);
  }
  expect_not_written(to_file({"output", words_}, full), full);
  expect_not_written(to_file({"output", words_, "0"}, full), full);
}

TEST_F(Export, ToADiskThatIsFullFails) {
  const SmallDisk disk{"64k"};
  if (!disk.mounted()) GTEST_SKIP() << "nobody may mount here";
  const std::string file = disk.path() / "exported";
  for (const std::string format : {"csv", "jsonl", "sqlite"}) {
    SCOPED_TRACE(format);
    fs::remove(file);
    const Ended ended = run(mpifarm({"results", numbers_, "--format", format, "-o", file}));
    expect_status(ended, 3);
    ASSERT_FALSE(own_lines(ended).empty());
    EXPECT_THAT(own_lines(ended).back(), HasSubstr(file));
  }
  for (const std::string format : {"csv", "jsonl"}) {
    SCOPED_TRACE(format);
    fs::remove(file);
    expect_not_written(to_file({"results", numbers_, "--format", format}, file), file);
  }
  fs::remove(file);
  expect_not_written(to_file({"output", words_}, file), file);
  disk.grow();
  fs::remove(file);
  expect_status(run(mpifarm({"results", numbers_, "-o", file})), 0);
  EXPECT_TRUE(read_text(file) == results_of(numbers_));
  expect_status(to_file({"output", words_}, file), 0);
  EXPECT_TRUE(read_text(file) == run(mpifarm({"output", words_})).out);
}

// A few bytes wait in a buffer until the file is closed.
TEST_F(Export, OfFewBytesFailsToo) {
  const std::string few = work_ / "few", full = "/dev/full";
  expect_status(run(mpifarm({"run", "exec", "--param", "n=1", "--run", few, "--quiet", "--", "echo", "{n}"})),
                0);
  expect_not_written(run(mpifarm({"results", few, "-o", full})), full);
  expect_not_written(to_file({"results", few}, full), full);
  expect_not_written(to_file({"output", few}, full), full);
  const SmallDisk disk{"4k"};
  if (!disk.mounted()) GTEST_SKIP() << "nobody may mount here";
  write_text(disk.path() / "full", std::string(4096, 'x'));
  const std::string file = disk.path() / "exported";
  expect_not_written(run(mpifarm({"results", few, "-o", file})), file);
  expect_not_written(to_file({"output", few}, file), file);
}

// A network file system may report a failed write as late as at close.
TEST_F(Export, ThatFailsAsItIsClosedFails) {
  const auto late = [](Command command, const std::string& part) {
    command.environment["LD_PRELOAD"] = failing_sync();
    command.environment["FAILING_SYNC"] = "close,fsync,fdatasync";
    command.environment["FAILING_SYNC_IN"] = part;
    return run(command);
  };
  const std::string file = work_ / "exported";
  for (const std::string format : {"csv", "jsonl"}) {
    SCOPED_TRACE(format);
    fs::remove(file);
    expect_not_written(late(mpifarm({"results", numbers_, "--format", format, "-o", file}), "exported"),
                       file);
  }
  const Arguments picture{"run", "mandelbrot", "--width", "60", "--height", "40", "--run", work_ / "picture"};
  expect_not_written(late(mpifarm(picture), "image.png"), "image.png");
  expect_status(run(mpifarm({"resume", work_ / "picture"})), 0);
}

// Jobs that write a file of their own into a run directory on a disk that only has room for the rest.
class Concluding : public testing::TestWithParam<int> {
 protected:
  void expect_said_and_resumed(const Arguments& job, const std::string& file) const {
    const std::string there = work_ / "there";
    expect_status(run(on_ranks(GetParam(), Arguments{"run"} + job + Arguments{"--run", there})), 0);
    const std::uint64_t half = fs::file_size(there + "/" + file) / 2;
    ASSERT_GT(half, 30'000u);
    std::uint64_t bytes = half + 3 * page;
    for (const auto& entry : fs::recursive_directory_iterator{there})
      if (entry.is_regular_file() && entry.path().filename() != file)
        bytes += (entry.file_size() + page) / page * page;
    const SmallDisk disk{std::to_string(bytes / page * page)};
    if (!disk.mounted()) GTEST_SKIP() << "nobody may mount here";
    const std::string path = disk.path() / "run";
    expect_not_written(run(on_ranks(GetParam(), Arguments{"run"} + job + Arguments{"--run", path})),
                       path + "/" + file);
    disk.grow();
    expect_status(run(on_ranks(GetParam(), {"resume", path})), 0);
    EXPECT_TRUE(read_text(path + "/" + file) == read_text(there + "/" + file));
  }

  static constexpr std::uint64_t page = 4096;
  const Workspace work_;
};

TEST_P(Concluding, WithAPictureOnAFullDiskFails) {
  expect_said_and_resumed({"mandelbrot", "--width", "1600", "--height", "1200", "--results", "none"},
                          "image.png");
}

TEST_P(Concluding, WithChecksumsOnAFullDiskFails) {
  fs::create_directory(work_ / "tree");
  for (int i = 0; i < 1500; ++i) write_text(work_ / "tree" / std::to_string(i), "x");
  for (const auto& [algorithm, file] : {std::pair{"sha256", "SHA256SUMS"}, std::pair{"md5", "MD5SUMS"}}) {
    SCOPED_TRACE(file);
    expect_said_and_resumed(
        {"checksum", "--path", work_ / "tree", "--algorithm", algorithm, "--results", "none"}, file);
    fs::remove_all(work_ / "there");
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, Concluding, testing::Values(0, 2));

TEST_F(Export, OfAMergeToAFullDiskFails) {
  for (const std::string number : {"1", "2"})
    expect_status(run(mpifarm({"run", "squares", "--to", "30000", "--shard", number + "/2", "--run",
                               work_ / number, "--quiet"})),
                  0);
  const SmallDisk disk{"128k"};
  if (!disk.mounted()) GTEST_SKIP() << "nobody may mount here";
  const std::string whole = disk.path() / "whole";
  const Command merge = mpifarm({"merge", work_ / "1", work_ / "2", "--run", whole});
  expect_not_written(run(merge), disk.path());
  disk.grow();
  expect_status(run(merge), 0);
  EXPECT_EQ(digest_of(whole), digest_of(numbers_));
}

class ExportOntoARun : public Export {
 protected:
  static std::vector<std::string> files_of(const std::string& run) {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator{run})
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  }
  void expect_kept(const std::string& from, const std::string& target, const std::string& file,
                   const fs::path& directory = {}) const {
    SCOPED_TRACE(target);
    const std::string before = read_text(file);
    for (const std::string format : {"csv", "jsonl", "sqlite"}) {
      Command command = mpifarm({"results", from, "--format", format, "-o", target});
      command.directory = directory;
      const Ended ended = run(command);
      expect_refused(ended, {});
      EXPECT_TRUE(read_text(file) == before) << format;
    }
  }
};

TEST_F(ExportOntoARun, IsRefused) {
  for (const std::string& run : {words_, numbers_}) {
    const std::vector<std::string> files = files_of(run);
    ASSERT_GE(files.size(), 5u);
    for (const std::string& file : files)
      for (const std::string& from : {words_, numbers_}) expect_kept(from, file, file);
  }
  EXPECT_EQ(lines_of(run(mpifarm({"output", words_, "0"})).out).size(), 50'000u);
}

TEST_F(ExportOntoARun, ByAnyNameIsRefused) {
  const std::string journal = words_ + "/journal", pack = words_ + "/output/1-0";
  ASSERT_TRUE(fs::exists(pack));
  fs::create_symlink("words/journal", work_ / "link");
  fs::create_symlink(words_, work_ / "folder");
  fs::create_symlink("folder/output/1-0", work_ / "two_links");
  expect_kept(words_, work_ / "link", journal);
  expect_kept(words_, "link", journal, work_.path());
  expect_kept(words_, work_ / "folder/journal", journal);
  expect_kept(words_, work_ / "two_links", pack);
  expect_kept(words_, "words/output/../journal", journal, work_.path());
  expect_kept(words_, "journal", journal, words_);
  expect_kept(words_, "./1-0", pack, words_ + "/output");
  expect_kept(".", "run.json", words_ + "/run.json", words_);
}

// Whatever is done with the name, the file of the run stays.
TEST_F(ExportOntoARun, ThroughAHardLinkSparesTheFile) {
  for (const std::string name : {"journal", "run.json", "results.csv", "output/1-0"}) {
    SCOPED_TRACE(name);
    const std::string file = words_ + "/" + name, before = read_text(file);
    for (const std::string format : {"csv", "jsonl", "sqlite"}) {
      fs::remove(work_ / "outside");
      fs::create_hard_link(file, work_ / "outside");
      run(mpifarm({"results", words_, "--format", format, "-o", work_ / "outside"}));
      EXPECT_TRUE(read_text(file) == before) << format;
    }
  }
}

TEST_F(ExportOntoARun, IsNotConfusedWithOtherFiles) {
  const std::string file = work_ / "journal";
  write_text(file, "mine");
  expect_status(run(mpifarm({"results", numbers_, "-o", file})), 0);
  EXPECT_TRUE(read_text(file) == results_of(numbers_));
}

}  // namespace
}  // namespace mpifarm::e2e

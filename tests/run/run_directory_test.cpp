// How a run directory comes to be.

#include "run/run_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "support/expect.hpp"
#include "support/synced.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;
using support::TemporaryDirectory;

std::size_t entries_in(const std::filesystem::path& directory) {
  const std::filesystem::directory_iterator entries{directory};
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

TEST(RunDirectory, NamesItsFiles) {
  const RunDirectory run{"runs/a"};
  EXPECT_EQ(run.manifest(), "runs/a/run.json");
  EXPECT_EQ(run.status(), "runs/a/status.json");
  EXPECT_EQ(run.summary(), "runs/a/summary.json");
  EXPECT_EQ(run.log(), "runs/a/log.txt");
  EXPECT_EQ(run.results("csv"), "runs/a/results.csv");
  EXPECT_EQ(run.results("jsonl"), "runs/a/results.jsonl");
}

TEST(CreateRun, MakesDirectoryAndManifestForTheirOwnerAlone) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path() / "deep" / "er" / "run"};
  EXPECT_FALSE(run.is_run());
  const int before = support::fsync_calls();
  create_run(run, "the manifest");
  EXPECT_GE(support::fsync_calls(), before + 3) << "the file, its directory and the one around it";
  EXPECT_TRUE(run.is_run());
  EXPECT_EQ(read_file(run.manifest()), "the manifest");
  struct stat status {};
  ASSERT_EQ(::stat(run.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat(run.manifest().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(entries_in(run.path.parent_path()), 1U) << "nothing is left beside it";
  EXPECT_NO_THROW(require_run(run));
}

TEST(CreateRun, TakesANameThatEndsInASlash) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path() / "run/"};
  ASSERT_NO_THROW(create_run(run, "m"));
  EXPECT_TRUE(run.is_run());
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

TEST(CreateRun, RefusesWhatIsThere) {
  const TemporaryDirectory directory;
  const auto link = directory.path() / "link", file = directory.path() / "file",
             empty = directory.path() / "empty";
  std::filesystem::create_symlink("nowhere", link);
  replace_file(file, "precious");
  std::filesystem::create_directory(empty);
  for (const auto& path : {directory.path(), link, file, empty}) {
    const std::string message = message_of<BadInput>([&] { create_run({path}, "m"); });
    EXPECT_NE(message.find("exists already (" + path.string()), std::string::npos) << message;
    EXPECT_NE(message.find("--continue"), std::string::npos) << message;
  }
  EXPECT_EQ(read_file(file), "precious");
  EXPECT_EQ(entries_in(directory.path()), 3U);
}

TEST(CreateRun, LeavesNothingBehindWhenItCannot) {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "file";
  replace_file(file, "in the way");
  const std::string message = message_of<BadInput>([&] { create_run({file / "run"}, "m"); });
  EXPECT_NE(message.find("cannot be made"), std::string::npos) << message;
  EXPECT_NE(message.find("--run"), std::string::npos) << message;
  EXPECT_EQ(entries_in(directory.path()), 1U);
}

TEST(RequireRun, TellsWhatIsMissing) {
  const TemporaryDirectory directory;
  EXPECT_NE(message_of<BadInput>([&] { require_run({directory.path() / "none"}); }).find("no such run"),
            std::string::npos);
  EXPECT_NE(message_of<BadInput>([&] { require_run({directory.path()}); }).find("has no run.json"),
            std::string::npos);
}

TEST(DefaultRunPath, NamesJobAndTime) {
  const std::string path = default_run_path("squares");
  EXPECT_TRUE(path.starts_with("runs/squares-20")) << path;
  EXPECT_EQ(path.size(), std::string{"runs/squares-20261120-123456"}.size()) << path;
}

}  // namespace
}  // namespace mpifarm

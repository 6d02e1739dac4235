// What ranks look for to learn whether they see the run directory.

#include "run/shared_mark.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/file.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::TemporaryDirectory;

TEST(SharedMark, IsThereUntilItsEndWhereTheRunWillBe) {
  const TemporaryDirectory directory;
  std::filesystem::path seen;
  {
    const SharedMark mark{RunDirectory{directory.path() / "deep" / "er" / "run"}};
    seen = mark.path();
    EXPECT_EQ(seen.parent_path(), directory.path()) << "above what is not there yet";
    EXPECT_TRUE(sees_mark(seen));
  }
  EXPECT_FALSE(std::filesystem::exists(seen));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(SharedMark, OfARunIsInItsDirectory) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path() / "run"};
  create_run(run, "{}");
  const SharedMark mark{run}, another{run};
  EXPECT_EQ(mark.path().parent_path(), run.path);
  EXPECT_NE(mark.path(), another.path());
}

TEST(SharedMark, IsWaitedForAsFilesMayComeLate) {
  const TemporaryDirectory directory;
  const auto late = directory.path() / "late";
  std::thread writer{[&] {
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    replace_file(late, "");
  }};
  EXPECT_TRUE(sees_mark(late));
  writer.join();
}

TEST(SharedMark, ThatIsNotThereIsNotSeen) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(sees_mark(directory.path() / "elsewhere"));
  EXPECT_TRUE(sees_mark({})) << "none was made";
}

TEST(SharedMark, IsNoneWhereNothingCanBeMade) {
  EXPECT_TRUE(SharedMark{RunDirectory{"/proc/run"}}.path().empty());
}

}  // namespace
}  // namespace mpifarm

// The main job on a tree of odd names: ranks agree with each other and with sha256sum.

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string>& odd_names() {
  static const std::vector<std::string> names{"plain",
                                              "two words",
                                              "-",
                                              "-rf",
                                              "new\nline",
                                              "back\\slash",
                                              "tab\there",
                                              "quo\"te",
                                              "apo'strophe",
                                              "com,ma",
                                              "*",
                                              "$HOME",
                                              "caf\xc3\xa9",
                                              "not utf-8 \xff\xfe",
                                              "return\rhere",
                                              " leading",
                                              "trailing ",
                                              ".hidden",
                                              "\\",
                                              "\\n",
                                              std::string(255, 'x')};
  return names;
}

// Returns how many files there are.
std::uint64_t make_tree(const fs::path& root, int plain_files) {
  std::uint64_t files = 0;
  fs::create_directories(root / "deep" / "er" / "still");
  fs::create_directory(root / "empty");
  for (const fs::path& directory : {root, root / "deep" / "er", root / "deep" / "er" / "still"})
    for (const std::string& name : odd_names()) {
      write_text(directory / name, "the file " + name);
      ++files;
    }
  fs::create_directory(root / "many");
  for (int i = 0; i < plain_files; ++i, ++files)
    write_text(root / "many" / std::to_string(i), std::string(static_cast<std::size_t>(i * 37 % 5000), 'y'));
  write_text(root / "big", std::string(5'000'001, 'z'));
  write_text(root / "nothing", "");
  fs::create_symlink("big", root / "link");
  fs::create_directory_symlink("..", root / "deep" / "loop");
  return files + 2;
}

void expect_sha256sum_agrees(const fs::path& run) {
  Command command{{"/usr/bin/sha256sum", "--quiet", "--strict", "-c", run / "SHA256SUMS"}};
  const Ended ended = e2e::run(command);
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  EXPECT_EQ(ended.out + ended.err, "");
}

TEST(ChecksumRun, OfAnOddTreeIsTheSameEverywhereAndAgreesWithSha256sum) {
  const Workspace work;
  const std::uint64_t files = make_tree(work / "tree", 5000);
  const Arguments job{"run", "checksum", "--path", work / "tree", "--run"};
  const std::vector<std::pair<int, Arguments>> layouts{
      {0, {}},
      {1, {}},
      {3, {}},
      {3, {"--batch", "1"}},
      {0, {"--order", "lifo"}},
      {3, {"--order", "lifo"}},
      {3, {"--order", "shuffle", "--seed", "3"}},
      {2, {"--threads", "4", "--order", "shuffle", "--batch", "7"}},
  };
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const auto& [ranks, flags] = layouts[i];
    SCOPED_TRACE(testing::PrintToString(flags) + " on " + std::to_string(ranks));
    const fs::path run = work / ("run" + std::to_string(i));
    const Ended ended = e2e::run(on_ranks(ranks, job + Arguments{run} + flags));
    expect_status(ended, 0);
    EXPECT_THAT(ended.out, testing::StartsWith(std::to_string(files) + " files, "));
    EXPECT_EQ(summary_of(run).whole("tasks"), files);
    EXPECT_EQ(digest_of(run), digest_of(work / "run0"));
    EXPECT_TRUE(results_of(run) == results_of(work / "run0")) << "results.csv differs";
    EXPECT_TRUE(read_text(run / "SHA256SUMS") == read_text(work / "run0" / "SHA256SUMS"));
    if (i < 3) expect_sha256sum_agrees(run);
  }
  EXPECT_EQ(csv_rows(results_of(work / "run0")).size(), files + 1);
}

TEST(ChecksumRun, TakesManyPathsInTheirOrder) {
  const Workspace work;
  make_tree(work / "tree", 3);
  const Ended ended =
      run(mpirun(2, {"run", "checksum", "--path", work / "tree" / "nothing", "--path", work / "tree" / "many",
                     "--path", work / "tree" / "link", "--run", work / "run"}));
  expect_status(ended, 0);
  const std::vector<Row> rows = csv_rows(results_of(work / "run"));
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0], (Row{"id", "status", "path", "checksum", "bytes", "message"}));
  EXPECT_EQ(rows[1], (Row{"0", "succeeded", work / "tree" / "nothing",
                          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "0", ""}));
  EXPECT_EQ(rows[5][2], work / "tree" / "link");
  EXPECT_EQ(rows[5][4], "5000001");
  expect_sha256sum_agrees(work / "run");
}

TEST(ChecksumRun, OfRelativePathsIsAsSeenFromRankZero) {
  const Workspace work;
  make_tree(work / "tree", 3);
  Command command = mpirun(2, {"run", "checksum", "--path", "tree/many", "--run", "run"});
  command.directory = work.path();
  expect_status(run(command), 0);
  EXPECT_EQ(csv_rows(results_of(work / "run"))[1][2], "tree/many/0");
}

TEST(ChecksumRun, OfFilesThatCannotBeReadFailsThoseAlone) {
  const Workspace work;
  fs::permissions(work.path(), fs::perms{0777});
  fs::create_directory(work / "tree");
  for (const char* name : {"a", "b", "c"}) write_text(work / "tree" / name, name);
  fs::create_directory(work / "tree" / "d");
  fs::permissions(work / "tree" / "b", fs::perms{0});
  fs::permissions(work / "tree" / "d", fs::perms{0});
  Command command = mpifarm({"run", "checksum", "--path", work / "tree", "--run", work / "run"});
  command.as_nobody = true;
  expect_status(run(command), 1);
  const std::vector<Row> rows = csv_rows(results_of(work / "run"));
  ASSERT_EQ(rows.size(), 5u);
  for (const std::size_t good : {1, 3}) EXPECT_EQ(rows[good][1], "succeeded");
  for (const std::size_t bad : {2, 4}) {
    EXPECT_EQ(rows[bad][1], "failed");
    EXPECT_THAT(rows[bad][5], testing::HasSubstr("Permission denied"));
  }
  EXPECT_THAT(rows[2][5], testing::HasSubstr("tree/b"));
  EXPECT_EQ(lines_of(read_text(work / "run" / "SHA256SUMS")).size(), 2u);
}

TEST(ChecksumRun, OfAnEmptyTreeIsASuccess) {
  for (const int ranks : {0, 3}) {
    const Workspace work;
    fs::create_directory(work / "tree");
    const Ended ended =
        run(on_ranks(ranks, {"run", "checksum", "--path", work / "tree", "--run", work / "run"}));
    expect_status(ended, 0);
    EXPECT_EQ(summary_of(work / "run").whole("tasks"), 0u);
    EXPECT_EQ(read_text(work / "run" / "SHA256SUMS"), "");
  }
}

TEST(ChecksumRun, KilledAndResumedAgreesWithSha256sum) {
  const Workspace work;
  const std::string path = work / "run";
  make_tree(work / "tree", 20'000);
  const Arguments job{"checksum", "--path", work / "tree"};
  {
    Process process{
        mpirun(2, Arguments{"run"} + job + Arguments{"--order", "shuffle", "--threads", "1", "--run", path})};
    ASSERT_TRUE(wait_until([&] { return journal_bytes(path) > 50'000; }));
  }
  expect_status(run(mpirun(3, {"resume", path})), 0);
  expect_status(run(mpifarm(Arguments{"run"} + job + Arguments{"--run", work / "whole"})), 0);
  EXPECT_EQ(digest_of(path), digest_of(work / "whole"));
  EXPECT_TRUE(results_of(path) == results_of(work / "whole"));
  EXPECT_FALSE(tally_journal(path).repeated);
  expect_sha256sum_agrees(path);
}

}  // namespace
}  // namespace mpifarm::e2e

// logscan and mandelbrot as users run them, and results in SQLite.

#include <fmt/format.h>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TEST(Logscan, EqualsGrepOnEveryLayout) {
  const Workspace work;
  const fs::path log = work / "log";
  ASSERT_EQ(
      run(shell(0, fmt::format("seq 1 400000 | awk '{{print \"line \" $1*7919%1000003 \" of log\"}}' > {0}; "
                               "gzip -k {0}",
                               log.string())))
          .status,
      0);
  Arguments patterns;
  std::string expected;
  for (const std::string pattern : {"7", "^line 1", "99 of", "(12|21)+", "log$", "x"}) {
    patterns = patterns + Arguments{"--pattern", pattern};
    const Ended grep = run(shell(0, fmt::format("grep -cE '{}' {}", pattern, log.string())));
    expected += grep.out.substr(0, grep.out.size() - 1) + "\t" + pattern + "\n";
  }
  std::vector<std::string> digests;
  for (const int ranks : {0, 1, 2, 4}) {
    const std::string path = work / fmt::format("run{}", ranks);
    const Ended ended = run(on_ranks(
        ranks,
        Arguments{"run", "logscan", "--path", log, "--range-bytes", "100000", "--run", path} + patterns));
    expect_status(ended, 0);
    EXPECT_EQ(ended.out, expected);
    digests.push_back(digest_of(path));
    EXPECT_EQ(digests.back(), digests.front());
    EXPECT_EQ(read_text(fs::path{path} / "results.jsonl").substr(0, 8), "{\"id\":0,") << "results are nested";
  }
  const Ended packed = run(
      mpifarm(Arguments{"run", "logscan", "--path", log.string() + ".gz", "--run", work / "gz"} + patterns));
  EXPECT_EQ(packed.out, expected);
}

TEST(Logscan, BadInputIsRefused) {
  const Workspace work;
  write_text(work / "log", "x\n");
  const auto refused = [&](const Arguments& flags, const std::vector<std::string>& parts) {
    const Arguments arguments = Arguments{"run", "logscan", "--run", work / "run"} + flags;
    expect_refused(run(mpifarm(arguments)), parts);
    expect_refused(run(mpirun(3, arguments)), parts);
  };
  refused({"--path", work / "log", "--pattern", "a(b"},
          {"--pattern is no expression", "a(b", "at character"});
  refused({"--path", work / "log"}, {"--pattern is missing"});
  refused({"--path", work / "nowhere", "--pattern", "x"}, {"--path", "nowhere", "No such file"});
  refused({"--pattern", "x"}, {"--path is missing"});
  refused({"--path", work / "log", "--pattern", "x", "--range-bytes", "-1"}, {"--range-bytes", "-1"});
  EXPECT_EQ(work.names(), std::vector<std::string>{"log"});
}

TEST(Logscan, AFileThatChangedIsRefusedByName) {
  const Workspace work;
  const fs::path log = work / "log";
  constexpr std::size_t lines = 300'000;  // a task each, so that it takes seconds
  write_text(log, std::string(lines, '\n'));
  const std::string path = work / "run";
  {
    Process process{mpifarm({"run", "logscan", "--path", log, "--pattern", "x", "--range-bytes", "1",
                             "--batch", "1", "--threads", "1", "--run", path})};
    ASSERT_TRUE(wait_for_outcomes(process, path, 1));
    process.kill_all();
  }
  write_text(log, std::string(lines, 'x'));
  const Ended ended = run(mpifarm({"resume", path, "--quiet"}));
  expect_refused(ended, {"changed", log});
}

TEST(Mandelbrot, LeavesTheSamePictureOnEveryLayout) {
  const Workspace work;
  std::string picture;
  for (const int ranks : {0, 3}) {
    const std::string path = work / fmt::format("run{}", ranks);
    expect_status(
        run(on_ranks(ranks, {"run", "mandelbrot", "--width", "300", "--height", "200", "--run", path})), 0);
    const std::string image = read_text(fs::path{path} / "image.png");
    EXPECT_EQ(image.substr(0, 4), "\x89PNG");
    EXPECT_TRUE(picture.empty() || image == picture);
    picture = image;
  }
}

TEST(Sqlite, HasTheRowsOfTheCsv) {
  const Workspace work;
  const Arguments squares{"run", "squares", "--from", "3037000490", "--to", "3037000510"};
  expect_status(run(mpirun(2, squares + Arguments{"--results", "sqlite", "--run", work / "one"})), 1);
  expect_status(run(mpifarm(squares + Arguments{"--run", work / "two"})), 1);
  const std::string exported = work / "out.sqlite";
  expect_status(run(mpifarm({"results", work / "two", "--format", "sqlite", "-o", exported})), 0);
  const auto dump = [](const std::string& file) {
    const Ended ended = run(Command{{"/usr/bin/sqlite3", "-csv", "-header", file, "SELECT * FROM results"}});
    EXPECT_EQ(ended.status, 0) << ended.err;
    std::string text;  // it quotes what has a blank in it
    for (const char c : ended.out)
      if (c != '"' && c != '\r') text += c;
    return text;
  };
  EXPECT_EQ(dump(work / "one" / "results.sqlite"), results_of(work / "two"));
  EXPECT_EQ(dump(exported), results_of(work / "two"));
  expect_refused(run(mpifarm({"results", work / "two", "--format", "sqlite"})), {"--format sqlite", "-o"});
}

}  // namespace
}  // namespace mpifarm::e2e

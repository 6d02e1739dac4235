// `--tasks`: lists from files and pipes, whole, slow, long, changed and broken.

#include <fmt/format.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "support/program.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class TaskList : public testing::TestWithParam<int> {
 protected:
  Arguments squares(const std::string& list, const std::string& run = "run") const {
    return {"run", "squares", "--tasks", list, "--run", work_ / run};
  }
  Ended start(const std::string& list, const std::string& run = "run") const {
    return e2e::run(on_ranks(GetParam(), squares(list, run)));
  }
  fs::path write(const std::string& name, const std::string& text) const {
    write_text(work_ / name, text);
    return work_ / name;
  }

  const Workspace work_;
};

TEST_P(TaskList, CsvJsonLinesGzipAndPipesGiveTheSame) {
  std::string csv = "n\n", json;
  for (int n = 1; n <= 5000; ++n) {
    csv += fmt::format("{}\n", n);
    json += fmt::format("{{\"n\": {}}}\n", n);
  }
  expect_status(run(mpifarm({"run", "squares", "--from", "1", "--to", "5001", "--run", work_ / "own"})), 0);
  const std::string expected = results_of(work_ / "own");
  expect_status(start(write("list.csv", csv), "csv"), 0);
  expect_status(start(write("list.jsonl", json), "json"), 0);
  ASSERT_EQ(run(Command{{"/bin/gzip", "-k", work_ / "list.csv"}}).status, 0);
  expect_status(start(work_ / "list.csv.gz", "gzip"), 0);
  expect_status(
      run(shell(GetParam(), fmt::format("cat {} | $MPIFARM run squares --tasks - --run {}",
                                        (work_ / "list.jsonl").string(), (work_ / "pipe").string()))),
      0);
  for (const char* name : {"csv", "json", "gzip", "pipe"}) {
    EXPECT_EQ(results_of(work_ / name), expected) << name;
    EXPECT_EQ(digest_of(work_ / name), digest_of(work_ / "own")) << name;
  }
}

TEST_P(TaskList, NothingIsNoTask) {
  for (const std::string text : {"", "n\n", "\n\n"}) {
    const std::string name = fmt::format("run{}", work_.names().size());
    expect_status(start(write("list", text), name), 0);
    EXPECT_EQ(summary_of(work_ / name).whole("tasks"), 0U);
  }
}

TEST_P(TaskList, BadRowsAreRefusedBeforeAnythingRuns) {
  int tried = 0;
  const auto refused = [&](const std::string& text, const std::vector<std::string>& parts) {
    if (GetParam() > 0 && ++tried > 2) return;  // the others take the same way, and mpirun takes its time
    const fs::path list = write("list", text);
    std::vector<std::string> all = parts;
    all.push_back(list);
    expect_refused(start(list), all);
    EXPECT_FALSE(fs::exists(work_ / "run"));
  };
  refused("n\n1\n12x\n", {"line 3", "column n", "\"12x\"", "not a whole number"});
  refused("n\n1\n99999999999999999999\n", {"line 3", "out of range"});
  refused("n,m\n1,2\n", {"line 1", "m"});
  refused("n\n1,2\n", {"line 2"});
  refused("n\n\"1\n", {"line 2, column 1", "quote"});
  refused("{\"n\": 1}\n{\"n\": \"x\"}\n", {"line 2", "n is not a whole number", "\"x\""});
  refused("{\"n\": 1}\n{\"N\": 1}\n", {"line 2", "N"});
  refused("{\"n\": 1}\n{\"n\": \xff}\n", {"line 2", "not valid JSON (column"});
  refused("{\"n\": 1}\n{\"n\": 1\n", {"line 2", "not valid JSON"});
}

TEST_P(TaskList, WhatIsNoListIsRefused) {
  expect_refused(start(work_ / "nowhere"), {"nowhere", "No such file"});
  expect_refused(start(work_.path()), {work_.path(), "a directory"});
  expect_refused(start(""), {"--tasks is empty"});
  EXPECT_TRUE(work_.names().empty());
}

INSTANTIATE_TEST_SUITE_P(Ranks, TaskList, testing::Values(0, 1, 2, 4));

class OneTaskList : public TaskList {};
INSTANTIATE_TEST_SUITE_P(Alone, OneTaskList, testing::Values(0));

TEST_P(OneTaskList, ALineOf100MegabytesIsRefused) {
  Command command = shell(0, fmt::format("(echo label; head -c 100000000 /dev/zero | tr '\\0' x) > {0}; "
                                         "$MPIFARM run squares --tasks {0} --run {1}",
                                         (work_ / "list").string(), (work_ / "run").string()));
  const Ended csv = run(command);
  expect_refused(csv, {"list", "line 1", "label"});
  command = shell(0, fmt::format("(printf '{{\"n\": \"'; head -c 100000000 /dev/zero | tr '\\0' x) > {0}; "
                                 "$MPIFARM run squares --tasks {0} --run {1}",
                                 (work_ / "list").string(), (work_ / "run").string()));
  expect_refused(run(command), {"list", "line 1 is longer than"});
}

TEST_P(OneTaskList, ChangedBetweenTwoStartsIsRefusedByName) {
  std::string text = "n\n0\n";
  for (int i = 1; i < 2000; ++i) text += fmt::format("{}\n", i);
  const fs::path list = write("list.csv", text);
  {
    Process process{
        mpifarm({"run", "spin", "--wait", "--duration", "0.002", "--tasks", list, "--run", work_ / "run"})};
    ASSERT_TRUE(wait_for_outcomes(process, work_ / "run", 50));
    process.kill_all();
  }
  write_text(list, text + "7\n");
  expect_refused(run(mpifarm({"resume", work_ / "run", "--quiet"})), {list, "2000 tasks -> 2001 tasks"});
  write_text(list, "n\n7" + text.substr(3));
  expect_refused(run(mpirun(3, {"resume", work_ / "run", "--quiet"})), {list, "other ones"});
  write_text(list, text);
  expect_status(run(mpirun(3, {"resume", work_ / "run"})), 0);
  EXPECT_EQ(summary_of(work_ / "run").whole("tasks"), 2000U);
  EXPECT_GE(summary_of(work_ / "run").whole("resumed"), 50U);
}

TEST_P(OneTaskList, ABadRowOfAPipeStopsTheReadingAndKeepsWhatCameBefore) {
  for (const int ranks : {0, 3}) {
    const std::string path = work_ / fmt::format("run{}", ranks);
    const Ended ended = run(
        shell(ranks,
              fmt::format("(echo n; seq 1 700; echo zzz; seq 1 10) | $MPIFARM run squares --tasks - --run {}",
                          path)));
    expect_status(ended, 2);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr("standard input, line 702: column n is not a whole number (\"zzz\")"));
    EXPECT_THAT(ended.err, HasSubstr("mpifarm resume " + path));
    EXPECT_EQ(lines_of(run(mpifarm({"results", path})).out).size(), 701U);
    expect_status(run(shell(ranks, fmt::format("(echo n; seq 1 700; seq 1 10) | $MPIFARM resume {}", path))),
                  0);
    const Json summary = summary_of(path);
    EXPECT_EQ(summary.whole("tasks"), 710U);
    EXPECT_EQ(summary.whole("resumed"), 700U);
    EXPECT_EQ(summary.whole("attempts"), 10U);
  }
}

TEST_P(OneTaskList, AnotherPipeIsNotTheSameRun) {
  const std::string path = work_ / "run";
  expect_status(
      run(shell(0,
                fmt::format("(echo n; seq 1 10; echo zzz) | $MPIFARM run squares --tasks - --run {}", path))),
      2);
  const Ended ended = run(shell(0, fmt::format("(echo n; seq 2 20) | $MPIFARM resume {}", path)));
  expect_status(ended, 2);
  EXPECT_THAT(ended.err, HasSubstr("task 0 is now {\"n\":2}"));
}

TEST_P(OneTaskList, ASlowPipeRunsTasksAsTheyCome) {
  const fs::path pipe = work_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Process process{mpifarm(squares(pipe))};
  std::ofstream rows{pipe};
  rows << "n\n" << std::flush;
  for (unsigned row = 1; row <= 3; ++row) {
    rows << row << "\n" << std::flush;
    EXPECT_TRUE(wait_for_outcomes(process, work_ / "run", row)) << row;
  }
  rows.close();
  expect_status(process.wait(), 0);
  EXPECT_EQ(lines_of(results_of(work_ / "run")).size(), 4U);
}

TEST_P(OneTaskList, ASignalEndsARunThatWaitsForItsPipe) {
  const fs::path pipe = work_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  Process process{mpifarm(squares(pipe))};
  std::ofstream rows{pipe};
  rows << "n\n1\n" << std::flush;
  ASSERT_TRUE(wait_for_outcomes(process, work_ / "run", 1));
  process.signal(SIGTERM);
  expect_status(process.wait(), 75);
}

TEST_P(OneTaskList, ALongPipeTakesNoMoreMemoryThanAShortOne) {
  const auto peak_kilobytes = [&](int rows) {
    const std::string path = work_ / fmt::format("run{}", rows);
    const Ended ended = run(
        shell(0, fmt::format("(echo n; seq 1 {}) | $MPIFARM run squares --results none --tasks - --run {}",
                             rows, path)));
    expect_status(ended, 0);
    EXPECT_EQ(summary_of(path).whole("succeeded"), static_cast<std::uint64_t>(rows));
    return ended.peak_kilobytes;
  };
  const long few = peak_kilobytes(1000), many = peak_kilobytes(1'500'000);
  EXPECT_GT(few, 1000);
  EXPECT_LT(many, few + 25'000) << "the descriptors alone would take twice that";
}

TEST_P(OneTaskList, RefusesFlagsThatItTakesTheEffectOf) {
  const fs::path list = write("list.csv", "path\nx\n");
  for (const Arguments& flag : {Arguments{"--path", "."}, {"--exclude", "*.o"}, {"--follow"}}) {
    Arguments arguments{"run", "checksum", "--tasks", list, "--run", work_ / "run"};
    arguments.insert(arguments.end(), flag.begin(), flag.end());
    expect_refused(run(mpifarm(arguments)), {flag.front(), "no effect beside --tasks"});
  }
  EXPECT_FALSE(fs::exists(work_ / "run"));
}

TEST_P(OneTaskList, OfAnyJobTakesThePlaceOfItsSource) {
  write("a", "abc");
  write("b", "");
  const fs::path list = write("list.jsonl", fmt::format("{{\"path\":\"{}\"}}\n{{\"path\":\"{}\"}}\n",
                                                        (work_ / "a").string(), (work_ / "b").string()));
  expect_status(run(mpifarm({"run", "checksum", "--tasks", list, "--run", work_ / "run"})), 0);
  EXPECT_EQ(run(Command{{"/usr/bin/sha256sum", "--quiet", "-c", work_ / "run" / "SHA256SUMS"}}).status, 0);
  expect_refused(run(mpifarm({"run", "checksum", "--run", work_ / "other"})),
                 {"--path is missing", "--tasks"});
}

}  // namespace
}  // namespace mpifarm::e2e

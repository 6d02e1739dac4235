// Lists and folders that changed: since a run was complete, or between the shards of a run.

#include <fmt/format.h>

#include <tuple>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

// Sources of three tasks, each read from `work`, and what may happen to them.
struct Source {
  std::string name;
  Arguments job;
  std::string part;  // the message names it
};

const std::vector<Source>& sources() {
  static const std::vector<Source> all{
      {"commands", {"exec", "--commands", "commands"}, "commands"},
      {"table", {"exec", "--tasks", "table.csv", "--", "echo", "{n}"}, "table.csv"},
      {"table_of_a_job", {"squares", "--tasks", "table.csv"}, "table.csv"},
      {"files", {"exec", "--files", "tree/*", "--", "cat", "{path}"}, "source changed"},
      {"tree", {"checksum", "--path", "tree"}, "source changed"}};
  return all;
}

// Writes all sources with these numbers, one a line, row or file.
void write_sources(const fs::path& directory, const std::vector<int>& numbers) {
  std::string commands, table = "n\n";
  fs::remove_all(directory / "tree");
  fs::create_directory(directory / "tree");
  for (const int n : numbers) {
    commands += fmt::format("echo {0}; echo {0} >> ran\n", n);
    table += fmt::format("{}\n", n);
    write_text(directory / "tree" / fmt::format("f{}", n), std::to_string(n));
    // A file that is written again is the same file as long as its times are.
    fs::last_write_time(directory / "tree" / fmt::format("f{}", n), fs::file_time_type{});
  }
  write_text(directory / "commands", commands);
  write_text(directory / "table.csv", table);
}

struct Change {
  std::string name;
  std::vector<int> numbers;
};

const std::vector<Change> changes{{"grown", {1, 2, 3, 4}},
                                  {"grown_in_front", {0, 1, 2, 3}},
                                  {"shrunk", {1, 2}},
                                  {"without_the_first", {2, 3}},
                                  {"other", {1, 2, 4}}};

class OtherSource : public testing::Test {
 protected:
  OtherSource() { write_sources(work_.path(), {1, 2, 3}); }
  Ended run_in_work(Command command) const {
    command.directory = work_.path();
    return e2e::run(command);
  }
  Ended run_job(int ranks, const Arguments& flags, const Arguments& job) const {
    return run_in_work(
        on_ranks(ranks, Arguments{"run", job.at(0)} + flags + Arguments(job.begin() + 1, job.end())));
  }
  std::vector<std::string> all_files(const std::string& run) const {
    std::vector<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator{work_ / run})
      if (entry.is_regular_file() && entry.path().filename() != "log.txt")
        files.push_back(entry.path().string() + read_text(entry.path()));
    std::ranges::sort(files);
    return files;
  }

  const Workspace work_;
};

class CompleteRun : public OtherSource, public testing::WithParamInterface<std::tuple<Source, Change>> {};

TEST_P(CompleteRun, OfAChangedSourceIsNotContinued) {
  const auto& [source, change] = GetParam();
  expect_status(run_job(0, {"--run", "run"}, source.job), 0);
  const std::string digest = digest_of(work_ / "run");
  const std::vector<std::string> before = all_files("run");
  expect_status(run_job(0, {"--run", "run", "--continue"}, source.job), 0);
  write_sources(work_.path(), change.numbers);
  expect_refused(run_job(0, {"--run", "run", "--continue"}, source.job), {"changed", source.part, "--reuse"});
  EXPECT_EQ(digest_of(work_ / "run"), digest);
  const Ended resumed = run_in_work(mpifarm({"resume", "run"}));
  expect_status(resumed, 0);
  EXPECT_THAT(own_lines(resumed), Contains(HasSubstr("changed")).Times(1)) << resumed.err;
  EXPECT_EQ(digest_of(work_ / "run"), digest);
  const Ended fresh = run_job(0, {"--run", "new", "--reuse", "run"}, source.job);
  expect_status(fresh, 0);
  EXPECT_EQ(summary_of(work_ / "new").whole("tasks"), change.numbers.size());
  EXPECT_LE(summary_of(work_ / "new").whole("attempts"), 1u) << "what the message recommends";
}

INSTANTIATE_TEST_SUITE_P(Sources, CompleteRun,
                         testing::Combine(testing::ValuesIn(sources()), testing::ValuesIn(changes)),
                         [](const auto& both) {
                           return std::get<0>(both.param).name + "_" + std::get<1>(both.param).name;
                         });

class CompleteRunOn : public OtherSource, public testing::WithParamInterface<int> {};

TEST_P(CompleteRunOn, ManyRanksIsNotContinuedEither) {
  for (const Source& source : sources()) {
    SCOPED_TRACE(source.name);
    write_sources(work_.path(), {1, 2, 3});
    const std::string path = "run_of_" + source.name;
    const Arguments run{"--run", path};
    expect_status(run_job(0, run, source.job), 0);
    write_sources(work_.path(), {1, 2, 3, 4});
    const Arguments go_on = run + Arguments{"--continue"};
    expect_refused(run_job(GetParam(), go_on, source.job), {"changed", source.part, "--reuse"});
    const Ended resumed = run_in_work(mpirun(GetParam(), {"resume", path}));
    expect_status(resumed, 0);
    EXPECT_THAT(own_lines(resumed), Contains(HasSubstr("changed")).Times(1));
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, CompleteRunOn, testing::Values(1, 3));

TEST_F(OtherSource, ALaunchOfAChangedListIsNotContinued) {
  const Arguments job{"--commands", "commands", "--run", "run", "--continue"};
  expect_status(run_in_work(mpifarm(Arguments{"launch", "-n", "2", "--", "exec"} + job)), 0);
  write_sources(work_.path(), {1, 2, 3, 4});
  const Ended ended = run_in_work(mpifarm(Arguments{"launch", "-n", "2", "--", "exec"} + job));
  expect_status(ended, 2);
  EXPECT_THAT(own_lines(ended), Contains(testing::AllOf(HasSubstr("changed"), HasSubstr("--reuse"))));
}

TEST_F(OtherSource, ACompletePipeIsNotContinuedWithOtherRows) {
  const auto feed = [&](const std::string& rows, const std::string& more = "") {
    return run_in_work(shell(0, "printf '" + rows + "' | $MPIFARM run squares --tasks - --run run" + more));
  };
  expect_status(feed("n\\n1\\n2\\n"), 0);
  expect_status(feed("n\\n1\\n2\\n", " --continue"), 0);
  expect_refused(feed("n\\n1\\n2\\n3\\n", " --continue"), {"changed", "--reuse"});
  expect_refused(feed("n\\n1\\n", " --continue"), {"changed", "--reuse"});
  expect_refused(feed("n\\n1\\n7\\n", " --continue"), {"changed", "--reuse"});
}

// With tasks that failed it is complete, too.
TEST_F(OtherSource, ACompleteRunWithFailuresIsNotContinued) {
  write_text(work_ / "list", "true\nfalse\n");
  const Arguments job{"exec", "--commands", "list"};
  expect_status(run_job(0, {"--run", "run"}, job), 1);
  write_text(work_ / "list", "true\nfalse\ntrue\n");
  expect_refused(run_job(0, {"--run", "run", "--continue"}, job), {"changed", "list", "--reuse"});
}

class ChangedShards : public OtherSource {
 protected:
  // Two shards, the second of which sees `numbers`, and what `merge` says.
  Ended merged(const Source& source, const std::vector<int>& numbers, const std::string& run) const {
    write_sources(work_.path(), {1, 2, 3, 4, 5});
    expect_status(run_job(0, {"--run", run + "1", "--shard", "1/2", "--quiet"}, source.job), 0);
    write_sources(work_.path(), numbers);
    expect_status(run_job(0, {"--run", run + "2", "--shard", "2/2", "--quiet"}, source.job), 0);
    return run_in_work(mpifarm({"merge", run + "1", run + "2", "--run", run}));
  }
};

TEST_F(ChangedShards, AreNotMerged) {
  for (const Source& source : sources()) {
    SCOPED_TRACE(source.name);
    const std::vector<std::vector<int>> others{
        {2, 3, 4, 5}, {1, 2, 3, 4, 5, 6}, {1, 2, 3, 4}, {1, 2, 3, 6, 7}};
    for (std::size_t i = 0; i < others.size(); ++i) {
      const std::string run = fmt::format("{}_of_{}", i, source.name);
      expect_refused(merged(source, others[i], run), {});
      EXPECT_FALSE(fs::exists(work_ / run));
    }
    expect_status(merged(source, {1, 2, 3, 4, 5}, "of_" + source.name), 0);
    EXPECT_EQ(summary_of(work_ / ("of_" + source.name)).whole("succeeded"), 5u);
  }
}

TEST_F(ChangedShards, OfPipesAreNotMerged) {
  const auto feed = [&](const std::string& rows, const std::string& shard, const std::string& run) {
    expect_status(
        run_in_work(shell(0, "printf 'n\\n" + rows + "' | $MPIFARM run squares --tasks - --quiet --run " +
                                 run + " --shard " + shard)),
        0);
  };
  const std::vector<std::pair<std::string, int>> second{
      {"1\\n2\\n3\\n4\\n", 0}, {"2\\n3\\n4\\n", 2}, {"1\\n2\\n3\\n4\\n5\\n", 2}, {"1\\n2\\n3\\n5\\n", 2}};
  feed("1\\n2\\n3\\n4\\n", "1/2", "one");
  for (const auto& [rows, status] : second) {
    SCOPED_TRACE(rows);
    for (const char* name : {"two", "whole"}) fs::remove_all(work_ / name);
    feed(rows, "2/2", "two");
    const Ended ended = run_in_work(mpifarm({"merge", "one", "two", "--run", "whole"}));
    if (status == 0) expect_status(ended, 0);
    if (status != 0) expect_refused(ended, {});
    EXPECT_EQ(fs::exists(work_ / "whole"), status == 0);
  }
}

// A job's own source: one that tells how many tasks there are, but not which.
TEST_F(ChangedShards, OfAnUnsteadyJobAreNotMerged) {
  const auto shard = [&](const std::string& number, const std::string& first) {
    expect_status(e2e::run(Command{{unsteady_job(), "run", "unsteady", "--quiet", "--shard", number + "/2",
                                    "--run", work_ / number},
                                   {{"UNSTEADY_FIRST", first}}}),
                  0);
  };
  const Command merge{{unsteady_job(), "merge", work_ / "1", work_ / "2", "--run", work_ / "whole"}};
  shard("1", "0");
  shard("2", "1");
  expect_refused(e2e::run(merge), {});
  fs::remove_all(work_ / "2");
  shard("2", "0");
  expect_status(e2e::run(merge), 0);
}

TEST_F(ChangedShards, AreMergedByTheirOutcomesNotTheirSummaries) {
  const Source& source = sources().at(0);
  expect_status(merged(source, {1, 2, 3, 4, 5}, "honest"), 0);
  std::string summary = read_text(work_ / "honest1/summary.json");
  const std::string count = "\"succeeded\": 3";
  ASSERT_THAT(summary, HasSubstr(count));
  write_text(work_ / "honest1/summary.json",
             summary.replace(summary.find(count), count.size(), "\"succeeded\": 999"));
  const Ended ended = run_in_work(mpifarm({"merge", "honest1", "honest2", "--run", "whole"}));
  expect_status(ended, 0);
  EXPECT_EQ(summary_of(work_ / "whole").whole("succeeded"), 5u);
  EXPECT_EQ(summary_of(work_ / "whole").whole("tasks"), 5u);
  EXPECT_EQ(digest_of(work_ / "whole"), digest_of(work_ / "honest"));
  EXPECT_THAT(ended.err, testing::Not(HasSubstr("999")));
}

class KilledMerge : public OtherSource {
 protected:
  static constexpr std::uint64_t tasks = 2'000'000;
  KilledMerge() {
    for (const std::string number : {"1", "2"})
      expect_status(run_job(0, {"--to", std::to_string(tasks), "--shard", number + "/2", "--run", number},
                            {"squares", "--quiet"}),
                    0);
  }
  Command merge() const {
    Command command = mpifarm({"merge", "1", "2", "--run", "whole"});
    command.directory = work_.path();
    return command;
  }
  // Complete, or nothing at all.
  bool complete() const {
    const Ended status = run_in_work(mpifarm({"status", "whole", "--json"}));
    const Ended results = run_in_work(mpifarm({"results", "whole"}));
    if (status.status != 0) {
      expect_refused(status, {"whole"});
      expect_refused(results, {"whole"});
      return false;
    }
    EXPECT_EQ(Json::parse(status.out).text("status"), "complete");
    EXPECT_EQ(std::ranges::count(results_of(work_ / "whole"), '\n'), std::ptrdiff_t{tasks + 1});
    return true;
  }
};

TEST_F(KilledMerge, LeavesNoRunAndCanBeRepeated) {
  const auto begun = std::chrono::steady_clock::now();
  expect_status(e2e::run(merge()), 0);
  const auto whole = std::chrono::steady_clock::now() - begun;
  const std::string digest = digest_of(work_ / "whole");
  constexpr int moments = 12;
  for (int moment = 1; moment <= moments; ++moment) {
    SCOPED_TRACE(moment);
    fs::remove_all(work_ / "whole");
    {
      Process process{merge()};
      const auto until = std::chrono::steady_clock::now() + whole * moment / moments;
      wait_until([&] { return !process.running() || std::chrono::steady_clock::now() >= until; });
      process.kill_all();
    }
    if (complete()) continue;
    expect_status(e2e::run(merge()), 0);
    EXPECT_TRUE(complete());
    EXPECT_EQ(digest_of(work_ / "whole"), digest);
  }
}

}  // namespace
}  // namespace mpifarm::e2e

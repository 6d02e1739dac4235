// A run in parts that know nothing of each other, and the whole made of them.

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

Arguments shard_run(const Arguments& job, const std::string& shard, const std::string& run,
                    const Arguments& more = {}) {
  return Arguments{"run"} + job + Arguments{"--shard", shard, "--run", run, "--quiet"} + more;
}

// All shards of `job` in `work`/1 to `work`/N, and what `merge` made of them in `work`/whole.
Ended merged(const Workspace& work, const Arguments& job, int of, const Arguments& more = {}) {
  Arguments merge{"merge"};
  for (int number = of; number >= 1; --number) {
    const std::string run_directory = work / std::to_string(number);
    const Ended ended =
        run(mpifarm(shard_run(job, std::to_string(number) + '/' + std::to_string(of), run_directory, more)));
    expect_status(ended, 0);
    EXPECT_EQ(ended.out, "") << "a part concludes nothing";
    merge.push_back(run_directory);
  }
  return run(mpifarm(merge + Arguments{"--run", work / "whole"}));
}

void expect_like_one_run(const Workspace& work, const Arguments& job, const Ended& merged) {
  expect_status(merged, 0);
  const Ended one = run(mpifarm(Arguments{"run"} + job + Arguments{"--run", work / "one", "--quiet"}));
  expect_status(one, 0);
  EXPECT_EQ(merged.out, one.out);
  EXPECT_TRUE(results_of(work / "whole") == results_of(work / "one"));
  EXPECT_EQ(digest_of(work / "whole"), digest_of(work / "one"));
  EXPECT_EQ(summary_of(work / "whole").whole("tasks"), summary_of(work / "one").whole("tasks"));
}

TEST(Shards, OfAnIndexedSourceMakeOneRun) {
  const Arguments job{"squares", "--from", "-7", "--to", "1003"};
  for (const int of : {2, 3, 7})
    for (const std::string order : {"fifo", "lifo", "shuffle"}) {
      const Workspace work;
      expect_like_one_run(work, job, merged(work, job, of, {"--order", order}));
    }
}

TEST(Shards, KeepTheRandomStreamsOfTheirTasks) {
  const Workspace work;
  const Arguments job{"pi", "--samples", "1000000", "--per-task", "10000", "--seed", "5"};
  expect_like_one_run(work, job, merged(work, job, 4));
}

TEST(Shards, OfAListMakeOneRun) {
  const Workspace work;
  std::string list = "n\n";
  for (int n = 0; n < 10'001; ++n) list += std::to_string(n * 7 % 1000) + "\n";
  write_text(work / "list.csv", list);
  const Arguments job{"squares", "--tasks", work / "list.csv"};
  expect_like_one_run(work, job, merged(work, job, 3, {"--order", "shuffle"}));
}

TEST(Shards, ConcludeTogetherWithTheirFiles) {
  const Workspace work;
  const Arguments job{"mandelbrot", "--width", "120", "--height", "90"};
  expect_status(merged(work, job, 3), 0);
  expect_status(run(mpifarm(Arguments{"run"} + job + Arguments{"--run", work / "one", "--quiet"})), 0);
  EXPECT_TRUE(read_text(work / "whole/image.png") == read_text(work / "one/image.png"));
  EXPECT_EQ(digest_of(work / "whole"), digest_of(work / "one"));
}

TEST(Shards, MayBeMoreThanTasks) {
  const Workspace work;
  const Arguments job{"squares", "--to", "2"};
  expect_like_one_run(work, job, merged(work, job, 5));
}

TEST(Shards, AreResumedLikeAnyRun) {
  const Workspace work;
  const std::string path = work / "half";
  const Arguments job{"spin", "--count", "1500", "--wait", "--duration", "0.003", "--threads", "1"};
  Process process{mpifarm(shard_run(job, "2/2", path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 50));
  process.kill_all();
  process.wait();
  expect_refused(run(mpifarm(shard_run(job, "1/2", path, {"--continue"}))), {"--shard", "2/2 -> 1/2"});
  expect_refused(run(mpifarm({"merge", path, "--run", work / "whole"})), {path, "unfinished"});
  expect_status(run(mpifarm({"resume", path, "--threads", "8"})), 0);
  EXPECT_EQ(summary_of(path).whole("tasks"), 750u);
}

TEST(Shards, ThatAreNoneAreRefused) {
  const Workspace work;
  for (const std::string shard : {"0/4", "5/4", "-1/4", "1", "1/", "/4", "a/4", "1/0", "1/2000000", "1/4/2"})
    expect_refused(run(mpifarm({"run", "squares", "--shard", shard})), {"--shard", '"' + shard + '"'});
}

TEST(Merge, RefusesWhatIsNoWhole) {
  const Workspace work;
  const auto make = [&](const std::string& name, const Arguments& arguments) {
    expect_status(run(mpifarm(Arguments{"run", "squares", "--run", work / name, "--quiet"} + arguments)), 0);
    return work / name;
  };
  const std::string one = make("1", {"--to", "10", "--shard", "1/3"});
  const std::string two = make("2", {"--to", "10", "--shard", "2/3"});
  const std::string again = make("again", {"--to", "10", "--shard", "1/3"});
  const std::string other = make("other", {"--to", "11", "--shard", "3/3"});
  const std::string quarter = make("quarter", {"--to", "10", "--shard", "3/4"});
  const std::string whole = make("all", {"--to", "10"});
  const auto merge = [&](const Arguments& runs) {
    return run(mpifarm(Arguments{"merge"} + runs + Arguments{"--run", work / "whole"}));
  };
  expect_refused(merge({one, two}), {"shard is missing", "3/3"});
  expect_refused(merge({one, two, again}), {"twice", "1/3", again});
  expect_refused(merge({one, two, other}), {"not of one run", "--to: 10 -> 11"});
  expect_refused(merge({one, two, quarter}), {"not of one run", "1/3, 3/4"});
  expect_refused(merge({whole}), {"no shard", whole});
  expect_refused(run(mpifarm({"merge", one})), {"--run"});
  expect_refused(run(mpifarm({"merge", one, "--run", two})), {two});
  EXPECT_FALSE(std::filesystem::exists(work / "whole"));
}

}  // namespace
}  // namespace mpifarm::e2e

// What `--reuse` refuses.

#include <sys/stat.h>

#include "support/exec_reuse.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

TEST_F(ExecReuse, IsRefusedOfWhatIsNoRun) {
  for (const char* name : {"empty", "other"}) fs::create_directory(work_ / name);
  write_text(work_ / "other/run.json", "{}");
  write_text(work_ / "file", "");
  for (const std::string name : {"nowhere", "empty", "other", "file"})
    expect_no_reuse(work_ / name, {work_ / name});
}

TEST_F(ExecReuse, IsRefusedOfAnotherJob) {
  old_ = work_ / "old";
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", old_})), 0);
  expect_no_reuse(old_, {old_, "squares"});
}

TEST_F(ExecReuse, IsRefusedOfOtherParams) {
  write_text(work_ / "data", "text");
  old_ = work_ / "old";
  const Arguments job{"run", "checksum", "--path", work_ / "data"};
  expect_status(run(mpifarm(job + Arguments{"--run", old_})), 0);
  for (const int ranks : {0, 3}) {
    const Arguments changed{"--algorithm", "sha1", "--reuse", old_, "--run", path_};
    expect_refused(run(on_ranks(ranks, job + changed)), {"--algorithm"});
    EXPECT_FALSE(fs::exists(path_));
  }
}

TEST_F(ExecReuse, IsRefusedOfARunWithoutAJournal) {
  first(over("1,2", {"--durability", "none"}));
  expect_no_reuse(old_, {old_});
}

TEST_F(ExecReuse, IsRefusedOfARunThatIsLive) {
  old_ = in_run("old");
  Process process{exec(0, {"--threads", "1", "--param", "n=1..3", "--shell", "--",
                           "echo {n} >> up; until [ -e go ]; do sleep 0.02; done"})};
  ASSERT_TRUE(wait_until([&] { return !noted("up").empty() || !process.running(); }));
  expect_no_reuse(old_, {old_, "process " + std::to_string(process.id())});
  EXPECT_TRUE(process.running());
  write_text(work_ / "go", "");
  expect_status(process.wait(), 0);
}

TEST_F(ExecReuse, IsRefusedOfAListThatIsAPipe) {
  write_list("ab");
  first({"--commands", "list"});
  expect_reused("of-a-file", {"--commands", "list"}, 2, 0);
  in_run("new");
  for (const int ranks : {0, 3}) {
    Command command =
        shell(ranks, "cat list | $MPIFARM run exec --commands - --reuse " + old_ + " --run " + path_);
    command.directory = work_.path();
    expect_refused(run(command), {"--reuse"});
    EXPECT_FALSE(exists("new"));
  }
  ASSERT_EQ(mkfifo((work_ / "fifo").c_str(), 0600), 0);
  Command command = shell(0, "cat list >fifo & $MPIFARM run exec --commands fifo --reuse " + old_ +
                                 " --run " + path_ + "; status=$?; kill $! 2>/dev/null; exit $status");
  command.directory = work_.path();
  expect_refused(run(command), {"--reuse"});
  EXPECT_FALSE(exists("new"));
  EXPECT_THAT(noted(), IsEmpty());
}

TEST_F(ExecReuse, IsRefusedOfARunThatIsThere) {
  first(over("1..3"));
  in_run("new");
  expect_run(over("1,2"));
  forget();
  const std::string before = results_of(path_);
  for (const int ranks : {0, 3})
    expect_refused(run(exec(ranks, Arguments{"--continue", "--reuse", old_} + over("1,2"))),
                   {"--reuse", "--continue"});
  EXPECT_EQ(results_of(path_), before);
  EXPECT_THAT(noted(), IsEmpty());
  expect_refused(run(mpifarm({"resume", path_, "--reuse", old_})), {"--reuse"});
}

}  // namespace
}  // namespace mpifarm::e2e

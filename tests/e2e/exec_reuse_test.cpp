// `--reuse`: what an earlier run did is not done again.

#include "support/exec_reuse.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(ExecReuse, OfAListThatGrewRunsWhatIsNew) {
  first(over("1..4"));
  for (const int ranks : {1, 3}) {
    expect_reused("on" + std::to_string(ranks), over("1..6"), 4, 2, ranks);
    EXPECT_EQ(output(), "out 1\nout 2\nout 3\nout 4\nout 5\nout 6\n");
    EXPECT_EQ(output({"--stderr", "2"}), "err 3\n");
    EXPECT_THAT(ran(), ElementsAre("5", "6"));
  }
}

TEST_F(ExecReuse, OfAListThatShrankRunsNothing) {
  first(over("1..6"));
  for (const int ranks : {1, 3}) {
    expect_reused("on" + std::to_string(ranks), over("3,4"), 2, 0, ranks);
    EXPECT_EQ(output(), "out 3\nout 4\n");
    EXPECT_THAT(ran(), IsEmpty());
  }
}

TEST_F(ExecReuse, OfAListInAnotherOrderKeepsTheNewOrder) {
  first(over("1..5"));
  for (const int ranks : {1, 3}) {
    expect_reused("on" + std::to_string(ranks), over("5,7,3,1,6,2"), 4, 2, ranks);
    EXPECT_EQ(output(), "out 5\nout 7\nout 3\nout 1\nout 6\nout 2\n");
    EXPECT_THAT(cells("id"), ElementsAre("0", "1", "2", "3", "4", "5"));
    EXPECT_THAT(cells("command").at(2), HasSubstr("out 3"));
    EXPECT_THAT(ran(), ElementsAre("6", "7"));
  }
}

TEST_F(ExecReuse, MatchesEqualTasksByTheirNumber) {
  write_list("aab");
  first({"--commands", "list"});
  write_list("baaab");
  expect_reused("more", {"--commands", "list"}, 3, 2);
  EXPECT_THAT(ran(), ElementsAre("a", "b"));
  const std::vector<std::string> lines = lines_of(output());
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_THAT((std::vector<std::string>{lines[1], lines[2], lines[3]}), testing::IsSupersetOf({"0", "1"}))
      << "each of the old ones is taken once";
  write_list("a");
  expect_reused("fewer", {"--commands", "list"}, 1, 0);
  EXPECT_THAT(ran(), IsEmpty());
}

TEST_F(ExecReuse, MatchesDuplicatesOfWhichOneFailed) {
  write_text(work_ / "list", "echo x >> ran; mkdir once\necho x >> ran; mkdir once\n");
  first({"--threads", "1", "--commands", "list"}, 1);
  EXPECT_THAT(cells("status"), UnorderedElementsAre("succeeded", "failed"));
  expect_reused("again", {"--commands", "list"}, 1, 1, 0, 1);
  EXPECT_THAT(cells("status"), UnorderedElementsAre("succeeded", "failed"));
  EXPECT_THAT(ran(), ElementsAre("x"));
}

TEST_F(ExecReuse, RunsAgainWhatFailed) {
  const Arguments job{"--param",
                      "n=1..6",
                      "--batch",
                      "1",
                      "--shell",
                      "--",
                      "echo {n} >> ran; echo out {n}; [ -e fixed ] || [ $(({n} % 3)) != 0 ]"};
  first(job, 1);
  expect_reused("broken", job, 4, 2, 3, 1);
  EXPECT_THAT(ran(), ElementsAre("3", "6"));
  write_text(work_ / "fixed", "");
  for (const int ranks : {1, 3}) {
    expect_reused("fixed" + std::to_string(ranks), job, 4, 2, ranks);
    EXPECT_THAT(cells("status"), Each("succeeded"));
    EXPECT_EQ(output(), "out 1\nout 2\nout 3\nout 4\nout 5\nout 6\n");
  }
}

TEST_F(ExecReuse, HasTheAnswerOfARunWithoutIt) {
  first(over("4..9"));
  in_run("fresh");
  expect_run(over("1..12"));
  const std::string digest = digest_of(path_), wanted = output();
  expect_reused("new", over("1..12"), 6, 6, 3);
  EXPECT_EQ(digest_of(path_), digest);
  EXPECT_EQ(output(), wanted);
}

TEST_F(ExecReuse, HasItsOutputWhenTheOldRunIsDeleted) {
  for (const std::string before : {"packed", "files"})
    for (const std::string now : {"packed", "files"}) {
      SCOPED_TRACE(before + " to " + now);
      first(over("1..3", {"--output", before}));
      expect_reused(before + now, over("0,3,1", {"--output", now}), 2, 1);
      delete_old();
      EXPECT_EQ(output(), "out 0\nout 3\nout 1\n");
      EXPECT_EQ(output({"--stderr"}), "err 0\nerr 3\nerr 1\n");
      EXPECT_EQ(output({"1"}), "out 3\n");
      EXPECT_EQ(run(mpifarm({"results", path_})).out, results_of(path_));
      EXPECT_TRUE(now == "packed" || read_text(path_ + "/output/0/1.out") == "out 3\n");
    }
}

TEST_F(ExecReuse, TakesMuchOutputOver) {
  const Arguments job{"--param", "n=1..3", "--shell", "--", "seq {n} 1000000 | head -c 2000000"};
  first(job);
  const std::string wanted = output();
  expect_reused("new", job, 3, 0, 3);
  delete_old();
  EXPECT_TRUE(output() == wanted);
}

TEST_F(ExecReuse, GoesOnInAChain) {
  for (const std::string how : {"packed", "files"}) {
    const Arguments more{"--output", how};
    first(over("1..3", more));
    expect_reused(how + "2", over("2..5", more), 2, 2, 3);
    delete_old();
    old_ = path_;
    expect_reused(how + "3", over("6,5,4,3,2", more), 4, 1);
    delete_old();
    EXPECT_EQ(output(), "out 6\nout 5\nout 4\nout 3\nout 2\n");
    EXPECT_EQ(output({"--stderr", "4"}), "err 2\n");
    EXPECT_THAT(ran(), ElementsAre("6"));
  }
}

TEST_F(ExecReuse, TakesWhatAnUnfinishedRunDid) {
  old_ = in_run("old");
  Process process{exec(0, slow("1..100"))};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 8));
  process.kill_all();
  process.wait();
  const std::uint64_t done = tally_journal(path_).outcomes;
  EXPECT_GE(done, 8u);
  EXPECT_LT(done, 100u);
  expect_reused("new", slow("1..100"), done, 100 - done, 3);
  EXPECT_EQ(ran().size(), 100 - done);
}

TEST_F(ExecReuse, IsCarriedOnWithoutTheOldRun) {
  first(slow("1..10"));
  in_run("new");
  Process process{exec(0, Arguments{"--reuse", old_} + slow("1..100"))};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 15));
  process.kill_all();
  process.wait();
  delete_old();
  const std::uint64_t done = tally_journal(path_).outcomes;
  expect_status(run(mpifarm({"resume", path_})), 0);
  expect_counts(done, 100 - done);
  EXPECT_EQ(std::ranges::count(ran(), "3"), 0);
  std::string wanted;
  for (int n = 1; n <= 100; ++n) wanted += "out " + std::to_string(n) + "\n";
  EXPECT_EQ(output(), wanted);
}

TEST_F(ExecReuse, SeesTheWholeInvocation) {
  for (const char* name : {"here", "there"}) fs::create_directory(work_ / name);
  for (const char* name : {"in1", "in2"}) write_text(work_ / name, "text\n");
  struct Case {
    Arguments before, now;
  };
  const Arguments command{"--param", "n=1,2", "--", "echo", "{n}"};
  const std::vector<Case> cases{{{"--chdir", "here"}, {"--chdir", "there"}},
                                {{"--env", "X=1"}, {"--env", "X=2"}},
                                {{}, {"--env", "X=1"}},
                                {{"--env", "X={n}"}, {"--env", "X=a{n}"}},
                                {{"--input", "in1"}, {"--input", "in2"}},
                                {{"--input-text", "1"}, {"--input-text", "2"}}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(i);
    first(cases[i].before + command);
    expect_reused("other" + std::to_string(i), cases[i].now + command, 0, 2);
    expect_reused("same" + std::to_string(i), cases[i].before + command, 2, 0);
    delete_old();
  }
}

TEST_F(ExecReuse, SeesValuesAndNotHowTheyAreWritten) {
  first({"--param", "n=1..3", "--", "echo", "{n}"});
  expect_reused("field", {"--param", "m=3,2", "--", "echo", "{m}"}, 2, 0);
  write_text(work_ / "table.csv", "m,unused\n1,x\n4,y\n2,z\n");
  expect_reused("table", {"--tasks", "table.csv", "--", "echo", "{m}"}, 2, 1);
  EXPECT_EQ(output(), "1\n4\n2\n");
  expect_reused("other", {"--param", "n=1..3", "--", "echo", "0{n}"}, 0, 3);
}

// {task} is a value of the command; MPIFARM_TASK_ID is not, or no list could be put into another order.
TEST_F(ExecReuse, SeesATaskIdThatACommandIsGiven) {
  first({"--param", "n=1..3", "--", "echo", "{n}-{task}"});
  expect_reused("new", {"--param", "n=1,3,2", "--", "echo", "{n}-{task}"}, 1, 2);
  EXPECT_EQ(output(), "1-0\n3-1\n2-2\n");
}

TEST_F(ExecReuse, TakesNoNoteOfWhereAndHowOftenACommandRan) {
  const auto job = [](const std::string& values) {
    return Arguments{"--param", "n=" + values, "--batch",
                     "1",       "--env",       "S={slot}",
                     "--shell", "--",          "echo {n} >> ran; echo {n} {slot} {rank} {attempt} $S"};
  };
  old_ = in_run("old");
  expect_run(Arguments{"--threads", "2"} + job("1..8"), 0, 2);
  expect_reused("new", Arguments{"--threads", "1"} + job("9,8,7,6,5,4,3,2,1"), 8, 1);
  EXPECT_THAT(ran(), ElementsAre("9"));
}

TEST_F(ExecReuse, IsForOtherJobsToo) {
  const auto squares = [&](const std::string& numbers, const std::string& run) {
    write_text(work_ / "list.csv", "n\n" + numbers);
    return Arguments{"run", "squares", "--tasks", work_ / "list.csv", "--run", in_run(run)};
  };
  old_ = work_ / "old";
  expect_status(run(mpifarm(squares("5\n6\n6\n8\n", "old"))), 0);
  expect_status(run(mpirun(3, squares("7\n6\n5\n", "new") + Arguments{"--reuse", old_})), 0);
  expect_counts(2, 1);
  EXPECT_THAT(cells("square"), ElementsAre("49", "36", "25"));
}

TEST_F(ExecReuse, IsForFilesThatHaveNotChanged) {
  const auto checksums = [&](const std::string& run, const Arguments& more = {}) {
    return mpifarm(Arguments{"run", "checksum", "--path", work_ / "data", "--run", in_run(run)} + more);
  };
  fs::create_directory(work_ / "data");
  for (const char* name : {"data/b", "data/c", "data/d"}) write_text(work_ / name, name);
  old_ = work_ / "old";
  expect_status(run(checksums("old")), 0);
  write_text(work_ / "data/a", "new");
  write_text(work_ / "data/c", "of another size");
  fs::remove(work_ / "data/d");
  expect_status(run(checksums("new", {"--reuse", old_})), 0);
  expect_counts(1, 2);
  const std::string results = results_of(path_);
  expect_status(run(checksums("fresh")), 0);
  EXPECT_EQ(results_of(path_), results);
}

TEST_F(ExecReuse, IsLaunched) {
  first(over("1..4"));
  Command command = mpifarm(
      Arguments{"launch", "-n", "2", "--", "exec", "--reuse", old_, "--run", in_run("new")} + over("3..6"));
  command.directory = work_.path();
  expect_status(run(command), 0);
  expect_counts(2, 2);
  EXPECT_EQ(output(), "out 3\nout 4\nout 5\nout 6\n");
}

TEST_F(ExecReuse, GoesWithContinueOfANewRun) {
  first(over("1..4"));
  expect_reused("new", Arguments{"--continue"} + over("1..5"), 4, 1);
}

TEST_F(ExecReuse, TakesNothingThatIsNoSuccessHere) {
  first({"--param", "n=1..3", "--success", "0,3", "--shell", "--", "echo {n}; [ {n} != 2 ] || exit 3"});
  expect_reused("status", {"--param", "n=1..3", "--shell", "--", "echo {n}; [ {n} != 2 ] || exit 3"}, 2, 1, 0,
                1);
  expect_reused("files",
                {"--param", "n=1..3", "--success", "0,3", "--outputs", "f{n}", "--shell", "--",
                 "echo {n}; [ {n} != 2 ] || exit 3"},
                0, 3, 0, 1);
}

TEST_F(ExecReuse, TakesNoOutputThatWasNotKept) {
  const Arguments job{"--param", "n=1,2", "--", "seq", "{n}00"};
  first(Arguments{"--output", "none"} + job);
  expect_reused("none", Arguments{"--output", "none"} + job, 2, 0);
  expect_reused("kept", job, 0, 2);
  delete_old();
  first(Arguments{"--output-limit", "500"} + job);
  expect_reused("longer", job, 1, 1);
  expect_reused("shorter", Arguments{"--output-limit", "100"} + job, 2, 0);
  EXPECT_EQ(output({"0"}).size(), 100u);
}

TEST_F(ExecReuse, IsDoneAgainWhenItWasInterrupted) {
  first(over("1..4"));
  in_run("new");
  expect_run(Arguments{"--reuse", old_} + over("1..5"));
  // As a crash in the middle leaves it.
  fs::remove(path_ + "/journal.2");
  fs::resize_file(path_ + "/journal", fs::file_size(path_ + "/journal") - 10);
  for (const char* name : {"/summary.json", "/status.json", "/results.csv"}) fs::remove(path_ + name);
  forget();
  expect_status(run(mpifarm({"resume", path_})), 0);
  expect_counts(4, 1);
  EXPECT_THAT(ran(), ElementsAre("5"));
  EXPECT_EQ(output(), "out 1\nout 2\nout 3\nout 4\nout 5\n");
}

}  // namespace
}  // namespace mpifarm::e2e

// Files that commands leave (--outputs, --inputs, --skip-existing), and where what they write is kept
// (--output, `mpifarm output`).

#include <chrono>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ExecOutputs : public ExecRun {
 protected:
  // A file that was written so many hours ago.
  void make_old(const std::string& name, int hours, const std::string& text = "old\n") const {
    write_text(work_ / name, text);
    fs::last_write_time(work_ / name, now_ - std::chrono::hours{hours});
  }
  // Of each task, whether it was skipped; the others have noted themselves in `ran`, all wrote `out`.
  std::vector<std::string> skipped(const Arguments& job, int ranks = 0) {
    fs::remove(work_ / "ran");
    in_run("run" + std::to_string(++runs_));
    expect_run(Arguments{"--skip-existing"} + job, 0, ranks);
    const std::vector<std::string> cells = this->cells("skipped");
    EXPECT_THAT(noted(), SizeIs(std::ranges::count(cells, "0")));
    return cells;
  }

  const fs::file_time_type now_ = fs::file_time_type::clock::now();
  int runs_ = 0;
};

TEST_F(ExecOutputs, AreMissedWhenACommandLeavesThemNot) {
  expect_run({"--param", "n=1..3", "--outputs", "a{n}", "--outputs", "b{n:03d}", "--shell", "--",
              "echo said {n}; touch a{n} b001 b003"},
             1);
  EXPECT_THAT(cells("status"), ElementsAre("succeeded", "failed", "succeeded"));
  EXPECT_THAT(cells("exit_status"), ElementsAre("0", "0", "0"));
  EXPECT_THAT(cells("message").at(1), AllOf(HasSubstr("b002"), HasSubstr("--outputs")));
  EXPECT_THAT(cells("message").at(1), testing::Not(HasSubstr("a2")));
  EXPECT_THAT(cells("skipped"), Each("0"));
  EXPECT_EQ(output({"--failed"}), "said 2\n");
}

TEST_F(ExecOutputs, AreRelativeToWhereTheCommandRuns) {
  for (const char* name : {"d1", "d2"}) fs::create_directory(work_ / name);
  const std::string whole = work_ / "whole{n}";
  expect_run({"--param", "n=1,2", "--chdir", "d{n}", "--outputs", "made", "--outputs", whole, "--shell", "--",
              "touch ../whole{n}; if [ {n} = 1 ]; then touch made; else touch ../made; fi"},
             1);
  EXPECT_THAT(cells("status"), ElementsAre("succeeded", "failed"));
}

TEST_F(ExecOutputs, AreAskedOfCommandsThatSucceededAlone) {
  expect_run({"--param", "n=0,3,4", "--success", "0,3", "--outputs", "out", "--shell", "--", "exit {n}"}, 1);
  EXPECT_THAT(cells("message"), ElementsAre(HasSubstr("--outputs"), HasSubstr("--outputs"), "exit status 4"));
}

TEST_F(ExecOutputs, MayComeWithALaterAttempt) {
  expect_run({"--param", "n=1", "--retries", "1", "--outputs", "out", "--shell", "--",
              "[ $MPIFARM_ATTEMPT = 1 ] || touch out"});
  EXPECT_THAT(cells("attempt"), ElementsAre("2"));
}

TEST_F(ExecOutputs, OfALineOfAListAreNamedByItsNumber) {
  write_text(work_ / "list", "touch out0\ntouch elsewhere\n");
  expect_run({"--commands", "list", "--outputs", "out{task}"}, 1);
  EXPECT_THAT(cells("status"), ElementsAre("succeeded", "failed"));
}

TEST_F(ExecOutputs, ThatAreThereAreSkipped) {
  const Arguments job{"--param", "n=1..6",  "--outputs",
                      "out{n}",  "--shell", "--batch",
                      "1",       "--",      "echo {n} >> ran; echo out {n}; touch out{n}"};
  EXPECT_THAT(skipped(job), Each("0"));
  EXPECT_THAT(skipped(job), Each("1"));
  fs::remove(work_ / "out3");
  EXPECT_THAT(skipped(job, 3), ElementsAre("1", "1", "0", "1", "1", "1"));
  EXPECT_THAT(cells("status"), Each("succeeded"));
  EXPECT_EQ(output(), "out 3\n");
}

TEST_F(ExecOutputs, AreNotSkippedUnlessAsked) {
  make_old("out1", 1);
  expect_run({"--param", "n=1", "--outputs", "out{n}", "--shell", "--", "echo {n} >> ran"});
  EXPECT_THAT(noted(), ElementsAre("1"));
  EXPECT_THAT(cells("skipped"), ElementsAre("0"));
}

TEST_F(ExecOutputs, OlderThanInputsAreMadeAgain) {
  for (const char* input : {"in1", "in2", "in3", "in4"}) make_old(input, 50);
  make_old("also", 60);
  make_old("out1", 40);  // newer
  make_old("out2", 50);  // as old
  make_old("out3", 51);
  make_old("out4", 61);  // older than both
  const Arguments job{"--param",
                      "n=1..4",
                      "--outputs",
                      "out{n}",
                      "--inputs",
                      "in{n}",
                      "--inputs",
                      "also",
                      "--shell",
                      "--",
                      "echo {n} >> ran; touch out{n}"};
  EXPECT_THAT(skipped(job), ElementsAre("1", "1", "0", "0"));
  EXPECT_THAT(skipped(job), Each("1"));
  make_old("also", 45);
  EXPECT_THAT(skipped(job), ElementsAre("1", "0", "1", "1"));
}

TEST_F(ExecOutputs, AreAllNewerThanEveryInput) {
  for (int n = 1; n <= 3; ++n) {
    make_old("in" + std::to_string(n), 50);
    make_old("a" + std::to_string(n), 40);
  }
  make_old("b1", 40);
  make_old("b2", 55);  // b3 is not there
  EXPECT_THAT(skipped({"--param", "n=1..3", "--outputs", "a{n}", "--outputs", "b{n}", "--inputs", "in{n}",
                       "--shell", "--", "echo {n} >> ran; touch a{n} b{n}"}),
              ElementsAre("1", "0", "0"));
}

TEST_F(ExecOutputs, OlderThanFilesAndStandardInputAreMadeAgain) {
  for (const char* input : {"x.in", "y.in"}) make_old(input, 50);
  make_old("x.out", 40);
  make_old("y.out", 60);
  EXPECT_THAT(skipped({"--files", "*.in", "--outputs", "{stem}.out", "--shell", "--",
                       "echo {stem} >> ran; touch {stem}.out"}),
              ElementsAre("1", "0"));
  make_old("x.out", 40);
  make_old("y.out", 60);
  EXPECT_THAT(skipped({"--param", "n=x,y", "--input", "{n}.in", "--outputs", "{n}.out", "--shell", "--",
                       "echo {n} >> ran; touch {n}.out"}),
              ElementsAre("1", "0"));
}

TEST_F(ExecOutputs, AreLookedForWhereTheCommandWouldRun) {
  fs::create_directory(work_ / "there");
  make_old("there/in", 50);
  make_old("there/out1", 40);
  make_old("there/out2", 60);
  make_old("out2", 1);
  EXPECT_THAT(skipped({"--param", "n=1,2", "--chdir", "there", "--inputs", "in", "--outputs", "out{n}",
                       "--shell", "--", "echo {n} >> ../ran; touch out{n}"}),
              ElementsAre("1", "0"));
}

TEST_F(ExecOutputs, OfFailedCommandsArePutAside) {
  const Arguments job{"--param",
                      "n=1..3",
                      "--timeout",
                      "0.5",
                      "--outputs",
                      "out{n}",
                      "--outputs",
                      "d/log{n}",
                      "--skip-existing",
                      "--shell",
                      "--",
                      "echo half > out{n}; echo half > d/log{n}; [ -e fixed ] && exit 0; "
                      "[ {n} = 3 ] && sleep 100; [ {n} = 1 ]"};
  fs::create_directory(work_ / "d");
  expect_run(job, 1);
  EXPECT_THAT(cells("status"), ElementsAre("succeeded", "failed", "timed out"));
  EXPECT_TRUE(exists("out1"));
  for (const char* name : {"out2", "out3", "d/log2", "d/log3"}) {
    EXPECT_FALSE(exists(name)) << name;
    ASSERT_TRUE(exists(std::string{name} + ".failed")) << name;
    EXPECT_EQ(read_text(work_ / (std::string{name} + ".failed")), "half\n");
  }
  in_run("again");
  expect_run(job, 1);
  EXPECT_THAT(cells("skipped").at(0), "1");
  EXPECT_FALSE(exists("out2")) << "though there is an older one that was put aside";
  write_text(work_ / "fixed", "");
  in_run("fixed-run");
  expect_run(job);
  EXPECT_THAT(cells("skipped"), ElementsAre("1", "0", "0"));
  EXPECT_TRUE(exists("out2") && exists("out3"));
}

TEST_F(ExecOutputs, OfFailedCommandsStayWhenNoneAreSkipped) {
  expect_run({"--param", "n=1", "--outputs", "out", "--shell", "--", "echo half > out; exit 1"}, 1);
  EXPECT_TRUE(exists("out"));
  EXPECT_FALSE(exists("out.failed"));
}

TEST_F(ExecOutputs, ThatAFailedCommandDidNotWriteStay) {
  make_old("in", 1);
  make_old("out", 2);
  expect_run({"--param", "n=1", "--skip-existing", "--inputs", "in", "--outputs", "out", "--", "false"}, 1);
  ASSERT_TRUE(exists("out"));
  EXPECT_EQ(read_text(work_ / "out"), "old\n");
  EXPECT_FALSE(exists("out.failed"));
}

// What the run itself began is not done.
TEST_F(ExecOutputs, ThatAKilledRunHalfWroteAreMadeAgainWhenItIsCarriedOn) {
  Process process{exec(0, {"--param", "n=1", "--skip-existing", "--outputs", "out", "--shell", "--",
                           "echo half > out; touch up; [ -e go ] || sleep 1000; echo whole > out"})};
  ASSERT_TRUE(wait_until([&] { return exists("up") || !process.running(); }));
  process.kill_all();
  process.wait();
  write_text(work_ / "go", "");
  expect_status(run(mpifarm({"resume", path_})), 0);
  EXPECT_EQ(read_text(work_ / "out"), "whole\n");
  EXPECT_THAT(cells("skipped"), ElementsAre("0"));
}

TEST_F(ExecOutputs, AreKeptInFilesOfTheirOwn) {
  write_text(work_ / "list", "printf 'a\\0b'\ntrue\necho wrong >&2; exit 2\nseq 100000\n");
  for (const int ranks : {0, 3}) {
    in_run("on" + std::to_string(ranks));
    expect_run({"--commands", "list", "--output", "files", "--batch", "1"}, 1, ranks);
    std::string numbers;
    for (int n = 1; n <= 100'000; ++n) numbers += std::to_string(n) + "\n";
    const fs::path kept = path_ + "/output";
    EXPECT_THAT(names_in(kept), ElementsAre("0"));
    EXPECT_THAT(names_in(kept / "0"), ElementsAre("0.out", "1.out", "2.err", "2.out", "3.out"));
    EXPECT_EQ(read_text(kept / "0/0.out"), (std::string{"a\0b", 3}));
    EXPECT_EQ(read_text(kept / "0/1.out"), "");
    EXPECT_EQ(read_text(kept / "0/2.err"), "wrong\n");
    EXPECT_TRUE(read_text(kept / "0/3.out") == numbers);
    EXPECT_TRUE(output() == std::string("a\0b", 3) + numbers);
    EXPECT_EQ(output({"--stderr"}), "wrong\n");
    EXPECT_EQ(output({"0"}), (std::string{"a\0b", 3}));
    EXPECT_EQ(output({"--failed", "--stderr"}), "wrong\n");
    EXPECT_THAT(cells("message").at(2), "exit status 2: wrong");
  }
}

TEST_F(ExecOutputs, AreAThousandFilesAFolder) {
  write_text(work_ / "list", [] {
    std::string lines;
    for (int n = 0; n <= 1000; ++n) lines += "echo " + std::to_string(n) + "\n";
    return lines;
  }());
  expect_run({"--commands", "list", "--output", "files"});
  EXPECT_THAT(names_in(path_ + "/output"), ElementsAre("0", "1"));
  EXPECT_THAT(names_in(path_ + "/output/0"), SizeIs(1000));
  EXPECT_THAT(names_in(path_ + "/output/1"), ElementsAre("1000.out"));
  EXPECT_EQ(output({"1000"}), "1000\n");
  EXPECT_EQ(output({"999"}), "999\n");
}

TEST_F(ExecOutputs, InFilesAreThoseOfTheLastAttempt) {
  expect_run({"--param", "n=1,2", "--retries", "1", "--output", "files", "--shell", "--",
              "echo attempt $MPIFARM_ATTEMPT; if [ $MPIFARM_ATTEMPT = 1 ]; then echo wrong >&2; exit 1; fi"});
  EXPECT_EQ(output(), "attempt 2\nattempt 2\n");
  EXPECT_EQ(output({"--stderr"}), "");
}

TEST_F(ExecOutputs, InFilesAreWholeWhenARunIsCarriedOn) {
  Process process{exec(0, {"--batch", "1", "--param", "n=1..60", "--output", "files", "--shell", "--",
                           "echo {n}; sleep 0.03; echo {n}"})};
  ASSERT_TRUE(wait_for_outcomes(process, path_, 10));
  process.kill_all();
  process.wait();
  expect_status(run(mpifarm({"resume", path_})), 0);
  std::string wanted;
  for (int n = 1; n <= 60; ++n) wanted += std::to_string(n) + "\n" + std::to_string(n) + "\n";
  EXPECT_EQ(output(), wanted);
  EXPECT_THAT(names_in(path_ + "/output/0"), SizeIs(60)) << "or something half written is left";
}

TEST_F(ExecOutputs, AreKeptNowhereWhenNotWanted) {
  expect_run(
      {"--param", "n=1..3", "--output", "none", "--shell", "--", "echo {n}; echo bad >&2; [ {n} != 2 ]"}, 1);
  EXPECT_TRUE(!fs::exists(path_ + "/output") || names_in(path_ + "/output").empty());
  for (const Arguments& more : {Arguments{}, Arguments{"--stderr"}, Arguments{"1"}}) {
    const Ended ended = run(mpifarm(Arguments{"output", path_} + more));
    expect_status(ended, 0);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(lines_of(ended.err), ElementsAre(HasSubstr("--output none")));
  }
  EXPECT_THAT(cells("exit_status"), ElementsAre("0", "1", "0"));
}

TEST_F(ExecOutputs, ArePackedUnlessToldOtherwise) {
  expect_run({"--param", "n=1..3", "--output", "packed", "--", "echo", "{n}"});
  EXPECT_EQ(output(), "1\n2\n3\n");
  EXPECT_THAT(names_in(path_ + "/output"), SizeIs(1)) << "a pack for each rank";
}

TEST_F(ExecOutputs, ThatWereCutAreCountedWhenTheyAreRead) {
  for (const std::string how : {"packed", "files"}) {
    in_run(how);
    expect_run({"--param", "n=0,999,1000,1001,5000", "--output", how, "--output-limit", "1000", "--shell",
                "--", "head -c {n} /dev/zero | tr '\\0' x; [ {n} = 0 ] && head -c 2000 /dev/zero >&2; true"});
    const auto cut = [&](const Arguments& more, std::size_t bytes) {
      const Ended ended = run(mpifarm(Arguments{"output", path_} + more));
      expect_status(ended, 0);
      EXPECT_EQ(ended.out.size(), bytes);
      return lines_of(ended.err);
    };
    EXPECT_THAT(cut({}, 999 + 3 * 1000), ElementsAre(AllOf(HasSubstr("2 "), HasSubstr("--output-limit"))));
    EXPECT_THAT(cut({"--stderr"}, 1000), ElementsAre(AllOf(HasSubstr("1 "), HasSubstr("--output-limit"))));
    EXPECT_THAT(cut({"2"}, 1000), IsEmpty());
    EXPECT_THAT(cut({"4"}, 1000), SizeIs(1));
    EXPECT_THAT(cells("stdout_bytes"), ElementsAre("0", "999", "1000", "1001", "5000"));
  }
}

TEST_F(ExecOutputs, OfADamagedPackAreReadButForWhatIsDamaged) {
  constexpr std::size_t header_bytes = 40;  // exec/output_pack.hpp
  expect_run({"--threads", "1", "--param", "n=1..4", "--", "echo", "the output of {n}"});
  const fs::path pack = fs::path{path_ + "/output"} / names_in(path_ + "/output").at(0);
  const std::string bytes = read_text(pack);
  std::string broken = bytes;
  const std::size_t at = bytes.find("the output of 2");
  ASSERT_NE(at, bytes.npos);
  broken[at] = 'T';
  const auto expect_damage = [&](const std::string& offset, const std::string& wanted) {
    const Ended ended = run(mpifarm({"output", path_}));
    expect_status(ended, 3);
    EXPECT_EQ(ended.out, wanted);
    EXPECT_THAT(lines_of(ended.err), ElementsAre(AllOf(HasSubstr(pack.string()), HasSubstr(offset))));
  };
  write_text(pack, broken);
  expect_damage(std::to_string(at - header_bytes), "the output of 1\nthe output of 3\nthe output of 4\n");
  write_text(pack, bytes.substr(0, bytes.size() - 1));
  expect_damage(std::to_string(bytes.find("the output of 4") - header_bytes),
                "the output of 1\nthe output of 2\nthe output of 3\n");
  write_text(pack, bytes);
  EXPECT_EQ(output({"1"}), "the output of 2\n");
}

TEST_F(ExecOutputs, RefusesWhatMakesNoSense) {
  refused({"--param", "a=1", "--skip-existing", "--", "true"}, {"--skip-existing", "--outputs"});
  refused({"--param", "a=1", "--skip-existing", "--inputs", "x", "--", "true"},
          {"--skip-existing", "--outputs"}, 2);
  refused({"--param", "alpha=1", "--outputs", "x{alhpa}", "--", "true"}, {"no field {alhpa}", "alpha"});
  refused({"--param", "alpha=1", "--outputs", "x", "--inputs", "{alhpa}", "--", "true"},
          {"no field {alhpa}", "alpha"});
  refused({"--param", "a=1", "--outputs", "x", "--outputs", "{a", "--", "true"}, {"not closed"});
  refused({"--param", "a=1", "--inputs", "a}", "--", "true"}, {"not opened"});
  refused({"--param", "a=x", "--outputs", "{a:03d}", "--", "true"}, {"{a:03d}", "needs an integer"});
  refused({"--param", "a=1", "--output", "some", "--", "true"}, {"--output", "some"});
  refused({"--param", "a=1", "--output", "", "--", "true"}, {"--output"});
  EXPECT_THAT(work_.names(), IsEmpty());
}

// Whatever ended it: a new run does not take half of a file for all of it.
TEST_F(ExecOutputs, ThatAnotherRunHalfWroteAreMadeAgain) {
  const Arguments job{"--grace",
                      "0",
                      "--outputs",
                      "out{n}",
                      "--skip-existing",
                      "--param",
                      "n=1",
                      "--shell",
                      "--",
                      "echo half > out{n}; until [ -e go ]; do sleep 0.02; done; echo whole > out{n}"};
  for (const int signal : {SIGTERM, SIGKILL}) {
    SCOPED_TRACE(signal);
    std::filesystem::remove(work_ / "go");
    std::filesystem::remove(work_ / "out1");
    in_run("first" + std::to_string(signal));
    Process process{exec(0, job)};
    ASSERT_TRUE(wait_until([&] { return exists("out1") && !read_text(work_ / "out1").empty(); }));
    signal == SIGKILL ? process.kill_all() : process.signal(signal);
    process.wait();
    write_text(work_ / "go", "");
    in_run("second" + std::to_string(signal));
    expect_run(job);
    EXPECT_EQ(read_text(work_ / "out1"), "whole\n");
    EXPECT_FALSE(exists(".out1.unfinished"));
  }
}

}  // namespace
}  // namespace mpifarm::e2e

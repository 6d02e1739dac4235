// The output of commands is on disk no later than their outcome: a resume computes anew what is not there.

#include <fmt/format.h>

#include "support/exec_run.hpp"

namespace mpifarm::e2e {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class KeptOutput : public ExecRun {
 protected:
  static constexpr int tasks = 30;
  // Each command notes itself and writes 1 kB to both streams; number 4 fails until `fixed` is there.
  static Arguments job(const std::string& output = "packed", bool fails = false) {
    const std::string script = std::string{"echo {n} >> ran; echo out {n}; seq 250; echo err {n} >&2; "} +
                               (fails ? "[ {n} != 4 ] || [ -e fixed ]" : "true");
    return {"--threads", "1",    "--batch", "1",  "--param", fmt::format("n=1..{}", tasks),
            "--output",  output, "--shell", "--", script};
  }
  static std::string wanted() {
    std::string text;
    for (int n = 1; n <= tasks; ++n) {
      text += fmt::format("out {}\n", n);
      for (int line = 1; line <= 250; ++line) text += fmt::format("{}\n", line);
    }
    return text;
  }
  static std::string wanted_errors() {
    std::string text;
    for (int n = 1; n <= tasks; ++n) text += fmt::format("err {}\n", n);
    return text;
  }
  std::string pack() const { return path_ + "/output/1-0"; }
  Ended again(const Arguments& more = {}, int ranks = 0) const {
    fs::remove(work_ / "ran");
    Command command = on_ranks(ranks, Arguments{"resume", path_} + more);
    command.directory = work_.path();
    return run(command);
  }
  // The resume ran at least one command and not all of them.
  void expect_whole(std::size_t fewest, std::size_t most) const {
    EXPECT_EQ(output(), wanted());
    EXPECT_EQ(output({"--stderr"}), wanted_errors());
    EXPECT_EQ(summary_of(path_).text("status"), "complete");
    EXPECT_EQ(summary_of(path_).whole("succeeded"), std::uint64_t{tasks});
    EXPECT_GE(noted().size(), fewest);
    EXPECT_LE(noted().size(), most);
    EXPECT_THAT(cells("id"), SizeIs(tasks));
  }
  void interrupt(std::uint64_t outcomes, int ranks = 0) const {
    Arguments slow = job();
    slow.back() = "sleep 0.05; " + slow.back();
    Process process{exec(ranks, slow)};
    ASSERT_TRUE(wait_for_outcomes(process, path_, outcomes));
    process.kill_all();
  }
  void cut_to(const std::string& file, double share) const {
    fs::resize_file(file, static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(file)) * share));
  }
};

TEST_F(KeptOutput, ThatIsCutIsComputedAnew) {
  for (const double share : {0.0, 0.3, 0.97}) {
    SCOPED_TRACE(share);
    in_run(fmt::format("cut{}", share));
    expect_run(job());
    ASSERT_EQ(output(), wanted());
    cut_to(pack(), share);
    expect_status(again(), 0);
    expect_whole(1, share == 0 ? tasks : share < 0.5 ? tasks - 5 : 5);
    expect_status(again(), 0);
    EXPECT_THAT(noted(), SizeIs(0)) << "a second resume has nothing to do";
  }
}

TEST_F(KeptOutput, ThatIsRemovedIsComputedAnew) {
  for (const bool folder : {false, true}) {
    SCOPED_TRACE(folder);
    in_run(folder ? "folder" : "file");
    expect_run(job());
    fs::remove_all(folder ? path_ + "/output" : pack());
    expect_status(again(), 0);
    expect_whole(tasks, tasks);
  }
}

TEST_F(KeptOutput, OfAnInterruptedRunIsComputedAnew) {
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    in_run(fmt::format("on{}", ranks));
    interrupt(9, ranks);
    std::string largest;
    for (const std::string& name : names_in(path_ + "/output"))
      if (largest.empty() || fs::file_size(path_ + "/output/" + name) > fs::file_size(largest))
        largest = path_ + "/output/" + name;
    cut_to(largest, 0.5);
    expect_status(again({}, ranks), 0);
    expect_whole(1, tasks);
  }
}

TEST_F(KeptOutput, ThatIsCutIsComputedAnewWhenFailuresAreRedone) {
  expect_run(job("packed", true), 1);
  cut_to(pack(), 0.5);
  write_text(work_ / "fixed", "");
  expect_status(again({"--redo", "failed"}, 2), 0);
  expect_whole(2, tasks - 5);
  EXPECT_THAT(noted(), testing::Contains("4"));
}

// A task that failed and whose output is gone is computed anew, too, and may fail again.
TEST_F(KeptOutput, OfAFailedTaskThatIsCutIsComputedAnew) {
  expect_run(job("packed", true), 1);
  fs::remove(pack());
  expect_status(again(), 1);
  EXPECT_EQ(output(), wanted());
  EXPECT_EQ(output({"--failed"}), wanted().substr(wanted().find("out 4\n"), output({"3"}).size()));
}

TEST_F(KeptOutput, InFilesThatAreGoneOrCutIsComputedAnew) {
  expect_run(job("files"));
  fs::remove(path_ + "/output/0/3.out");
  fs::resize_file(path_ + "/output/0/7.out", 10);
  fs::resize_file(path_ + "/output/0/9.err", 1);
  expect_status(again(), 0);
  expect_whole(3, 3);
}

TEST_F(KeptOutput, ThatIsThereIsNotComputedAnew) {
  expect_run(job());
  expect_status(again(), 0);
  expect_whole(0, 0);
  in_run("none");
  expect_run(job("none"));
  expect_status(again(), 0);
  EXPECT_THAT(noted(), SizeIs(0)) << "nothing of it was to be kept";
}

TEST_F(KeptOutput, ThatIsCutIsNotReused) {
  const std::string old = path_;
  expect_run(job());
  cut_to(pack(), 0.5);
  fs::remove(work_ / "ran");
  in_run("new");
  expect_run(Arguments{"--reuse", old} + job());
  expect_whole(5, tasks - 5);
}

// Which call fails, with which durability and kind of output, on how many ranks.
struct Failure {
  std::string name, calls, durability, output;
  int ranks;
};

class LateError : public KeptOutput, public testing::WithParamInterface<Failure> {};

TEST_P(LateError, OfTheOutputEndsTheRunResumably) {
  const Failure& failure = GetParam();
  Command command = exec(failure.ranks, Arguments{"--durability", failure.durability} + job(failure.output));
  command.environment["LD_PRELOAD"] = failing_sync();
  command.environment["FAILING_SYNC"] = failure.calls;
  const Ended ended = run(command);
  expect_status(ended, 3);
  EXPECT_THAT(own_lines(ended), testing::Contains(HasSubstr(path_ + "/output/"))) << ended.err;
  EXPECT_FALSE(fs::exists(path_ + "/results.csv"));
  expect_status(again(), 0);
  expect_whole(0, tasks);
}

INSTANTIATE_TEST_SUITE_P(Calls, LateError,
                         testing::Values(Failure{"sync", "fsync,fdatasync", "batch", "packed", 0},
                                         Failure{"sync_on_ranks", "fsync,fdatasync", "batch", "packed", 3},
                                         Failure{"sync_each", "fsync,fdatasync", "sync", "packed", 0},
                                         Failure{"sync_of_files", "fsync,fdatasync", "batch", "files", 0},
                                         Failure{"sync_of_files_on_ranks", "fsync,fdatasync", "batch",
                                                 "files", 2},
                                         Failure{"close", "close", "batch", "packed", 0},
                                         Failure{"close_on_ranks", "close", "batch", "packed", 2},
                                         Failure{"close_of_files", "close", "batch", "files", 0}),
                         [](const auto& failure) { return failure.param.name; });

}  // namespace
}  // namespace mpifarm::e2e

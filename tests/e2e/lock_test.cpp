// One master a run.

#include <algorithm>
#include <csignal>
#include <memory>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {
namespace {

using testing::HasSubstr;

TEST(Lock, OfALiveRunRefusesASecondMaster) {
  const Workspace work;
  const std::string path = work / "run";
  const Arguments job{"run", "spin", "--count", "100000", "--wait", "--duration", "0.01", "--run", path};
  Process process{mpirun(2, job)};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  const pid_t master = lock_holder(path);
  const std::string holder = "process " + std::to_string(master);
  expect_refused(run(mpifarm({"resume", path})), {path, holder});
  expect_refused(run(mpirun(3, {"resume", path})), {path, holder});
  expect_refused(run(mpirun(2, job + Arguments{"--continue"})), {path, holder});
  EXPECT_EQ(lock_holder(path), master);
  EXPECT_TRUE(process.running());
}

TEST(Lock, OfADeadMasterIsTakenOver) {
  const Workspace work;
  const std::string path = work / "run";
  pid_t dead = 0;
  {
    Process process{mpirun(2, spin_run(path))};
    ASSERT_TRUE(wait_for_outcomes(process, path, 20));
    dead = lock_holder(path);
  }
  EXPECT_EQ(lock_holder(path), dead) << "it had no time to clean up";
  const Ended ended = run(mpirun(3, {"resume", path, "--threads", "4"}));
  expect_status(ended, 0);
  EXPECT_THAT(own_lines(ended), testing::Contains(HasSubstr("process " + std::to_string(dead))));
  expect_undisturbed(path);
}

TEST(Lock, OfAStoppedMasterIsNotTakenOver) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path, {}, "4"))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  process.signal(SIGSTOP);
  expect_refused(run(mpifarm({"resume", path})), {"process " + std::to_string(process.id())});
  process.signal(SIGCONT);
  expect_status(process.wait(), 0);
  expect_undisturbed(path);
}

// Many masters find one dead run: one of them carries it on, the others are refused.
TEST(Lock, IsTakenOverByOneOfMany) {
  const Workspace work;
  const std::string path = work / "run";
  {
    Process process{mpifarm(spin_run(path))};
    ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  }
  std::vector<std::unique_ptr<Process>> masters;
  for (int i = 0; i < 6; ++i)
    masters.push_back(std::make_unique<Process>(mpifarm({"resume", path, "--threads", "4"})));
  int carried_on = 0;
  for (const auto& master : masters) {
    const Ended ended = master->wait();
    EXPECT_THAT(ended.status, testing::AnyOf(0, 2)) << ended.err;
    carried_on += ended.status == 0;
  }
  EXPECT_EQ(carried_on, 1);
  expect_undisturbed(path);
  EXPECT_EQ(summary_of(path).whole("starts"), 2u);
}

// Two starts of one name: one makes the directory, the other is refused.
TEST(Lock, OfANewRunIsForOne) {
  const Workspace work;
  const std::string path = work / "run";
  Process one{mpifarm(spin_run(path, {}, "4"))}, other{mpifarm(spin_run(path, {}, "4"))};
  const Ended first = one.wait(), second = other.wait();
  EXPECT_EQ(std::min(first.status, second.status), 0) << first.err << second.err;
  EXPECT_EQ(std::max(first.status, second.status), 2) << first.err << second.err;
  expect_undisturbed(path);
  EXPECT_EQ(work.names(), (std::vector<std::string>{"run"}));
}

TEST(Lock, OfAnotherHostIsNotTakenOver) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", path})), 0);
  write_text(work / "run" / "lock", "elsewhere\n00000000-0000-0000-0000-000000000000\n1\n1\n");
  expect_refused(run(mpifarm({"resume", path})), {path, "process 1 on elsewhere", "--force"});
  expect_refused(run(mpifarm({"run", "squares", "--to", "10", "--run", path, "--continue"})), {"--force"});
  expect_status(run(mpifarm({"resume", path, "--force"})), 0);
}

TEST(Lock, OfALivingMasterOfThisHostYieldsToNoForce) {
  const Workspace work;
  const std::string path = work / "run";
  Process process{mpifarm(spin_run(path))};
  ASSERT_TRUE(wait_for_outcomes(process, path, 20));
  expect_refused(run(mpifarm({"resume", path, "--force"})), {path, "another master has this run"});
  expect_status(process.wait(), 0);
  expect_undisturbed(path);
}

// A crash of the machine, or a full disk, may leave an empty file.
TEST(Lock, ThatIsEmptyHoldsNothing) {
  const Workspace work;
  const std::string path = work / "run";
  expect_status(run(mpifarm({"run", "squares", "--to", "10", "--run", path})), 0);
  write_text(work / "run" / "lock", "");
  expect_status(run(mpifarm({"resume", path})), 0);
  expect_status(run(mpifarm({"status", path})), 0);
}

// The run goes on where it was started.
TEST(Lock, IsGivenBackByAResumeFromAnotherDirectory) {
  const Workspace work;
  std::filesystem::create_directories(work / "first/second");
  Command begins = mpifarm({"run", "spin", "--count", "60", "--wait", "--duration", "0.05", "--threads", "1",
                            "--run", "second/run"});
  begins.directory = work / "first";
  Process process{begins};
  const std::string path = work / "first/second/run";
  ASSERT_TRUE(wait_for_outcomes(process, path, 5));
  process.signal(SIGTERM);
  expect_status(process.wait(), 75);
  Command resumes = mpifarm({"resume", "run", "--threads", "8"});
  resumes.directory = work / "first/second";
  expect_status(run(resumes), 0);
  EXPECT_FALSE(std::filesystem::exists(path + "/lock"));
}

}  // namespace
}  // namespace mpifarm::e2e

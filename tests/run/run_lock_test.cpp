// One master a run: a living one keeps the others out, a dead one does not.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "run/run_directory.hpp"
#include "support/expect.hpp"
#include "support/temporary_directory.hpp"

namespace mpifarm {
namespace {

using support::message_of;
using support::TemporaryDirectory;

// A process that holds the lock of a run until it is killed.
class Holder {
 public:
  explicit Holder(const RunDirectory& run) {
    int ready[2];
    if (pipe(ready) != 0) throw std::runtime_error{"no pipe"};
    process_ = fork();
    if (process_ == 0) hold(run, ready[1]);
    close(ready[1]);
    char word = 0;
    held_ = read(ready[0], &word, 1) == 1;
    close(ready[0]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    if (process_ <= 0) return;
    kill_it();
    reap();
  }

  bool held() const { return held_; }
  std::string description() const { return "process " + std::to_string(process_) + " on " + host_name(); }
  // Dead, but not reaped: a zombie.
  void kill_it() const {
    kill(process_, SIGKILL);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOWAIT);
  }
  void reap() {
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

 private:
  [[noreturn]] static void hold(const RunDirectory& run, int ready) {
    try {
      const RunLock lock{run};
      if (write(ready, "y", 1) == 1)
        while (true) pause();
    } catch (...) {
    }
    _exit(1);
  }

  pid_t process_ = -1;
  bool held_ = false;
};

TEST(RunLock, IsReleasedAtTheEnd) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  for (int i = 0; i < 3; ++i) {
    const RunLock lock{run};
    EXPECT_EQ(lock.taken_over(), "");
    EXPECT_EQ(lock_holder(run), "process " + std::to_string(getpid()) + " on " + host_name());
  }
  EXPECT_FALSE(std::filesystem::exists(run.lock()));
  EXPECT_FALSE(lock_holder(run).has_value());
}

TEST(RunLock, OfALivingProcessIsRefusedByName) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  const Holder holder{run};
  ASSERT_TRUE(holder.held());
  EXPECT_EQ(lock_holder(run), holder.description());
  for (int i = 0; i < 2; ++i) {
    const std::string message = message_of<BadInput>([&] { RunLock{run}; });
    EXPECT_NE(message.find(holder.description()), std::string::npos) << message;
    EXPECT_NE(message.find(run.path.string()), std::string::npos) << message;
  }
  EXPECT_EQ(lock_holder(run), holder.description()) << "a refusal changes nothing";
}

TEST(RunLock, IsRefusedWithinOneProcessToo) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  const RunLock first{run};
  EXPECT_THROW(RunLock{run}, BadInput);
  EXPECT_TRUE(lock_holder(run).has_value());
}

TEST(RunLock, OfAKilledProcessIsTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  Holder holder{run};
  ASSERT_TRUE(holder.held());
  const std::string was = holder.description();
  holder.kill_it();
  holder.reap();
  EXPECT_FALSE(lock_holder(run).has_value());
  const RunLock lock{run};
  EXPECT_EQ(lock.taken_over(), was);
  EXPECT_EQ(lock_holder(run), "process " + std::to_string(getpid()) + " on " + host_name());
}

TEST(RunLock, OfAZombieIsTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  const Holder holder{run};
  ASSERT_TRUE(holder.held());
  holder.kill_it();
  EXPECT_FALSE(lock_holder(run).has_value());
  const RunLock lock{run};
  EXPECT_EQ(lock.taken_over(), holder.description());
}

// The lock of this process as it would look from elsewhere.
std::string lock_text(const RunDirectory& run) {
  const RunLock lock{run};
  return read_file(run.lock());
}

TEST(RunLock, OfAnotherHostIsNeverTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  // Neither its boot nor its process is known here, and may live all the same.
  replace_file(run.lock(), "elsewhere\n11111111-2222-3333-4444-555555555555\n999999999\n12345\n");
  const std::string message = message_of<BadInput>([&] { RunLock{run}; });
  EXPECT_NE(message.find("process 999999999 on elsewhere"), std::string::npos) << message;
  EXPECT_EQ(lock_holder(run), "process 999999999 on elsewhere");
  EXPECT_TRUE(read_file(run.lock()).starts_with("elsewhere\n"));
}

TEST(RunLock, FromBeforeABootIsTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  std::string text = lock_text(run);
  const std::size_t boot = text.find('\n') + 1;
  text[boot] = text[boot] == '0' ? '1' : '0';
  replace_file(run.lock(), text);
  EXPECT_NE(RunLock{run}.taken_over(), "");
}

TEST(RunLock, OfALaterProcessOfTheSameNumberIsTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  std::string text = lock_text(run);
  text.insert(text.find("\n-\n"), "1");  // another start time; behind it comes the Slurm job, which is none
  replace_file(run.lock(), text);
  EXPECT_NE(RunLock{run}.taken_over(), "");
}

// Slurm starts a job again, or one that waited for it, when all of it has ended, on whatever hosts.
TEST(RunLock, OfAnEarlierStartOfTheSlurmJobIsTakenOver) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  const auto leave_lock = [&] { replace_file(run.lock(), "elsewhere\nboot\n1\n2\n77\n1\n"); };
  const auto taken_over = [&](const char* job, const char* restart, const char* before) {
    leave_lock();
    setenv("SLURM_JOB_ID", job, 1);
    setenv("SLURM_RESTART_COUNT", restart, 1);
    setenv(job_before_variable, before, 1);
    bool taken = true;
    try {
      taken = !RunLock{run}.taken_over().empty();
    } catch (const BadInput&) {
      taken = false;
    }
    for (const char* variable : {"SLURM_JOB_ID", "SLURM_RESTART_COUNT", job_before_variable})
      unsetenv(variable);
    return taken;
  };
  EXPECT_TRUE(taken_over("77", "2", ""));
  EXPECT_FALSE(taken_over("77", "1", "")) << "the same start";
  EXPECT_FALSE(taken_over("78", "2", "")) << "another job";
  EXPECT_TRUE(taken_over("78", "0", "77"));
  EXPECT_FALSE(taken_over("78", "0", "76"));
}

TEST(RunLock, ThatWasTakenOverByForceIsLeft) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  const std::string others = "elsewhere\nboot\n1\n2\n-\n0\n";
  {
    const RunLock lock{run};
    replace_file(run.lock(), others);
  }
  EXPECT_EQ(read_file(run.lock()), others);
}

TEST(RunLock, ThatWasNeverWrittenIsTaken) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  replace_file(run.lock(), "");
  EXPECT_EQ(RunLock{run}.taken_over(), "");
}

TEST(RunLock, GoesToOneOfManyAtOnce) {
  const TemporaryDirectory directory;
  const RunDirectory run{directory.path()};
  std::vector<std::unique_ptr<Holder>> holders;
  int held = 0;
  for (int i = 0; i < 5; ++i) {
    holders.push_back(std::make_unique<Holder>(run));
    held += holders.back()->held() ? 1 : 0;
  }
  EXPECT_EQ(held, 1);
}

}  // namespace
}  // namespace mpifarm

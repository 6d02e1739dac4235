// Families of processes, wherever their members went.

#include "compute/family.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace mpifarm {
namespace {

// A pipe that closes when the last process that has its other end is gone.
class Presence {
 public:
  Presence() { EXPECT_EQ(::pipe(ends_.data()), 0); }
  ~Presence() { ::close(ends_[0]); }

  void leave() { ::close(ends_[1]); }
  // Says that one more is there.
  void arrive() const { EXPECT_EQ(::write(ends_[1], "x", 1), 1); }
  void wait_for(int arrivals) const {
    char one = 0;
    for (int i = 0; i < arrivals; ++i) ASSERT_EQ(::read(ends_[0], &one, 1), 1);
  }
  // Returns when all are gone.
  bool all_gone() const {
    char one = 0;
    return ::read(ends_[0], &one, 1) == 0;
  }

 private:
  std::array<int, 2> ends_{};
};

[[noreturn]] void stay(const Presence& presence) {
  presence.arrive();
  while (true) ::pause();
}

// A child with a child in another session, whose child has lost its parent.
pid_t start_family(const Presence& presence) {
  const pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      if (fork() == 0) stay(presence);
      _exit(0);
    }
    stay(presence);
  }
  stay(presence);
}

TEST(Family, IsKilledWhereverItsMembersAre) {
  Presence presence;
  const pid_t head = start_family(presence);
  presence.leave();
  presence.wait_for(3);
  kill_family(head);
  EXPECT_TRUE(presence.all_gone());
  int status = 0;
  EXPECT_EQ(waitpid(head, &status, 0), head);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

// In a process of its own, which adopts what is left of its children.
TEST(Family, OfWhichTheHeadIsDeadIsFoundByTheSubreaper) {
  Presence orphans, kept;
  const pid_t reaper = fork();
  if (reaper == 0) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t head = start_family(orphans);
    orphans.leave();
    const pid_t spared = start_family(kept);
    kept.leave();
    orphans.wait_for(3);
    ::kill(head, SIGKILL);
    waitpid(head, nullptr, 0);
    kill_descendants([&](pid_t child) { return child == spared; });
    const bool right = orphans.all_gone() && ::kill(spared, 0) == 0;
    kill_family(spared);
    waitpid(spared, nullptr, 0);
    _exit(right ? 0 : 1);
  }
  orphans.leave();
  kept.leave();
  int status = 0;
  ASSERT_EQ(waitpid(reaper, &status, 0), reaper);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  kept.wait_for(3);
  EXPECT_TRUE(kept.all_gone());
}

}  // namespace
}  // namespace mpifarm

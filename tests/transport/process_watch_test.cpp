// Ends of real processes.

#include "transport/process_watch.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "support/expect.hpp"

namespace mpifarm {
namespace {

using support::eventually;

// A child that sleeps until it is killed; reaped in the end.
class Child {
 public:
  Child() : id_{fork()} {
    if (id_ == 0) {
      while (true) pause();
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  pid_t id() const { return id_; }

 private:
  pid_t id_;
};

std::vector<int> wait_for_end(ProcessWatch& watch) {
  std::vector<int> ended;
  EXPECT_TRUE(eventually([&] {
    ended = watch.ended();
    return !ended.empty();
  }));
  return ended;
}

TEST(ProcessWatch, SeesAnEndOnce) {
  const Child first, second;
  ProcessWatch watch;
  watch.add(1, first.id());
  watch.add(2, second.id());
  EXPECT_TRUE(watch.ended().empty());
  ::kill(second.id(), SIGKILL);
  EXPECT_EQ(wait_for_end(watch), std::vector<int>{2});
  EXPECT_TRUE(watch.ended().empty()) << "it has been told";
}

TEST(ProcessWatch, SeesNoHang) {
  const Child child;
  ProcessWatch watch;
  watch.add(1, child.id());
  ::kill(child.id(), SIGSTOP);
  int status = 0;
  ASSERT_EQ(waitpid(child.id(), &status, WUNTRACED), child.id());
  EXPECT_TRUE(watch.ended().empty());
}

TEST(ProcessWatch, KillsTheOneThatIsMeant) {
  const Child first, second;
  ProcessWatch watch;
  watch.add(1, first.id());
  watch.add(2, second.id());
  watch.kill(1);
  watch.kill(3);
  EXPECT_EQ(wait_for_end(watch), std::vector<int>{1});
  EXPECT_EQ(::kill(second.id(), 0), 0);
}

TEST(ProcessWatch, LeavesOutWhatCannotBeWatched) {
  pid_t gone = 0;
  {
    const Child child;
    gone = child.id();
  }
  ProcessWatch watch;
  watch.add(1, gone);
  watch.kill(1);
  EXPECT_TRUE(watch.ended().empty());
}

TEST(ProcessSpace, IsTheSameForAChild) {
  EXPECT_FALSE(process_space().empty());
  EXPECT_EQ(process_space(), process_space());
}

}  // namespace
}  // namespace mpifarm

// How loops wait: Backoff, and Waker with real threads.

#include <gtest/gtest.h>

#include <thread>

#include "base/backoff.hpp"
#include "base/waker.hpp"

namespace mpifarm {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Backoff, GrowsUpToItsCeiling) {
  Backoff backoff{milliseconds{16}, milliseconds{30}};
  for (const int expected : {16, 20, 25, 30, 30}) EXPECT_EQ(backoff.next() / milliseconds{1}, expected);
  backoff.reset();
  EXPECT_EQ(backoff.next(), milliseconds{16});
}

TEST(Backoff, NapsAboutAFifthOfTheTimeSinceTheFirst) {
  Backoff backoff{milliseconds{1}, hours{1}};
  Nanos since{};
  for (int nap = 0; nap < 40; ++nap) {
    const Nanos next = backoff.next();
    EXPECT_LE(next, since / 4 + milliseconds{1});
    since += next;
  }
  EXPECT_GT(since, std::chrono::seconds{20}) << "it grows";
}

TEST(Waker, AWakeBeforeTheSleepEndsIt) {
  Waker waker;
  waker.wake();
  waker.wake();
  EXPECT_TRUE(waker.sleep(hours{1}));
  EXPECT_FALSE(waker.sleep(milliseconds{1})) << "one sleep takes all wakes";
}

TEST(Waker, WakesFromOtherThreads) {
  Waker waker;
  for (int i = 0; i < 200; ++i) {
    std::thread other{[&] { waker.wake(); }};
    EXPECT_TRUE(waker.sleep(hours{1}));
    other.join();
  }
}

TEST(Waker, LosesNoWakeInAPingPong) {
  Waker here, there;
  constexpr int rounds = 2000;
  std::thread other{[&] {
    for (int i = 0; i < rounds; ++i) {
      if (!there.sleep(hours{1})) return;
      here.wake();
    }
  }};
  int answered = 0;
  for (; answered < rounds; ++answered) {
    there.wake();
    if (!here.sleep(hours{1})) break;
  }
  other.join();
  EXPECT_EQ(answered, rounds);
}

TEST(Waker, ReturnsWhenNobodyWakes) {
  Waker waker;
  const TimePoint before = Clock::now();
  EXPECT_FALSE(waker.sleep(milliseconds{5}));
  EXPECT_GE(Clock::now() - before, milliseconds{5});
}

}  // namespace
}  // namespace mpifarm

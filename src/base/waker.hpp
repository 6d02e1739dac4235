#pragma once
// Wakes a sleeping loop from other threads.

#include <condition_variable>
#include <mutex>

#include "base/clock.hpp"

namespace mpifarm {

class Waker {
 public:
  // Any thread. A wake before the sleep makes the sleep return at once.
  void wake() {
    {
      const std::scoped_lock lock{mutex_};
      woken_ = true;
    }
    condition_.notify_one();
  }
  // One thread. Returns true when woken, false when `longest` passed.
  bool sleep(Nanos longest) {
    std::unique_lock lock{mutex_};
    const bool woken = condition_.wait_for(lock, longest, [this] { return woken_; });
    woken_ = false;
    return woken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;
};

}  // namespace mpifarm

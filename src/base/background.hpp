#pragma once
// Work that may take long, on a thread of its own, so that a loop can go on meanwhile.

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include "base/waker.hpp"

namespace mpifarm {

// One thread makes, asks and ends it.
class Background {
 public:
  // Wakes `waker` when `work` has ended. What `work` uses must outlive this, which waits for it in its end.
  Background(Waker& waker, std::function<void()> work)
      : thread_{[this, &waker, work = std::move(work)] {
          try {
            work();
          } catch (...) {
            failure_ = std::current_exception();
          }
          done_ = true;
          waker.wake();
        }} {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  bool done() const { return done_; }
  // Waits for the end; rethrows what the work threw.
  void finish() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::exception_ptr failure_;
  std::atomic<bool> done_ = false;
  std::jthread thread_;
};

}  // namespace mpifarm

#pragma once
// Bounds what may wait for ever: the end of MPI, when a rank dies in that very moment.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.hpp"

namespace mpifarm::app {

// Ends this process with `status`, at once and without a word, unless it is destroyed within `longest`.
// `before` is called first, on another thread.
class ExitTimer {
 public:
  ExitTimer(Nanos longest, int status, std::function<void()> before = {});
  ~ExitTimer();
  ExitTimer(const ExitTimer&) = delete;
  ExitTimer& operator=(const ExitTimer&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace mpifarm::app

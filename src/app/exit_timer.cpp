#include "app/exit_timer.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace mpifarm::app {

ExitTimer::ExitTimer(Nanos longest, int status, std::function<void()> before)
    : thread_{[this, longest, status, before = std::move(before)] {
        std::unique_lock lock{mutex_};
        if (ended_.wait_for(lock, longest, [this] { return over_; })) return;
        if (before) before();
        std::fflush(nullptr);
        std::_Exit(status);
      }} {}

ExitTimer::~ExitTimer() {
  {
    const std::scoped_lock lock{mutex_};
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

}  // namespace mpifarm::app

#include "app/exit_timer.hpp"

#include <cstdio>
#include <cstdlib>

namespace mpifarm::app {

ExitTimer::ExitTimer(Nanos longest, int status)
    : thread_{[this, longest, status] {
        std::unique_lock lock{mutex_};
        if (ended_.wait_for(lock, longest, [this] { return over_; })) return;
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

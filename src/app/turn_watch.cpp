#include "app/turn_watch.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"

namespace mpifarm::app {

TurnWatch::TurnWatch(const std::atomic<std::uint64_t>& turns, int rank, Nanos between_looks, unsigned looks)
    : thread_{[this, &turns, rank, between_looks, looks] {
        std::uint64_t seen = turns.load(std::memory_order_relaxed);
        unsigned still = 0;
        for (std::unique_lock lock{mutex_};
             !ended_.wait_for(lock, between_looks, [this] { return over_; });) {
          const std::uint64_t now = turns.load(std::memory_order_relaxed);
          still = now == seen ? still + 1 : 0;
          seen = now;
          if (still < looks) continue;
          std::fprintf(stderr, "mpifarm: rank %d leaves (MPI does not return to it)\n", rank);
          std::_Exit(static_cast<int>(ExitStatus::resumable));
        }
      }} {}

TurnWatch::~TurnWatch() {
  {
    const std::scoped_lock lock{mutex_};
    over_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

}  // namespace mpifarm::app

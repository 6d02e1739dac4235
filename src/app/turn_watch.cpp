#include "app/turn_watch.hpp"

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/error.hpp"

namespace mpifarm::app {

TurnWatch::TurnWatch(const std::atomic<std::uint64_t>& turns, int rank, Nanos between_looks, unsigned looks)
    : thread_{[&turns, rank, between_looks, looks](const std::stop_token& over) {
        std::mutex mutex;
        std::condition_variable_any nothing;  // the wait ends by time, or by `over`
        std::uint64_t seen = turns.load(std::memory_order_relaxed);
        for (unsigned still = 0; still < looks;) {
          std::unique_lock lock{mutex};
          nothing.wait_for(lock, over, between_looks, [] { return false; });
          if (over.stop_requested()) return;
          const std::uint64_t now = turns.load(std::memory_order_relaxed);
          still = now == seen ? still + 1 : 0;
          seen = now;
        }
        std::fprintf(stderr, "mpifarm: rank %d leaves (MPI does not return to it)\n", rank);
        std::_Exit(static_cast<int>(ExitStatus::resumable));
      }} {}

}  // namespace mpifarm::app

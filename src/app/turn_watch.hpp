#pragma once
// Bounds what a worker may wait for inside MPI: with its connections in a bad moment of dying, a call may
// never return, and then nobody sees that rank 0 is gone.

#include <atomic>
#include <cstdint>
#include <thread>

#include "base/clock.hpp"

namespace mpifarm::app {

// Ends this process with ExitStatus::resumable and a word on stderr when `turns` has stood still for so many
// looks. They are counted, not the time: a process that was suspended has not looked either.
class TurnWatch {
 public:
  // `turns` grows with the loop, and must outlive it.
  TurnWatch(const std::atomic<std::uint64_t>& turns, int rank, Nanos between_looks, unsigned looks);

 private:
  std::jthread thread_;
};

}  // namespace mpifarm::app

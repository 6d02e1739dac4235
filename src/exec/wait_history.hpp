#pragma once
// How often the commands of a rank were waited for in vain, in memory that all of its slots' processes share.

#include <atomic>

namespace mpifarm::exec {

// Any process that was forked after it was made.
class WaitHistory {
 public:
  static constexpr unsigned most_in_vain = 10;

  // Notes one command. True for the one with which the waits become short, which they stay.
  bool take(bool in_vain) {
    if (!in_vain) {
      if (in_a_row_.load(std::memory_order_relaxed) != 0) in_a_row_.store(0, std::memory_order_relaxed);
      return false;
    }
    return in_a_row_.fetch_add(1) + 1 == most_in_vain && !short_.exchange(true);
  }
  bool is_short() const { return short_.load(std::memory_order_relaxed); }

 private:
  std::atomic<unsigned> in_a_row_{0};
  std::atomic<bool> short_{false};
};

// The one of this process and those it forks; made by the first call. Throws MachineryFailure when there is
// no memory to share.
WaitHistory& wait_history();

}  // namespace mpifarm::exec

#pragma once
// How long a loop may sleep between two looks at the network.

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "base/waker.hpp"

namespace mpifarm {

// One thread. Measured costs of naps: see src/README.md, "Sleeping".
class Pace {
 public:
  // One turn of the loop is over: `traffic`, something was received or sent; `busy`, the backend computes;
  // `starving`, a slot has nothing to do.
  void rest(Waker& waker, bool traffic, bool busy, bool starving) {
    if (traffic) {
      idle_.reset();
      return;
    }
    if (busy && !starving)
      waker.sleep(busy_nap);
    else if (waker.sleep(idle_.next()))
      idle_.reset();
  }

 private:
  static constexpr Nanos busy_nap = std::chrono::milliseconds{1};
  Backoff idle_{std::chrono::microseconds{20}, std::chrono::milliseconds{2}};
};

}  // namespace mpifarm

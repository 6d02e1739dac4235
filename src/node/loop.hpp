#pragma once
// The pieces of the loops: how a rank receives, how long it may sleep, how a worker's loop goes and how a
// world ends.

#include <algorithm>

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "base/waker.hpp"
#include "node/master.hpp"
#include "node/worker.hpp"
#include "transport/transport.hpp"

namespace mpifarm {

// One thread, the one that makes it. Measured costs of naps: see src/README.md, "Sleeping".
class Pace {
 public:
  Pace() { sharpen_timers(); }

  // One turn of the loop is over: `traffic`, something was received or sent.
  void rest(Waker& waker, bool traffic, const Worker& worker) {
    if (traffic) {
      idle_.reset();
      return;
    }
    const Nanos queue_part = worker.queue_lasts() / 4;
    if (queue_part > short_nap)  // what completes meanwhile wakes nobody, and none of it is urgent
      waker.sleep(std::min(queue_part, longest_nap));
    else if (waker.sleep(idle_.next()))
      idle_.reset();
  }

 private:
  static constexpr Nanos short_nap = std::chrono::microseconds{100},
                         longest_nap = std::chrono::microseconds{2500};
  Backoff idle_{std::chrono::microseconds{20}, std::chrono::milliseconds{3}};
};

// Rank 0: gives all that has arrived to the master or to the worker beside it. True when something had.
bool receive(Transport& transport, Master& master, Worker& worker);

// A worker's rank: returns when the master said goodbye; tasks may still compute then. `waker` is the
// worker's.
void serve(Transport& transport, Worker& worker, Waker& waker);

// Rank 0: tells the other ranks to leave, and waits, a few seconds at most, until the network has the
// message.
void dismiss(Transport& transport);

}  // namespace mpifarm

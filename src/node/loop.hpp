#pragma once
// The pieces of the loops: how a rank receives, how long it may sleep, how a worker's loop goes and how a
// world ends.

#include <algorithm>
#include <functional>

#include "base/backoff.hpp"
#include "base/clock.hpp"
#include "base/waker.hpp"
#include "node/master.hpp"
#include "node/worker.hpp"
#include "transport/watched_transport.hpp"

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

// Rank 0: gives all that has arrived to the master or to the worker beside it, and the losses to the master.
// True when something had.
bool receive(WatchedTransport& transport, Master& master, Worker& worker);

// A worker's rank: returns when the master said goodbye, or is lost; tasks may still compute then. `waker` is
// the worker's.
enum class End { dismissed, dismissed_after_loss, master_lost };
End serve(WatchedTransport& transport, Worker& worker, Waker& waker);

// Calls `work` on another thread, so that meanwhile this one, the transport's, can tell the others that this
// rank lives. What they say is dropped: it must not matter. Rethrows what `work` throws.
void while_beating(WatchedTransport& transport, Waker& waker, std::function<void()> work);

// Rank 0: tells the other ranks to leave, and waits, a few seconds at most, until the network has the
// message.
void dismiss(WatchedTransport& transport);

}  // namespace mpifarm

#include "node/loop.hpp"

#include <utility>

#include "base/background.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

constexpr auto farewell = std::chrono::seconds{5};  // for the last messages to leave

}  // namespace

bool receive(WatchedTransport& transport, Master& master, Worker& worker) {
  bool received = false;
  while (auto envelope = transport.receive()) {
    received = true;
    if (envelope->channel == Channel::to_master)
      master.on_message(envelope->peer, envelope->bytes);
    else
      worker.on_message(envelope->bytes);
  }
  transport.turn(Clock::now());
  for (const Loss& loss : transport.take_losses()) master.on_lost(loss);
  return received;
}

End serve(WatchedTransport& transport, Worker& worker, Waker& waker) {
  Pace pace;
  while (true) {
    bool active = false;
    while (auto envelope = transport.receive()) {
      active = true;
      worker.on_message(envelope->bytes);
      if (worker.finished()) return worker.after_loss() ? End::dismissed_after_loss : End::dismissed;
    }
    const TimePoint now = Clock::now();
    active = worker.step(now) || active;
    transport.set_heartbeat(worker.heartbeat());
    transport.turn(now);
    if (transport.lost_any()) return End::master_lost;
    pace.rest(waker, active, worker);
  }
}

void while_beating(WatchedTransport& transport, Waker& waker, std::function<void()> work) {
  Background background{waker, std::move(work)};
  Backoff nap{std::chrono::microseconds{20}, std::chrono::milliseconds{10}};
  while (!background.done()) {
    while (transport.receive()) {
    }
    transport.turn(Clock::now());
    waker.sleep(nap.next());
  }
  background.finish();
}

void dismiss(WatchedTransport& transport) {
  for (int rank = 1; rank < transport.size(); ++rank)
    transport.send(rank, Channel::to_worker,
                   wire::encode(wire::Shutdown{.after_loss = transport.lost_any()}));
  const TimePoint end = Clock::now() + farewell;
  while (transport.unsent_bytes() > 0 && Clock::now() < end) {
    transport.receive();
    transport.turn(Clock::now());
  }
}

}  // namespace mpifarm

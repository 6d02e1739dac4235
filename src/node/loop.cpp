#include "node/loop.hpp"

#include "wire/codec.hpp"

namespace mpifarm {
namespace {

constexpr auto farewell = std::chrono::seconds{5};  // for the last messages to leave

}  // namespace

bool receive(Transport& transport, Master& master, Worker& worker) {
  bool received = false;
  while (auto envelope = transport.receive()) {
    received = true;
    if (envelope->channel == Channel::to_master)
      master.on_message(envelope->peer, envelope->bytes);
    else
      worker.on_message(envelope->bytes);
  }
  return received;
}

void serve(Transport& transport, Worker& worker, Waker& waker) {
  Pace pace;
  while (true) {
    bool active = false;
    while (auto envelope = transport.receive()) {
      active = true;
      worker.on_message(envelope->bytes);
      if (worker.finished()) return;
    }
    active = worker.step(Clock::now()) || active;
    pace.rest(waker, active, worker);
  }
}

void dismiss(Transport& transport) {
  for (int rank = 1; rank < transport.size(); ++rank)
    transport.send(rank, Channel::to_worker, wire::encode(wire::Shutdown{}));
  const TimePoint end = Clock::now() + farewell;
  while (transport.unsent_bytes() > 0 && Clock::now() < end) transport.receive();
}

}  // namespace mpifarm

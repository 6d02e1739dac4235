#pragma once
// Messages between ranks, reliable and in order between two of them. Who speaks MPI and who pretends is
// decided behind this.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace mpifarm {

// Rank 0 is the master and a worker too, so a message says which of the two it is for.
enum class Channel : std::uint8_t { to_master, to_worker };

struct Envelope {
  int peer = 0;  // who sent it
  Channel channel = Channel::to_master;
  Bytes bytes;
};

// One rank's end. One thread: for MPI, the one that initialised it. Throws MachineryFailure when the layer
// below reports an error.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Never blocks; `to` may be this rank.
  virtual void send(int to, Channel channel, Bytes bytes) = 0;
  // Moves messages on, and returns the next that has arrived.
  virtual std::optional<Envelope> receive() = 0;
  // Bytes that send() was given and the layer below has not taken.
  virtual std::size_t unsent_bytes() const = 0;
  // The peer's process, when it can be seen from here: it runs on this host.
  virtual std::optional<pid_t> process_of(int peer) const = 0;
  // The peer is gone, or is to be treated so: what is queued for it is dropped, nothing more of it is
  // received.
  virtual void forget(int peer) = 0;
};

}  // namespace mpifarm

#pragma once
// Messages to bytes and back. One byte names the alternative, the rest is packed (base/pack.hpp).

#include "wire/messages.hpp"

namespace mpifarm::wire {

Bytes encode(const ToWorker& message);
Bytes encode(const ToMaster& message);

// Throw CorruptData unless `bytes` are exactly one message of that direction.
ToWorker decode_to_worker(BytesView bytes);
ToMaster decode_to_master(BytesView bytes);

}  // namespace mpifarm::wire

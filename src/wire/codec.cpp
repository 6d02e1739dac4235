#include "wire/codec.hpp"

#include "base/pack.hpp"

namespace mpifarm::wire {

Bytes encode(const ToWorker& message) { return pack(message); }
Bytes encode(const ToMaster& message) { return pack(message); }

ToWorker decode_to_worker(BytesView bytes) { return unpack<ToWorker>(bytes); }
ToMaster decode_to_master(BytesView bytes) { return unpack<ToMaster>(bytes); }

}  // namespace mpifarm::wire

#include "wire/codec.hpp"

#include "base/pack.hpp"

namespace mpifarm::wire {

namespace {

constexpr std::size_t part_bytes = 64;  // of a lease, without what it carries

std::size_t bytes_carried(const Assign& assign) {
  std::size_t bytes = part_bytes;
  for (const Lease& lease : assign.leases) bytes += part_bytes + lease.descriptors.size();
  return bytes;
}

std::size_t bytes_carried(const Outcomes& outcomes) {
  std::size_t bytes = part_bytes;
  for (const LeaseOutcomes& part : outcomes.leases) bytes += part_bytes + part.block.entries.size();
  return bytes;
}

std::size_t bytes_carried(const auto&) { return 0; }

// Large messages are not copied while they grow.
template <class Message>
Bytes encode_in_place(const Message& message) {
  Bytes bytes;
  bytes.reserve(std::visit([](const auto& alternative) { return bytes_carried(alternative); }, message));
  Packer{bytes} & message;
  return bytes;
}

}  // namespace

Bytes encode(const ToWorker& message) { return encode_in_place(message); }
Bytes encode(const ToMaster& message) { return encode_in_place(message); }

ToWorker decode_to_worker(BytesView bytes) { return unpack<ToWorker>(bytes); }
ToMaster decode_to_master(BytesView bytes) { return unpack<ToMaster>(bytes); }

}  // namespace mpifarm::wire

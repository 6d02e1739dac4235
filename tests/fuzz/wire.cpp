// Messages, to the master or to a worker as the first byte says: CorruptData, or a message that is the same
// after it was encoded again.

#include "base/error.hpp"
#include "base/outcome.hpp"
#include "base/pack.hpp"
#include "require.hpp"
#include "wire/codec.hpp"

namespace {

using namespace mpifarm;
using fuzz::require;

template <class T>
void unpack_details(BytesView details) {
  try {
    const T value = unpack<T>(details);
    require(pack(unpack<T>(pack(value))) == pack(value), "details survive a round trip");
  } catch (const CorruptData&) {
  }
}

void look_into(const auto&) {}
void look_into(const wire::Setup& setup) { unpack_details<wire::SetupDetails>(setup.details); }
void look_into(const wire::Hello& hello) { unpack_details<wire::HelloDetails>(hello.details); }
void look_into(const wire::Assign& assign) {
  for (const wire::Lease& lease : assign.leases)
    for (BytesView left = lease.descriptors, descriptor; !left.empty() && take_sized(left, descriptor);) {
    }
}
void look_into(const wire::Outcomes& outcomes) {
  for (const wire::LeaseOutcomes& part : outcomes.leases) try {
      for (BytesView left = part.block.entries; !left.empty();) to_string(take_entry(left).outcome);
    } catch (const CorruptData&) {
    }
}

template <class Decode>
void check(BytesView bytes, Decode decode) {
  try {
    const auto message = decode(bytes);
    const Bytes again = wire::encode(message);
    const auto second = decode(again);
    require(second.index() == message.index(), "the same kind of message comes back");
    require(wire::encode(second) == again, "the same message comes back");
    std::visit([](const auto& alternative) { look_into(alternative); }, message);
  } catch (const CorruptData&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView bytes{data + 1, size - 1};
  if (data[0] == 'm')
    check(bytes, wire::decode_to_master);
  else
    check(bytes, wire::decode_to_worker);
  return 0;
}

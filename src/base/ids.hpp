#pragma once
// The numbers that name things, each a type of its own so that they cannot be mixed up.

#include <compare>
#include <cstdint>

namespace mpifarm {

// A 64-bit number that means one kind of thing. Plain data; any thread.
template <class Kind>
struct Id {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(const Id&, const Id&) = default;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value;
  }
};

using TaskId = Id<struct TaskIdKind>;  // position of a task in its source, from 0
using Position =
    Id<struct PositionKind>;  // position of a task in hand-out order, from 0; `Order` maps it to a TaskId
using LeaseId =
    Id<struct LeaseIdKind>;  // one hand-out of a batch to a worker, unique within a start of a run
using TaskKey = Id<struct TaskKeyKind>;  // hash of a task's descriptor, without its occurrence number

}  // namespace mpifarm

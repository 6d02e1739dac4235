#pragma once
// In which order tasks are handed out: a bijection from Position to TaskId that every rank can apply by
// itself.

#include <cstdint>
#include <string_view>

#include "base/ids.hpp"

namespace mpifarm {

enum class OrderKind : std::uint8_t { fifo, lifo, shuffle };

// Throws BadInput unless `text` is fifo, lifo or shuffle.
OrderKind parse_order(std::string_view text);
std::string_view to_string(OrderKind kind);

// Plain data; any thread. Tasks of an indexed source are permuted as a whole; those of a stream within
// windows of consecutive tasks, so that a stream can be handed out before its end is known.
class Order {
 public:
  static constexpr std::uint64_t unknown_count = ~std::uint64_t{0};

  Order() = default;  // fifo of any number of tasks
  // `count`: tasks in all, or unknown_count for a stream that goes on (then only whole windows can be asked
  // for). `window`: tasks that change places among themselves; 0 for all. `seed` matters for shuffle alone.
  Order(OrderKind kind, std::uint64_t count, std::uint64_t seed, std::uint64_t window = 0);

  OrderKind kind() const { return kind_; }
  std::uint64_t window() const { return window_; }
  // position < count.
  TaskId id(Position position) const {
    return kind_ == OrderKind::fifo ? TaskId{position.value} : TaskId{permuted(position.value)};
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& kind_& count_& seed_& window_;
  }

 private:
  std::uint64_t permuted(std::uint64_t position) const;

  OrderKind kind_ = OrderKind::fifo;
  std::uint64_t count_ = unknown_count, seed_ = 0, window_ = 0;
};

}  // namespace mpifarm

#pragma once
// In which order tasks are handed out: a map from Position to TaskId, one to one, that every rank can apply
// by itself. Of a shard, only to those that are its own.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace mpifarm {

enum class OrderKind : std::uint8_t { fifo, lifo, shuffle };

// Throws BadInput unless `text` is fifo, lifo or shuffle.
OrderKind parse_order(std::string_view text);
std::string_view to_string(OrderKind kind);

// The tasks number - 1, number - 1 + of, number - 1 + 2 * of, ... of a source.
struct Shard {
  std::uint64_t number = 1, of = 1;  // 1 to of

  bool is_whole() const { return of == 1; }
  // Of so many tasks.
  std::uint64_t share(std::uint64_t tasks) const { return (tasks + of - number) / of; }
  std::string text() const { return std::to_string(number) + '/' + std::to_string(of); }
  bool operator==(const Shard&) const = default;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& number& of;
  }
};

// Throws BadInput naming `flag` unless `text` is K/N with 1 <= K <= N <= a million.
Shard parse_shard(std::string_view flag, std::string_view text);

// Plain data; any thread. Tasks of an indexed source are permuted as a whole; those of a stream within
// windows of consecutive tasks, so that a stream can be handed out before its end is known.
class Order {
 public:
  static constexpr std::uint64_t unknown_count = ~std::uint64_t{0};

  Order() = default;  // fifo of any number of tasks
  // `count`: tasks in all (of the shard), or unknown_count for a stream that goes on (then only whole windows
  // can be asked for). `window`: tasks that change places among themselves; 0 for all. `seed` matters for
  // shuffle alone.
  Order(OrderKind kind, std::uint64_t count, std::uint64_t seed, std::uint64_t window, Shard shard);
  // The task order: ids ascend.
  static Order in_task_order(Shard shard) { return {OrderKind::fifo, unknown_count, 0, 0, shard}; }

  // The same order of a stream whose end is known now.
  Order with_count(std::uint64_t count) const {
    Order order = *this;
    order.count_ = count;
    return order;
  }
  OrderKind kind() const { return kind_; }
  std::uint64_t window() const { return window_; }
  // position < count.
  TaskId id(Position position) const { return id_of_index(index(position)); }
  // The task's place among those of this run, from 0: its id, but for a shard.
  std::uint64_t index(Position position) const {
    return kind_ == OrderKind::fifo ? position.value : permuted(position.value);
  }
  TaskId id_of_index(std::uint64_t index) const { return {index * shard_.of + shard_.number - 1}; }

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& kind_& count_& seed_& window_& shard_;
  }

 private:
  std::uint64_t permuted(std::uint64_t position) const;

  OrderKind kind_ = OrderKind::fifo;
  std::uint64_t count_ = unknown_count, seed_ = 0, window_ = 0;
  Shard shard_;
};

}  // namespace mpifarm

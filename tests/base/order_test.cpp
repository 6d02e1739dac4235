// Orders are bijections, the same wherever they are applied.

#include "base/order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/error.hpp"
#include "base/pack.hpp"
#include "support/expect.hpp"

namespace mpifarm {
namespace {

std::vector<std::uint64_t> ids(const Order& order, std::uint64_t count) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t position = 0; position < count; ++position) all.push_back(order.id({position}).value);
  return all;
}

std::vector<std::uint64_t> first_numbers(std::uint64_t count) {
  std::vector<std::uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<std::uint64_t> sorted(std::vector<std::uint64_t> numbers) {
  std::ranges::sort(numbers);
  return numbers;
}

TEST(Order, IsABijectionOfEveryCount) {
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle})
    for (std::uint64_t count = 1; count <= 70; ++count)
      for (const std::uint64_t seed : {0, 1, 99})
        EXPECT_EQ(sorted(ids(Order{kind, count, seed, 0, {}}, count)), first_numbers(count))
            << to_string(kind) << " of " << count << ", seed " << seed;
}

TEST(Order, IsABijectionWithinEachWindow) {
  for (const OrderKind kind : {OrderKind::lifo, OrderKind::shuffle})
    for (std::uint64_t count = 1; count <= 70; count += 3)
      for (const std::uint64_t window : {1, 2, 7, 16, 70, 100}) {
        const auto all = ids(Order{kind, count, 5, window, {}}, count);
        ASSERT_EQ(sorted(all), first_numbers(count)) << to_string(kind) << ' ' << count << ' ' << window;
        for (std::uint64_t position = 0; position < count; ++position)
          ASSERT_EQ(all[position] / window, position / window) << "left its window";
      }
}

TEST(Order, OfAStreamIsKnownBeforeItsEnd) {
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle})
    EXPECT_EQ(ids(Order{kind, Order::unknown_count, 3, 16, {}}, 48), ids(Order{kind, 48 + 5, 3, 16, {}}, 48));
}

TEST(Order, IsTheSameOnBothEndsOfTheWire) {
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle}) {
    const Order here{kind, 1000, 17, 64, {}};
    const auto there = unpack<Order>(pack(here));
    EXPECT_EQ(there.kind(), kind);
    EXPECT_EQ(there.window(), 64U);
    EXPECT_EQ(ids(there, 1000), ids(here, 1000));
  }
}

TEST(Order, FifoKeepsLifoReversesShuffleMixes) {
  const std::uint64_t count = 1000;
  EXPECT_EQ(ids(Order{OrderKind::fifo, count, 1, 0, {}}, count), first_numbers(count));
  EXPECT_EQ(ids(Order{}, count), first_numbers(count));
  auto reversed = first_numbers(count);
  std::ranges::reverse(reversed);
  EXPECT_EQ(ids(Order{OrderKind::lifo, count, 1, 0, {}}, count), reversed);
  const auto mixed = ids(Order{OrderKind::shuffle, count, 1, 0, {}}, count);
  EXPECT_NE(mixed, ids(Order{OrderKind::shuffle, count, 2, 0, {}}, count));
  std::uint64_t moved = 0;
  for (std::uint64_t i = 0; i < count; ++i) moved += mixed[i] > i ? mixed[i] - i : i - mixed[i];
  EXPECT_NEAR(static_cast<double>(moved) / static_cast<double>(count * count), 1.0 / 3, 0.05)
      << "the mean way of a random permutation is a third of its length";
}

TEST(Order, ShufflesWindowsDifferently) {
  const auto all = ids(Order{OrderKind::shuffle, 64, 9, 32, {}}, 64);
  std::vector<std::uint64_t> first(all.begin(), all.begin() + 32), second;
  for (std::size_t i = 32; i < 64; ++i) second.push_back(all[i] - 32);
  EXPECT_NE(first, second);
}

TEST(Order, ReachesTheLastOfVeryManyTasks) {
  const std::uint64_t count = std::uint64_t{1} << 62;
  const Order lifo{OrderKind::lifo, count, 0, 0, {}}, shuffle{OrderKind::shuffle, count, 4, 0, {}};
  EXPECT_EQ(lifo.id({0}).value, count - 1);
  EXPECT_EQ(lifo.id({count - 1}).value, 0U);
  for (const std::uint64_t position : {std::uint64_t{0}, std::uint64_t{1}, count / 2, count - 1})
    EXPECT_LT(shuffle.id({position}).value, count);
}

TEST(Order, HasNames) {
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle})
    EXPECT_EQ(parse_order(to_string(kind)), kind);
  EXPECT_EQ(support::message_of<BadInput>([] { parse_order("random"); }),
            "--order is not known (\"random\"); use fifo, lifo or shuffle");
}

TEST(Order, OfAShardKeepsItWhenItsCountBecomesKnown) {
  const Shard shard{2, 3};
  for (const OrderKind kind : {OrderKind::fifo, OrderKind::lifo, OrderKind::shuffle})
    for (const std::uint64_t count : {5, 16, 20}) {
      const Order stream{kind, Order::unknown_count, 7, 16, shard};
      const Order whole{kind, count, 7, 16, shard};
      EXPECT_EQ(ids(stream.with_count(count), count), ids(whole, count));
      for (const std::uint64_t id : ids(whole, count)) EXPECT_EQ(id % 3, 1U);
    }
}

}  // namespace
}  // namespace mpifarm

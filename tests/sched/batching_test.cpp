// How many tasks go out at once.

#include "sched/batching.hpp"

#include <gtest/gtest.h>

namespace mpifarm::sched {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TaskCost cost_of(Nanos one, std::uint64_t bytes = 16) {
  TaskCost cost;
  cost.observe(100, one * 100, bytes * 100);
  return cost;
}

TEST(TaskCost, LearnsTheCostOfATask) {
  TaskCost cost;
  EXPECT_FALSE(cost.known());
  cost.observe(0, milliseconds{5}, 10);
  EXPECT_FALSE(cost.known()) << "nothing can be learnt of no task";
  cost.observe(10, milliseconds{50}, 1000);
  EXPECT_NEAR(cost.seconds(), 5e-3, 1e-9);
  EXPECT_NEAR(cost.bytes(), 100, 1e-9);
  for (int i = 0; i < 50; ++i) cost.observe(1, milliseconds{1}, 10);
  EXPECT_NEAR(cost.seconds(), 1e-3, 1e-5) << "it follows what changes";
  EXPECT_NEAR(cost.bytes(), 10, 0.1);
}

TEST(TaskCost, ManyTasksOutweighTheFirst) {
  TaskCost cost;
  cost.observe(1, microseconds{50}, 16);
  cost.observe(1000, microseconds{100}, 16'000);
  EXPECT_NEAR(cost.seconds(), 1e-7, 1e-7) << "the first was cold";
}

TEST(TaskCost, IsNeverZero) {
  TaskCost cost;
  cost.observe(1000, Nanos{0}, 0);
  EXPECT_GT(cost.seconds(), 0);
}

TEST(ReportInterval, IsAPartOfWhatTheQueueLasts) {
  EXPECT_EQ(report_interval(Nanos{0}), Nanos{0}) << "a worker that runs dry reports at once";
  EXPECT_EQ(report_interval(milliseconds{4}), milliseconds{1});
  EXPECT_EQ(report_interval(std::chrono::hours{1}), milliseconds{50});
}

TEST(HandOut, HoldsABoundedNumberOfBytes) {
  for (const std::uint64_t bytes : {20U, 1000U, 100'000U}) {
    const HandOut limits = hand_out({}, cost_of(Nanos{50}, bytes), 1'000'000'000, 1, 2);
    EXPECT_LE((limits.hold - limits.batch) * bytes, 4'000'000U) << bytes;
  }
}

TEST(HandOut, WhereMemoryIsTheLimitASlowWorkersQueueLastsNoLonger) {
  constexpr std::uint64_t bytes = 20, left = 1'000'000'000;
  const auto queue = [&](int nanos, double speed) {
    const HandOut limits = hand_out({}, cost_of(Nanos{nanos}, bytes), left, 1, 2, speed);
    return static_cast<double>(limits.hold - limits.batch) * nanos;
  };
  EXPECT_NEAR(queue(120, 0.25), queue(30, 1), 1000);
}

TEST(HandOut, NothingIsQueuedBehindTheLastTasks) {
  const TaskCost cost = cost_of(milliseconds{1});
  EXPECT_EQ(hand_out({}, cost, 15, 2, 8).hold, 2U);
  EXPECT_GT(hand_out({}, cost, 16, 2, 8).hold, 2U);
}

TEST(HandOut, ManySlotsQueueLongTasksToo) {
  const TaskCost cost = cost_of(std::chrono::seconds{1});
  EXPECT_EQ(hand_out({}, cost, 100'000'000, 4, 1000).hold, 4U);
  EXPECT_EQ(hand_out({}, cost, 100'000'000, 4, 100'000).hold, 8U) << "they would all ask at once";
}

TEST(HandOut, StartsWithOneTaskAndOneMoreForEachSlot) {
  const HandOut first = hand_out({}, {}, 1'000'000, 4, 16);
  EXPECT_EQ(first.batch, 1U);
  EXPECT_EQ(first.hold, 8U);
}

TEST(HandOut, ABatchIsAFewMillisecondsOfWork) {
  for (const Nanos one : {Nanos{microseconds{1}}, Nanos{microseconds{20}}, Nanos{microseconds{500}}}) {
    const HandOut limits = hand_out({}, cost_of(one), 1'000'000'000, 2, 8);
    const double batch_seconds = seconds(one) * static_cast<double>(limits.batch);
    EXPECT_GE(batch_seconds, 1e-3);
    EXPECT_LE(batch_seconds, 10e-3);
    EXPECT_GE(seconds(one) * static_cast<double>(limits.hold), 10e-3 * 2 * 0.99)
        << "a worker holds 10 ms of work for each slot";
  }
}

TEST(HandOut, ABatchShrinksToOneAtTheTail) {
  const TaskCost cost = cost_of(microseconds{1});
  std::uint64_t last = hand_out({}, cost, 1'000'000, 2, 8).batch;
  for (std::uint64_t left = 1'000'000; left > 0; left /= 2) {
    const std::uint64_t batch = hand_out({}, cost, left, 2, 8).batch;
    EXPECT_LE(batch, last);
    EXPECT_LE(batch, std::max<std::uint64_t>(1, left / 8 / 2)) << "more than half of an even share";
    last = batch;
  }
  for (const std::uint64_t left : {0, 1, 15, 31}) EXPECT_EQ(hand_out({}, cost, left, 2, 8).batch, 1U) << left;
}

TEST(HandOut, LongTasksGoAloneAndAreNotPrefetched) {
  const HandOut second = hand_out({}, cost_of(std::chrono::seconds{1}), 10'000, 4, 16);
  EXPECT_EQ(second.batch, 1U);
  EXPECT_EQ(second.hold, 4U);
  const HandOut shorter = hand_out({}, cost_of(milliseconds{50}), 10'000, 4, 16);
  EXPECT_EQ(shorter.batch, 1U);
  EXPECT_GT(shorter.hold, 4U);
}

TEST(HandOut, LargeResultsMakeSmallBatches) {
  const HandOut limits = hand_out({}, cost_of(microseconds{1}, 100'000), 1'000'000, 2, 8);
  EXPECT_LE(limits.batch * 100'000, 1'000'000U);
  EXPECT_EQ(hand_out({}, cost_of(microseconds{1}, 50'000'000), 1'000'000, 2, 8).batch, 1U);
}

TEST(HandOut, WhatTheUserFixedIsKept) {
  for (const TaskCost& cost : {TaskCost{}, cost_of(microseconds{1}), cost_of(std::chrono::seconds{10})}) {
    EXPECT_EQ(hand_out({.batch = 7, .prefetch = {}}, cost, 1'000'000, 2, 8).batch, 7U);
    EXPECT_EQ(hand_out({.batch = 7, .prefetch = {}}, cost, 3, 2, 8).batch, 7U);
    EXPECT_EQ(hand_out({.batch = 7, .prefetch = 0}, cost, 1'000'000, 2, 8).hold, 14U);
    EXPECT_EQ(hand_out({.batch = 7, .prefetch = 5}, cost, 1'000'000, 2, 8).hold, 19U);
    EXPECT_EQ(hand_out({.batch = 1, .prefetch = 0}, cost, 1'000'000, 3, 8).hold, 3U);
  }
}

TEST(HandOut, IsNeverEmpty) {
  for (const std::uint64_t left : {0, 1, 1000})
    for (const std::uint64_t slots : {1, 64})
      for (const TaskCost& cost : {TaskCost{}, cost_of(Nanos{1}), cost_of(std::chrono::hours{1})}) {
        const HandOut limits = hand_out({}, cost, left, slots, slots);
        EXPECT_GE(limits.batch, 1U);
        EXPECT_GE(limits.hold, slots) << "every slot can get a task";
      }
}

}  // namespace
}  // namespace mpifarm::sched

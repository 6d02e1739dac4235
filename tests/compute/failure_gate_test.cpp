// Backends that begin nothing after a failure before it is answered.

#include "compute/failure_gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "compute/thread_backend.hpp"
#include "support/backends.hpp"
#include "support/scripted_job.hpp"

namespace mpifarm {
namespace {

using support::assignment;
using support::Collected;
using support::eventually;
using support::ScriptedJob;

TEST(FailureGate, IsOpenUnlessItIsArmedAndAFailureWaits) {
  FailureGate gate;
  gate.on_failure();
  EXPECT_TRUE(gate.is_open());
  gate.arm();
  EXPECT_TRUE(gate.is_open());
  gate.on_failure();
  gate.on_failure();
  gate.answer(1);
  EXPECT_FALSE(gate.is_open());
  gate.answer(2);
  EXPECT_TRUE(gate.is_open());
  gate.on_failure();
  gate.forget(1);
  EXPECT_TRUE(gate.is_open()) << "it was lost with its process";
  gate.forget(1);
  EXPECT_TRUE(gate.is_open());
}

TEST(FailureGate, BeginsNothingAfterAFailureUntilItIsAnswered) {
  std::atomic<int> begun = 0;
  const ScriptedJob job{[&](BytesView, Context& context) -> Bytes {
    ++begun;
    if (context.id().value == 2) throw std::runtime_error{"no"};
    return "yes";
  }};
  FailureGate gate;
  gate.arm();
  Waker waker;
  ThreadBackend backend{job, waker, {.slots = 1, .gate = &gate}};
  backend.start({assignment(1, 0, 6)});
  Collected collected;
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return collected.tasks() == 3;
  })) << "what there is, the failure with it, is handed out before the answer";
  EXPECT_EQ(begun, 3);
  EXPECT_FALSE(gate.is_open());
  gate.answer(1);
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return !backend.busy();
  }));
  EXPECT_EQ(begun, 6);
}

TEST(FailureGate, GivesBackWhatWaitsForAnAnswerWhenItDrains) {
  std::atomic<int> begun = 0;
  const ScriptedJob job{[&](BytesView, Context&) -> Bytes {
    ++begun;
    throw std::runtime_error{"no"};
  }};
  FailureGate gate;
  gate.arm();
  Waker waker;
  ThreadBackend backend{job, waker, {.slots = 1, .gate = &gate}};
  backend.start({assignment(1, 0, 6), assignment(2, 6, 6)});
  Collected collected;
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return collected.tasks() == 1;
  }));
  backend.drain();
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return !backend.busy();
  }));
  EXPECT_EQ(begun, 1);
}

}  // namespace
}  // namespace mpifarm

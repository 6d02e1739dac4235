// The thread backend: outcomes exactly once and in order, whatever tasks do.

#include "compute/thread_backend.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <stdexcept>

#include "support/backends.hpp"
#include "support/scripted_job.hpp"

namespace mpifarm {
namespace {

using support::assignment;
using support::collect_all;
using support::Collected;
using support::eventually;
using support::ScriptedJob;

Bytes id_text(BytesView, Context& context) { return std::to_string(context.id().value); }

TEST(ThreadBackend, GivesAllOutcomesOnceAndInOrder) {
  const ScriptedJob job{id_text};
  Waker waker;
  for (const unsigned slots : {1U, 2U, 5U}) {
    ThreadBackend backend{
        job, waker, {.slots = slots, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
    EXPECT_EQ(backend.slots(), slots);
    std::uint64_t position = 0;
    for (std::uint64_t lease = 0; lease < 100; ++lease) {
      backend.start({assignment(lease, position, 1 + lease % 37)});
      position += 1 + lease % 37;
    }
    const Collected collected = collect_all(backend);
    ASSERT_EQ(collected.leases.size(), 100U);
    std::uint64_t next = 0;
    for (const auto& [id, lease] : collected.leases) {
      ASSERT_EQ(lease.entries.size(), 1 + id % 37);
      for (const auto& [outcome, payload] : lease.entries) EXPECT_EQ(payload, std::to_string(next++));
      EXPECT_GE(lease.busy, Nanos{0});
    }
  }
}

TEST(ThreadBackend, GivesTasksTheirIdAttemptAndRandomStream) {
  const ScriptedJob job{[](BytesView, Context& context) {
    return std::to_string(context.id().value) + "/" + std::to_string(context.attempt()) + "/" +
           std::to_string(context.random()());
  }};
  Waker waker;
  ThreadBackend backend{
      job, waker, {.slots = 2, .seed = 77, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
  const Order order{OrderKind::lifo, 10, 0, 0, {}};
  backend.start({{{1}, {2}, 3, 4, order, {}, false}});
  const Collected collected = collect_all(backend);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_EQ(collected.leases.at(1).entries.at(i).second,
              std::to_string(7 - i) + "/4/" + std::to_string(Random{77, 7 - i}()));
}

TEST(ThreadBackend, TakesDescriptorsApart) {
  const ScriptedJob job{[](BytesView descriptor, Context&) { return Bytes{descriptor}; }};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  const std::vector<std::string> texts{"", "one", std::string(127, 'a'), std::string(128, 'b'),
                                       std::string(20'000, 'c')};
  Assignment given = assignment(1, 0, texts.size());
  for (const std::string& text : texts) {
    append_varint(given.descriptors, text.size());
    given.descriptors += text;
  }
  backend.start({std::move(given)});
  const Collected collected = collect_all(backend);
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_TRUE(collected.leases.at(1).entries.at(i).second == texts[i]) << i;
}

TEST(ThreadBackend, FailuresAreOutcomesToo) {
  const ScriptedJob job{[](BytesView, Context& context) -> Bytes {
    if (context.id().value % 3 == 1) throw std::runtime_error{"no " + std::to_string(context.id().value)};
    return "yes";
  }};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  backend.start({assignment(1, 0, 10)});
  const Collected collected = collect_all(backend);
  for (std::uint64_t i = 0; i < 10; ++i) {
    const auto& [outcome, payload] = collected.leases.at(1).entries.at(i);
    EXPECT_EQ(outcome, i % 3 == 1 ? Outcome::failed : Outcome::succeeded);
    EXPECT_EQ(payload, i % 3 == 1 ? "no " + std::to_string(i) : "yes");
  }
}

// Tasks that wait until the test lets them go on; they see a stop.
class Gate {
 public:
  void pass(const Context& context) {
    ++waiting_;
    eventually([&] { return take_pass() || context.stop_requested(); });
    --waiting_;
    ++passed_;
  }
  bool somebody_waits(int least = 1) const {
    return eventually([&] { return waiting_ >= least; });
  }
  void let(int tasks) { open_ += tasks; }
  int passed() const { return passed_; }

 private:
  bool take_pass() {
    int open = open_;
    return open > 0 && open_.compare_exchange_strong(open, open - 1);
  }

  std::atomic<int> waiting_ = 0, open_ = 0, passed_ = 0;
};

TEST(ThreadBackend, FlushDeliversWhatALongAssignmentHasSoFar) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) {
    gate.pass(context);
    return Bytes{"done"};
  }};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  backend.start({assignment(1, 0, 5)});
  ASSERT_TRUE(gate.somebody_waits());
  gate.let(1);
  ASSERT_TRUE(eventually([&] { return gate.passed() == 1; }));
  Collected collected;
  backend.flush();
  gate.let(1);
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return collected.tasks() > 0;
  }));
  EXPECT_LT(collected.tasks(), 5U);
  EXPECT_TRUE(backend.busy());
  gate.let(5);
  ASSERT_TRUE(eventually([&] {
    collected.from(backend);
    return !backend.busy();
  }));
  EXPECT_EQ(collected.leases.at(1).entries.size(), 5U);
  EXPECT_GE(collected.leases.at(1).completions, 2U);
}

TEST(ThreadBackend, ALongTaskHoldsUpNoOther) {
  constexpr std::uint64_t tasks = 1000, late = 700;
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) {
    if (context.id().value == late) gate.pass(context);
    return Bytes{"done"};
  }};
  Waker waker;
  ThreadBackend backend{
      job, waker, {.slots = 2, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
  std::vector<Assignment> assignments;
  for (std::uint64_t i = 0; i < tasks; ++i) assignments.push_back(assignment(i, i, 1));
  backend.start(std::move(assignments));
  Collected collected;
  EXPECT_TRUE(eventually([&] {
    collected.from(backend);
    return collected.tasks() == tasks - 1;
  })) << "only "
      << collected.tasks() << " could be collected while one task goes on";
  EXPECT_FALSE(collected.leases.contains(late));
  gate.let(1);
  EXPECT_TRUE(eventually([&] {
    collected.from(backend);
    return !backend.busy();
  }));
  EXPECT_EQ(collected.tasks(), tasks);
}

TEST(ThreadBackend, StopGivesBackWhatHasNotStartedAndAsksTheRestToStop) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) -> Bytes {
    gate.pass(context);
    return "ended";
  }};
  Waker waker;
  ThreadBackend backend{
      job, waker, {.slots = 2, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
  for (std::uint64_t lease = 0; lease < 10; ++lease) backend.start({assignment(lease, lease * 10, 10)});
  ASSERT_TRUE(gate.somebody_waits(2));
  backend.stop();
  const Collected collected = collect_all(backend);
  EXPECT_EQ(gate.passed(), 2) << "the others have not been begun";
  EXPECT_EQ(collected.tasks(), 2U) << "what ended well counts";
  EXPECT_FALSE(backend.busy());
}

TEST(ThreadBackend, DrainLetsRunningTasksEndAndTheirFailuresCount) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) -> Bytes {
    gate.pass(context);
    throw std::runtime_error{context.stop_requested() ? "was asked to stop" : "failed by itself"};
  }};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  backend.start({assignment(1, 0, 10)});
  ASSERT_TRUE(gate.somebody_waits());
  backend.drain();
  gate.let(1);
  const Collected collected = collect_all(backend);
  ASSERT_EQ(collected.tasks(), 1U);
  EXPECT_EQ(collected.leases.at(1).entries[0].second, "failed by itself");
}

TEST(ThreadBackend, ATaskThatThrowsBecauseItWasStoppedIsGivenBack) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) -> Bytes {
    if (context.id().value == 0) return "before";
    gate.pass(context);
    if (context.stop_requested()) throw std::runtime_error{"stopped"};
    return "after";
  }};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  backend.start({assignment(1, 0, 10)});
  ASSERT_TRUE(gate.somebody_waits());
  backend.stop();
  const Collected collected = collect_all(backend);
  ASSERT_EQ(collected.tasks(), 1U);
  EXPECT_EQ(collected.leases.at(1).entries[0].second, "before");
}

TEST(ThreadBackend, AsksATaskThatTakesTooLongToStopAndNoOther) {
  const ScriptedJob job{[&](BytesView, Context& context) -> Bytes {
    const std::uint64_t id = context.id().value;
    if (id % 10 != 3) return "done";
    if (!eventually([&] { return context.stop_requested(); })) return "never asked";
    if (id == 13) return "late but done";
    throw std::runtime_error{"stopped"};
  }};
  Waker waker;
  ThreadBackend backend{
      job, waker, {.slots = 2, .timeout = std::chrono::milliseconds{30}, .log = {}, .cells = {}}};
  backend.start({assignment(1, 0, 20), assignment(2, 20, 20)});
  Collected collected;
  ASSERT_TRUE(eventually([&] {
    backend.flush();
    collected.from(backend);
    return !backend.busy();
  }));
  ASSERT_EQ(collected.tasks(), 40U);
  for (std::uint64_t id = 0; id < 40; ++id) {
    const auto& [outcome, payload] = collected.leases.at(1 + id / 20).entries.at(id % 20);
    const bool late = id % 10 == 3 && id != 13;
    EXPECT_EQ(outcome, late ? Outcome::timed_out : Outcome::succeeded) << id;
    EXPECT_EQ(payload, late       ? "no end within 30.0 ms: it was asked to stop"
                       : id == 13 ? "late but done"
                                  : "done");
  }
}

TEST(ThreadBackend, SaysInItsCellsWhatItComputes) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) {
    gate.pass(context);
    return Bytes{};
  }};
  Waker waker;
  std::vector<SlotCell> cells(2);
  ThreadBackend backend{job, waker, {.slots = 2, .log = {}, .cells = cells}};
  backend.start({assignment(1, 70, 2), assignment(2, 90, 2)});
  ASSERT_TRUE(gate.somebody_waits(2));
  std::set<std::uint64_t> running{cells[0].running, cells[1].running};
  EXPECT_EQ(running, (std::set<std::uint64_t>{71, 91}));
  gate.let(4);
  collect_all(backend);
  EXPECT_EQ(cells[0].running + cells[1].running, 0U);
  EXPECT_EQ(cells[0].begun + cells[1].begun, 4U);
}

TEST(ThreadBackend, SaysHowLongItsQueueLasts) {
  constexpr auto one_task = std::chrono::milliseconds{5};
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) {
    if (context.attempt() == 1)
      std::this_thread::sleep_for(one_task);
    else
      gate.pass(context);
    return Bytes{};
  }};
  Waker waker;
  ThreadBackend backend{
      job, waker, {.slots = 1, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
  EXPECT_EQ(backend.queue_lasts(), Nanos{0});
  EXPECT_FALSE(backend.busy());
  backend.start({assignment(1, 0, 1)});
  EXPECT_EQ(collect_all(backend).tasks(), 1U);
  backend.start({assignment(2, 1, 1, 2)});
  ASSERT_TRUE(gate.somebody_waits());
  EXPECT_EQ(backend.queue_lasts(), Nanos{0}) << "what runs does not wait";
  backend.start({assignment(3, 2, 10), assignment(4, 12, 10)});
  EXPECT_GE(backend.queue_lasts(), 20 * one_task);
  backend.drain();
  EXPECT_EQ(backend.queue_lasts(), Nanos{0});
  EXPECT_TRUE(backend.busy());
  gate.let(1);
  collect_all(backend);
  EXPECT_TRUE(eventually([&] { return !backend.busy(); }));
}

TEST(ThreadBackend, WakesTheLoop) {
  const ScriptedJob job{id_text};
  Waker waker;
  ThreadBackend backend{job, waker, {}};
  for (std::uint64_t i = 0; i < 50; ++i) {
    backend.start({assignment(i, i, 1)});
    Collected collected;
    while (collected.tasks() == 0) {
      ASSERT_TRUE(waker.sleep(std::chrono::seconds{60})) << "nobody woke the loop";
      collected.from(backend);
    }
  }
}

TEST(ThreadBackend, IsDestroyedWhileBusy) {
  Gate gate;
  const ScriptedJob job{[&](BytesView, Context& context) {
    gate.pass(context);
    return Bytes{};
  }};
  Waker waker;
  {
    ThreadBackend backend{
        job, waker, {.slots = 3, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
    for (std::uint64_t lease = 0; lease < 20; ++lease) backend.start({assignment(lease, lease * 5, 5)});
    ASSERT_TRUE(gate.somebody_waits(3));
  }
  EXPECT_EQ(gate.passed(), 3);
}

TEST(ThreadBackend, IsDestroyedWithoutHavingComputed) {
  const ScriptedJob job{id_text};
  Waker waker;
  for (int i = 0; i < 50; ++i)
    ThreadBackend{job, waker, {.slots = 4, .seed = 0, .nice = 0, .timeout = {}, .log = {}, .cells = {}}};
}

TEST(ThreadBackend, PassesOnWhatTasksLog) {
  const ScriptedJob job{[](BytesView, Context& context) {
    context.log("hello");
    return Bytes{};
  }};
  Waker waker;
  std::mutex mutex;
  std::set<std::uint64_t> heard;
  const auto log = [&](TaskId id, std::string_view text, std::string_view) {
    const std::scoped_lock lock{mutex};
    if (text == "hello") heard.insert(id.value);
  };
  ThreadBackend backend{
      job, waker, {.slots = 3, .seed = 0, .nice = 5, .timeout = {}, .log = log, .cells = {}}};
  for (std::uint64_t lease = 0; lease < 5; ++lease) backend.start({assignment(lease, lease * 10, 10)});
  collect_all(backend);
  EXPECT_EQ(heard.size(), 50U);
}

}  // namespace
}  // namespace mpifarm

#include "compute/thread_backend.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "base/amounts.hpp"
#include "base/error.hpp"

namespace mpifarm {
namespace {

constexpr std::uint64_t most_reserved_bytes = 256 << 10;        // beforehand, of a block
constexpr Nanos longest_turn = std::chrono::milliseconds{200};  // between two flushes; more was a suspension
constexpr auto cpu_interval = std::chrono::microseconds{50};  // between two readings of a thread's CPU clock

}  // namespace

ThreadBackend::ThreadBackend(const AnyJob& job, Waker& waker, ThreadBackendOptions options)
    : job_{job},
      waker_{waker},
      options_{std::move(options)},
      own_cells_(options_.cells.empty() ? options_.slots : 0),
      timed_(options_.slots) {
  if (options_.cells.empty()) options_.cells = own_cells_;
  threads_.reserve(options_.slots);
  try {
    while (threads_.size() < options_.slots)
      threads_.emplace_back([this, slot = static_cast<unsigned>(threads_.size())] { serve(slot); });
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size();
    close();
    throw MachineryFailure{"only " + std::to_string(started) + " of " + std::to_string(options_.slots) +
                           " computing threads could be started (" + error.code().message() +
                           "); give fewer with --threads, or raise the limit on processes"};
  }
}

ThreadBackend::~ThreadBackend() { close(); }

void ThreadBackend::close() {
  stop();
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadBackend::start(std::vector<Assignment> assignments) {
  if (assignments.empty()) return;
  const std::size_t started = assignments.size();
  std::uint64_t tasks = 0;
  for (const Assignment& assignment : assignments) tasks += assignment.count;
  std::size_t sleeping = 0;
  {
    const std::scoped_lock lock{mutex_};
    queued_ += started;
    queued_tasks_ += tasks;
    queue_.push_back(std::move(assignments));
    sleeping = sleeping_;
  }
  if (started >= sleeping)
    work_.notify_all();
  else
    for (std::size_t i = 0; i < started; ++i) work_.notify_one();
}

void ThreadBackend::collect(std::vector<Completion>& completions) {
  const std::scoped_lock lock{mutex_};
  if (completions.empty()) return completions.swap(completed_);
  std::ranges::move(completed_, std::back_inserter(completions));
  completed_.clear();
}

void ThreadBackend::flush() {
  flushes_.fetch_add(1, std::memory_order_relaxed);
  if (options_.timeout > Nanos{0}) stop_late_tasks();
}

void ThreadBackend::stop_late_tasks() {
  const TimePoint now = Clock::now();
  if (last_flush_ != TimePoint{}) awake_ += std::min<Nanos>(now - last_flush_, longest_turn);
  last_flush_ = now;
  for (std::size_t slot = 0; slot < timed_.size(); ++slot) {
    const SlotCell& cell = options_.cells[slot];
    TimedSlot& timed = timed_[slot];
    const std::uint64_t begun = cell.begun.load(std::memory_order_relaxed);
    if (begun != timed.begun || cell.running.load(std::memory_order_relaxed) == 0) {
      timed.begun = begun;
      timed.seen_at = awake_;
    } else if (awake_ - timed.seen_at > options_.timeout) {
      const std::scoped_lock lock{mutex_};
      timed.late = true;
      timed.stop.request_stop();
    }
  }
}

void ThreadBackend::drain() {
  const std::scoped_lock lock{mutex_};
  queue_.clear();
  next_ = queued_ = 0;
  queued_tasks_ = 0;
  draining_ = true;
}

void ThreadBackend::stop() {
  drain();
  stopping_ = true;
  const std::scoped_lock lock{mutex_};
  for (TimedSlot& timed : timed_) timed.stop.request_stop();
}

bool ThreadBackend::busy() const {
  const std::scoped_lock lock{mutex_};
  return running_ > 0 || queued_ > 0 || !completed_.empty();
}

Nanos ThreadBackend::queue_lasts() const {
  const std::scoped_lock lock{mutex_};
  return task_time_.lasts(queued_tasks_, options_.slots);
}

// The body of a computing thread. Nice values are per thread on Linux; a refusal costs nothing but promptness
// of the loop.
void ThreadBackend::serve(unsigned number) {
  unshare(CLONE_FS);  // what a task does to umask or working directory hurts no other thread
  const auto self = static_cast<id_t>(gettid());
  if (options_.nice != 0) setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + options_.nice);
  TimedSlot& timed = timed_[number];
  Slot slot{.context = new_context(timed), .cell = options_.cells[number], .timed = timed};
  slot.started = Clock::now();
  slot.cpu_read = thread_cpu_time();  // from here on: the little that waiting takes counts too
  std::unique_lock lock{mutex_};
  while (true) {
    if (queued_ == 0) {
      ++sleeping_;
      work_.wait(lock, [this] { return closing_ || queued_ > 0; });
      --sleeping_;
      if (queued_ == 0) return;
      slot.started = Clock::now();
    }
    Assignment assignment = take();
    slot.read_cpu = queued_ == 0;
    ++running_;
    lock.unlock();
    slot.flushes_seen = flushes_.load(std::memory_order_relaxed);
    deliver(slot, compute(assignment, slot), true);
    lock.lock();
  }
}

// One alone, however short: what one thread has taken no other can have, should it turn out to be long.
Assignment ThreadBackend::take() {
  std::vector<Assignment>& first = queue_.front();
  Assignment assignment = std::move(first[next_]);
  if (++next_ == first.size()) {
    queue_.pop_front();
    next_ = 0;
  }
  --queued_;
  queued_tasks_ -= assignment.count;
  return assignment;
}

// Returns what was computed last; what went before was delivered as soon as it was asked for.
Completion ThreadBackend::compute(Assignment& assignment, Slot& slot) {
  BytesView descriptors = assignment.descriptors;
  Position next = assignment.first;
  const std::uint64_t end = next.value + assignment.count;

  while (true) {
    if (!is_gate_open()) wait_for_gate();
    OutcomeBlock block;
    block.first = next;
    block.entries.reserve(std::min((end - next.value) * slot.entry_bytes, most_reserved_bytes));
    bool pause = draining_.load(std::memory_order_relaxed);
    while (next.value < end && !pause && is_gate_open()) {
      BytesView descriptor;
      if (!assignment.descriptors.empty()) take_sized(descriptors, descriptor);
      slot.context.next_task(assignment.order.id(next), assignment.attempt);
      slot.cell.running.store(next.value + 1, std::memory_order_relaxed);
      const std::uint64_t succeeded = block.succeeded;
      if (!compute_one(descriptor, slot, block)) break;
      if (options_.gate != nullptr && block.succeeded == succeeded) options_.gate->on_failure();
      ++next.value;
      pause = pause_wanted(slot);
    }
    slot.cell.running.store(0, std::memory_order_relaxed);
    block.count = next.value - block.first.value;
    if (block.count > 0) slot.entry_bytes = block.entries.size() / block.count + 1;
    Completion completion{assignment.lease, std::move(block), {}, {}};
    if (next.value == end || draining_.load(std::memory_order_relaxed)) return completion;
    deliver(slot, std::move(completion), false);
  }
}

// False when it has no outcome: it was asked to stop, and is given back.
bool ThreadBackend::compute_one(BytesView descriptor, Slot& slot, OutcomeBlock& block) {
  slot.cell.begun.store(slot.cell.begun.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const std::size_t entry_at = block.entries.size();
  job_.compute(descriptor, slot.context, block.entries);
  const bool succeeded = static_cast<Outcome>(block.entries[entry_at]) == Outcome::succeeded;
  if (slot.context.stop_requested()) [[unlikely]] {
    if (!succeeded && stopping_) {
      block.entries.resize(entry_at);
      return false;
    }
    meet_late_task(slot, block, entry_at);
  }
  if (succeeded) ++block.succeeded;
  return true;
}

// It ended after all: the next task of the slot has a time of its own.
void ThreadBackend::meet_late_task(Slot& slot, OutcomeBlock& block, std::size_t entry_at) {
  {
    const std::scoped_lock lock{mutex_};
    if (!std::exchange(slot.timed.late, false)) return;
    slot.timed.stop = std::stop_source{};
    if (stopping_) slot.timed.stop.request_stop();
    slot.context = new_context(slot.timed);
  }
  if (static_cast<Outcome>(block.entries[entry_at]) == Outcome::succeeded) return;
  block.entries.resize(entry_at);
  append_entry(block.entries, Outcome::timed_out,
               "no end within " + duration_text(seconds(options_.timeout)) + ": it was asked to stop");
}

Context ThreadBackend::new_context(const TimedSlot& timed) const {
  return Context{options_.seed, timed.stop.get_token(), &options_.log};
}

void ThreadBackend::wait_for_gate() const {
  constexpr auto look = std::chrono::milliseconds{1};
  while (!is_gate_open() && !draining_.load(std::memory_order_relaxed)) std::this_thread::sleep_for(look);
}

bool ThreadBackend::pause_wanted(Slot& slot) const {
  const std::uint64_t flushes = flushes_.load(std::memory_order_relaxed);
  return std::exchange(slot.flushes_seen, flushes) != flushes || draining_.load(std::memory_order_relaxed);
}

// `last`: the assignment has ended. The loop that is woken then knows it.
void ThreadBackend::deliver(Slot& slot, Completion&& completion, bool last) {
  const std::uint64_t tasks = completion.block.count;
  if (tasks > 0) take_time(slot, completion);
  const Nanos busy = completion.busy;
  bool few_wait = false;
  {
    const std::scoped_lock lock{mutex_};
    if (tasks > 0) {
      completed_.push_back(std::move(completion));
      task_time_.observe(tasks, busy);
    }
    if (last) --running_;
    few_wait = queued_ <= options_.slots / 2 + 1;
  }
  if (!few_wait && is_gate_open()) return;
  waker_.wake();
  slot.started = Clock::now();  // the loop, which goes first, may have kept this thread from its core
}

void ThreadBackend::take_time(Slot& slot, Completion& completion) {
  const TimePoint now = Clock::now();
  completion.busy = now - std::exchange(slot.started, now);
  if (!slot.read_cpu && now - slot.cpu_read_at < cpu_interval) return;  // a later completion has it
  slot.cpu_read_at = now;
  const Nanos cpu = thread_cpu_time();
  completion.cpu = cpu - std::exchange(slot.cpu_read, cpu);
}

}  // namespace mpifarm

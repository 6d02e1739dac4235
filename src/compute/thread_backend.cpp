#include "compute/thread_backend.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace mpifarm {
namespace {

constexpr std::uint64_t most_reserved_bytes = 256 << 10;  // beforehand, of a block

}  // namespace

ThreadBackend::ThreadBackend(const AnyJob& job, Waker& waker, ThreadBackendOptions options)
    : job_{job}, waker_{waker}, options_{std::move(options)} {
  threads_.reserve(options_.slots);
  try {
    while (threads_.size() < options_.slots) threads_.emplace_back([this] { serve(); });
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
  {
    const std::scoped_lock lock{mutex_};
    for (Assignment& assignment : assignments) {
      queued_tasks_ += assignment.count;
      queue_.push_back(std::move(assignment));
    }
  }
  assignments.size() == 1 ? work_.notify_one() : work_.notify_all();
}

void ThreadBackend::collect(std::vector<Completion>& completions) {
  const std::scoped_lock lock{mutex_};
  for (Completion& completion : completed_) completions.push_back(std::move(completion));
  completed_.clear();
}

void ThreadBackend::flush() { flushes_.fetch_add(1, std::memory_order_relaxed); }

void ThreadBackend::drain() {
  const std::scoped_lock lock{mutex_};
  queue_.clear();
  queued_tasks_ = 0;
  draining_ = true;
}

void ThreadBackend::stop() {
  drain();
  stop_.request_stop();
}

bool ThreadBackend::busy() const {
  const std::scoped_lock lock{mutex_};
  return running_ > 0 || !queue_.empty() || !completed_.empty();
}

Nanos ThreadBackend::queue_lasts() const {
  const std::scoped_lock lock{mutex_};
  constexpr double longest = 1e18;
  const double nanos = static_cast<double>(queued_tasks_) * task_seconds_ * 1e9 / options_.slots;
  return Nanos{static_cast<Nanos::rep>(std::min(nanos, longest))};
}

// The body of a computing thread. Nice values are per thread on Linux; a refusal costs nothing but promptness
// of the loop.
void ThreadBackend::serve() {
  const auto self = static_cast<id_t>(gettid());
  if (options_.nice != 0) setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + options_.nice);
  Slot slot{Context{options_.seed, stop_.get_token(), &options_.log}};
  slot.cpu_before = thread_cpu_time();  // from here on: the little that waiting takes counts too
  std::unique_lock lock{mutex_};
  while (true) {
    work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    take(slot);
    ++running_;
    lock.unlock();
    slot.flushes_seen = flushes_.load(std::memory_order_relaxed);
    slot.started = Clock::now();
    for (Assignment& assignment : slot.taken) compute(assignment, slot);
    slot.taken.clear();
    deliver(slot, true);
    lock.lock();
  }
}

// One assignment; of very short ones a few together, so that lock and clock cost little beside them. Few, as
// no other slot can have them should the first turn out to be long.
void ThreadBackend::take(Slot& slot) {
  constexpr double enough_seconds = 50e-6;
  constexpr std::size_t most = 8;
  double seconds = 0;
  for (std::size_t share = std::min(most, queue_.size() / (std::size_t{2} * options_.slots));; --share) {
    seconds += static_cast<double>(queue_.front().count) * slot.task_seconds;
    slot.taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
    queued_tasks_ -= slot.taken.back().count;
    if (share <= 1 || seconds >= enough_seconds) return;
  }
}

void ThreadBackend::compute(Assignment& assignment, Slot& slot) {
  BytesView descriptors = assignment.descriptors;
  Position next = assignment.first;
  const std::uint64_t end = next.value + assignment.count;

  while (next.value < end && !draining_.load(std::memory_order_relaxed)) {
    OutcomeBlock block;
    block.first = next;
    block.entries.reserve(std::min((end - next.value) * slot.entry_bytes, most_reserved_bytes));
    bool pause = false;
    while (next.value < end && !pause) {
      BytesView descriptor;
      if (!assignment.descriptors.empty()) take_sized(descriptors, descriptor);
      slot.context.next_task(assignment.order.id(next), assignment.attempt);
      const std::size_t entry_at = block.entries.size();
      job_.compute(descriptor, slot.context, block.entries);
      const bool succeeded = static_cast<Outcome>(block.entries[entry_at]) == Outcome::succeeded;
      if (!succeeded && stop_.stop_requested()) {
        block.entries.resize(entry_at);  // it was asked to stop: not an outcome, the task is given back
        break;
      }
      if (succeeded) ++block.succeeded;
      ++next.value;
      pause = pause_wanted(slot);
    }
    block.count = next.value - block.first.value;
    if (block.count == 0) return;
    slot.entry_bytes = block.entries.size() / block.count + 1;
    slot.done.push_back({assignment.lease, std::move(block), {}, {}});
    if (pause) deliver(slot, false);
  }
}

bool ThreadBackend::pause_wanted(Slot& slot) const {
  const std::uint64_t flushes = flushes_.load(std::memory_order_relaxed);
  return std::exchange(slot.flushes_seen, flushes) != flushes || draining_.load(std::memory_order_relaxed);
}

// `last`: the slot has nothing more to compute. The loop that is woken then knows it.
void ThreadBackend::deliver(Slot& slot, bool last) {
  share_out_time(slot);
  bool few_wait = false;
  {
    const std::scoped_lock lock{mutex_};
    for (Completion& completion : slot.done) completed_.push_back(std::move(completion));
    if (last) --running_;
    task_seconds_ = slot.task_seconds;
    few_wait = queue_.size() <= options_.slots / 2 + 1;
  }
  slot.done.clear();
  if (few_wait) waker_.wake();
}

// Of several completions each has its tasks' share of the time.
void ThreadBackend::share_out_time(Slot& slot) {
  std::uint64_t tasks = 0;
  for (const Completion& completion : slot.done) tasks += completion.block.count;
  if (tasks == 0) return;
  const TimePoint now = Clock::now();
  const Nanos cpu_now = thread_cpu_time();
  const double busy = static_cast<double>((now - slot.started).count()) / static_cast<double>(tasks);
  const double cpu = static_cast<double>((cpu_now - slot.cpu_before).count()) / static_cast<double>(tasks);
  for (Completion& completion : slot.done) {
    const auto count = static_cast<double>(completion.block.count);
    completion.busy = Nanos{static_cast<Nanos::rep>(busy * count)};
    completion.cpu = Nanos{static_cast<Nanos::rep>(cpu * count)};
  }
  slot.started = now;
  slot.cpu_before = cpu_now;
  slot.task_seconds = busy * 1e-9;
}

}  // namespace mpifarm

#include "compute/thread_backend.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace mpifarm {

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

void ThreadBackend::start(Assignment assignment) {
  {
    const std::scoped_lock lock{mutex_};
    queue_.push_back(std::move(assignment));
  }
  work_.notify_one();
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

bool ThreadBackend::starving() const {
  const std::scoped_lock lock{mutex_};
  return running_ + queue_.size() < options_.slots;
}

// The body of a computing thread. Nice values are per thread on Linux; a refusal costs nothing but promptness
// of the loop.
void ThreadBackend::serve() {
  const auto self = static_cast<id_t>(gettid());
  if (options_.nice != 0) setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + options_.nice);
  Context context{options_.seed, stop_.get_token(), &options_.log};
  std::unique_lock lock{mutex_};
  while (true) {
    work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Assignment assignment = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    compute(assignment, context);
    lock.lock();
    --running_;
  }
}

void ThreadBackend::compute(Assignment& assignment, Context& context) {
  std::uint64_t flushes_seen = flushes_.load(std::memory_order_relaxed);
  BytesView descriptors = assignment.descriptors;
  Position next = assignment.first;
  const std::uint64_t end = next.value + assignment.count;
  TimePoint started = Clock::now();
  Nanos cpu_before = thread_cpu_time();

  while (next.value < end && !draining_.load(std::memory_order_relaxed)) {
    OutcomeBlock block;
    block.first = next;
    bool pause = false;
    while (next.value < end && !pause) {
      BytesView descriptor;
      if (!assignment.descriptors.empty()) take_sized(descriptors, descriptor);
      context.next_task(assignment.order.id(next), assignment.attempt);
      const std::size_t entry_at = block.entries.size();
      job_.compute(descriptor, context, block.entries);
      const bool succeeded = static_cast<Outcome>(block.entries[entry_at]) == Outcome::succeeded;
      if (!succeeded && stop_.stop_requested()) {
        block.entries.resize(entry_at);  // it was asked to stop: not an outcome, the task is given back
        break;
      }
      if (succeeded) ++block.succeeded;
      ++next.value;
      pause = pause_wanted(flushes_seen);
    }
    block.count = next.value - block.first.value;
    if (block.count == 0) return;
    const TimePoint now = Clock::now();
    const Nanos cpu = thread_cpu_time();
    complete({assignment.lease, std::move(block), now - started, cpu - cpu_before});
    started = now;
    cpu_before = cpu;
  }
}

bool ThreadBackend::pause_wanted(std::uint64_t& flushes_seen) const {
  const std::uint64_t flushes = flushes_.load(std::memory_order_relaxed);
  return std::exchange(flushes_seen, flushes) != flushes || draining_.load(std::memory_order_relaxed);
}

void ThreadBackend::complete(Completion completion) {
  {
    const std::scoped_lock lock{mutex_};
    completed_.push_back(std::move(completion));
  }
  waker_.wake();
}

}  // namespace mpifarm

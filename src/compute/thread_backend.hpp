#pragma once
// Computes on threads of this process, one a slot.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/waker.hpp"
#include "compute/backend.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

struct ThreadBackendOptions {
  unsigned slots = 1;        // >= 1
  std::uint64_t seed = 0;    // of the tasks' random streams
  int nice = 0;              // added to the computing threads' nice value
  Context::LogFunction log;  // called by any slot
};

class ThreadBackend final : public Backend {
 public:
  // `job` and `waker` are borrowed and must outlive the backend.
  ThreadBackend(const AnyJob& job, Waker& waker, ThreadBackendOptions options);
  // Stops, and waits for running tasks.
  ~ThreadBackend() override;
  ThreadBackend(const ThreadBackend&) = delete;
  ThreadBackend& operator=(const ThreadBackend&) = delete;

  unsigned slots() const override { return options_.slots; }
  void start(std::vector<Assignment> assignments) override;
  void collect(std::vector<Completion>& completions) override;
  void flush() override;
  void drain() override;
  void stop() override;
  bool busy() const override;
  Nanos queue_lasts() const override;

 private:
  // One computing thread's own.
  struct Slot {
    explicit Slot(Context with) : context{std::move(with)} {}

    Context context;
    TimePoint started{};      // what is delivered next began then
    TimePoint cpu_read_at{};  // of the thread's CPU clock, which costs as much as a short task
    Nanos cpu_read{};
    bool read_cpu = false;  // nothing waits: the next delivery may be the last for long
    std::uint64_t flushes_seen = 0;
    std::size_t entry_bytes = 0;  // of late, a task
  };

  void close();
  void serve();
  Assignment take();
  Completion compute(Assignment& assignment, Slot& slot);
  bool pause_wanted(Slot& slot) const;
  void deliver(Slot& slot, Completion&& completion, bool last);
  static void take_time(Slot& slot, Completion& completion);

  const AnyJob& job_;
  Waker& waker_;
  ThreadBackendOptions options_;
  std::stop_source stop_;
  std::atomic<bool> draining_ = false;
  std::atomic<std::uint64_t> flushes_ = 0;

  mutable std::mutex mutex_;  // held for a few moves only, however many assignments come or go
  std::condition_variable work_;
  std::deque<std::vector<Assignment>> queue_;  // as they came; of the first, those before next_ are gone
  std::size_t next_ = 0;
  std::size_t queued_ = 0;  // assignments
  std::uint64_t queued_tasks_ = 0;
  double task_seconds_ = 0;  // of late
  std::vector<Completion> completed_;
  unsigned running_ = 0, sleeping_ = 0;  // threads
  bool closing_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace mpifarm

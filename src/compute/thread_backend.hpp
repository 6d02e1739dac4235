#pragma once
// Computes on threads of this process, one a slot.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/waker.hpp"
#include "compute/backend.hpp"
#include "compute/slot_cells.hpp"
#include "compute/task_time.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

struct ThreadBackendOptions {
  unsigned slots = 1;           // >= 1
  std::uint64_t seed = 0;       // of the tasks' random streams
  int nice = 0;                 // added to the computing threads' nice value
  Nanos timeout{};              // of a task, which is asked to stop then; 0: none
  Context::LogFunction log;     // called by any slot
  std::span<SlotCell> cells{};  // borrowed: where slots say what they compute; empty, or one for each
  FailureGate* gate = nullptr;  // borrowed; null: tasks begin whatever has failed
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
  // What flush() looks at: whether a slot's task has computed for too long.
  struct TimedSlot {
    std::stop_source stop;    // of the task that runs; under mutex_
    bool late = false;        // it was asked to stop for that; under mutex_
    std::uint64_t begun = 0;  // tasks, as last seen
    Nanos seen_at{};          // by awake_
  };
  // One computing thread's own.
  struct Slot {
    Context context;
    SlotCell& cell;
    TimedSlot& timed;
    TimePoint started{};      // what is delivered next began then
    TimePoint cpu_read_at{};  // of the thread's CPU clock, which costs as much as a short task
    Nanos cpu_read{};
    bool read_cpu = false;  // nothing waits: the next delivery may be the last for long
    std::uint64_t flushes_seen = 0;
    std::size_t entry_bytes = 0;  // of late, a task
  };

  void close();
  void serve(unsigned number);
  Assignment take();
  Completion compute(Assignment& assignment, Slot& slot);
  bool pause_wanted(Slot& slot) const;
  bool is_gate_open() const { return options_.gate == nullptr || options_.gate->is_open(); }
  void wait_for_gate() const;
  bool compute_one(BytesView descriptor, Slot& slot, OutcomeBlock& block);
  void meet_late_task(Slot& slot, OutcomeBlock& block, std::size_t entry_at);
  void stop_late_tasks();
  Context new_context(const TimedSlot& timed) const;
  void deliver(Slot& slot, Completion&& completion, bool last);
  static void take_time(Slot& slot, Completion& completion);

  const AnyJob& job_;
  Waker& waker_;
  ThreadBackendOptions options_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> draining_ = false;
  std::atomic<std::uint64_t> flushes_ = 0;

  mutable std::mutex mutex_;  // held for a few moves only, however many assignments come or go
  std::condition_variable work_;
  std::deque<std::vector<Assignment>> queue_;  // as they came; of the first, those before next_ are gone
  std::size_t next_ = 0;
  std::size_t queued_ = 0;  // assignments
  std::uint64_t queued_tasks_ = 0;
  TaskTime task_time_;
  std::vector<Completion> completed_;
  unsigned running_ = 0, sleeping_ = 0;  // threads
  bool closing_ = false;

  std::vector<SlotCell> own_cells_;
  std::vector<TimedSlot> timed_;  // by slot
  TimePoint last_flush_{};
  Nanos awake_{};  // time in which this process was not suspended
  std::vector<std::thread> threads_;
};

}  // namespace mpifarm

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
  void start(Assignment assignment) override;
  void collect(std::vector<Completion>& completions) override;
  void flush() override;
  void drain() override;
  void stop() override;
  bool busy() const override;
  bool starving() const override;

 private:
  void close();
  void serve();
  void compute(Assignment& assignment, Context& context);
  bool pause_wanted(std::uint64_t& flushes_seen) const;
  void complete(Completion completion);

  const AnyJob& job_;
  Waker& waker_;
  ThreadBackendOptions options_;
  std::stop_source stop_;
  std::atomic<bool> draining_ = false;
  std::atomic<std::uint64_t> flushes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Assignment> queue_;
  std::vector<Completion> completed_;
  unsigned running_ = 0;
  bool closing_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace mpifarm

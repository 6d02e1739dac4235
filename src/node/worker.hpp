#pragma once
// A worker: takes leases from the master, has its backend compute them, sends the outcomes. Rank 0 has one
// too.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/background.hpp"
#include "base/clock.hpp"
#include "base/waker.hpp"
#include "compute/backend.hpp"
#include "compute/helper.hpp"
#include "node/file_settler.hpp"
#include "node/jobs.hpp"
#include "transport/watched_transport.hpp"
#include "wire/messages.hpp"

namespace mpifarm {

// One thread, the loop's. It reacts; the loop decides when.
class Worker {
 public:
  // Borrows all; they must outlive it. Without a helper nothing can be isolated: all is computed on threads.
  Worker(Transport& transport, Waker& waker, const Jobs& jobs, Helper* helper = nullptr);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Throws CorruptData for a message that does not decode.
  void on_message(BytesView bytes);
  // Sends what has completed. True when something was sent.
  bool step(TimePoint now);

  bool finished() const { return finished_; }      // the master said so
  bool after_loss() const { return after_loss_; }  // and that some rank was lost
  // Something runs that its end would wait for.
  bool busy() const { return making_ || (backend_ && backend_->busy()); }
  // How often the master wants to hear of this rank, and how long it may itself be silent.
  Heartbeat heartbeat() const;
  // How long the slots have something to compute, about, by what waits for them.
  Nanos queue_lasts() const { return backend_ ? backend_->queue_lasts() : Nanos{0}; }

 private:
  void on(const wire::Setup& setup);
  void on(const wire::Begin& begin);
  void on(wire::Assign& assign);
  void on(const wire::Drain& drain);
  void on(const wire::Shutdown& shutdown);
  void on(const wire::Settle& settle);
  void on(const wire::GoOn& go_on);
  bool isolates_all() const { return setup_.isolation == wire::Isolation::all; }
  void start_settling();
  void make_job();
  JobRecipe recipe() const;
  JobFacts make_job_in_helper();
  std::unique_ptr<Backend> make_threads(unsigned slots);
  std::unique_ptr<Backend> make_processes(unsigned slots);
  Context::LogFunction log_function();
  void keep_log_line(wire::LogLine line);
  void say_hello();
  void send(const wire::ToMaster& message);
  bool send_log_lines();

  Transport& transport_;
  Waker& waker_;
  const Jobs& jobs_;
  Helper* helper_;
  wire::SetupDetails setup_;
  wire::Begin begin_;
  std::uint64_t run_ = 0;
  wire::HelloDetails hello_;
  std::mutex log_mutex_;
  std::vector<wire::LogLine> log_lines_;  // outlive the backend, whose tasks may log to their end
  FailureGate own_gate_;                  // without a helper
  FailureGate& gate_;
  std::uint64_t failures_ = 0;  // that were reported
  std::unique_ptr<AnyJob> job_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<FileSettler> settler_;
  std::vector<Completion> completions_;
  TimePoint last_flush_{}, last_report_{};
  bool draining_ = false;
  bool drained_ = false;  // and said so
  bool finished_ = false;
  bool after_loss_ = false;
  std::optional<Background> making_;  // of the job; uses what stands above
};

}  // namespace mpifarm

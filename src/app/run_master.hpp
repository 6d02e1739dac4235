#pragma once
// Rank 0 of a run: the master, a worker beside it, and what is left behind in the run directory.

#include <memory>

#include "app/output_stream.hpp"
#include "app/outputs.hpp"
#include "app/progress.hpp"
#include "app/run_plan.hpp"
#include "node/committer.hpp"
#include "node/loop.hpp"
#include "node/master.hpp"
#include "node/replay.hpp"
#include "node/worker.hpp"
#include "run/summary.hpp"

namespace mpifarm::app {

// One thread, the transport's.
class RunMaster {
 public:
  // All borrowed. `plan` says what to compute; the journal is opened here.
  RunMaster(WatchedTransport& transport, Helper& helper, const Jobs& jobs, RunPlan& plan,
            const StartOptions& start);
  RunMaster(const RunMaster&) = delete;
  RunMaster& operator=(const RunMaster&) = delete;

  // Computes until the run is complete or a signal came; writes the outputs. Returns the exit status.
  int run();
  Stopped stopped() const { return stopped_; }
  // After run(): a task or the source has not ended, though it was asked to; it would hold up the destructor.
  bool still_busy() { return worker_.busy() || !master_.close_source() || (stream_ && !stream_->finished()); }

 private:
  void refuse_rest_of_source() const;
  void replay_journal();
  void open_journal();
  void begin_redo(journal::Writer& journal);
  void import_suspects(journal::Writer& journal);
  void wait_for_everyone();
  void begin();
  void compute();
  std::uint64_t start_number() const;
  void settle_files();
  void follow_output(std::uint64_t start);
  void finish_stream();
  void hand_out();
  void on_signals(TimePoint now);
  void on_stop_request(TimePoint now);
  void on_failures(TimePoint now);
  void warn_of_failures();
  void stop(Stopped why, TimePoint now, Nanos grace);
  void on_time(TimePoint now);
  void report(TimePoint now);
  ProgressView view(TimePoint now) const;
  void post_status(TimePoint now);
  void record_spent();
  Failures failures() const;  // so far, while computing
  std::vector<std::string> lost_hosts() const;
  unsigned width() const { return plan_.manifest.slots_per_task; }  // of a task, in slots
  void watch_tail(TimePoint now);
  double tail_idle() const;
  void advise(const Summary& summary) const;
  journal::Spent spent() const;
  Summary summarise() const;

  WatchedTransport& transport_;
  Helper& helper_;
  RunPlan& plan_;
  StartOptions start_;
  std::string started_;
  Waker waker_;
  sched::Options scheduler_options_;
  sched::Scheduler scheduler_;
  std::unique_ptr<KeptFiles> kept_files_;  // used by the committer's thread
  std::unique_ptr<Outputs> outputs_;
  std::unique_ptr<Committer> committer_;
  std::optional<OutputStream> stream_;
  Master master_;
  Worker worker_;
  Pace pace_;
  Replayed earlier_;  // starts
  journal::Spent recorded_;
  std::optional<TimePoint> tail_began_;
  Nanos busy_before_tail_{};
  OutcomeTotals totals_;  // of everything committed, earlier starts included
  Halt halt_;
  bool halted_ = false;
  bool warned_of_failures_ = false;
  std::uint64_t failed_before_ = 0;  // in earlier starts
  int signals_ = 0;
  Stopped stopped_ = Stopped::no;
  Speed speed_;
  ProgressDisplay display_;
  TimePoint next_status_{};
};

}  // namespace mpifarm::app

#pragma once
// The master: checks who is there, drives the scheduler, moves its messages and records, and knows how the
// run went.

#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "node/allotment.hpp"
#include "node/committer.hpp"
#include "node/jobs.hpp"
#include "node/source_pump.hpp"
#include "sched/scheduler.hpp"
#include "transport/watched_transport.hpp"
#include "wire/messages.hpp"

namespace mpifarm {

struct MasterOptions {
  const JobType* type = nullptr;
  Bytes params;  // packed Job::Params
  TaskOrigin origin = TaskOrigin::job;
  std::uint64_t run_id = 0;
  std::uint64_t seed = 0;
  std::optional<int> nice{};    // added to the niceness of what computes; nothing: as is best
  Surroundings surroundings{};  // of the tasks
  wire::Isolation isolation = wire::Isolation::suspects;
  Nanos timeout{};                 // of a task; 0: none
  std::uint64_t memory_bytes = 0;  // that an isolated task may have; 0: no limit of ours
  std::filesystem::path run;       // the directory, which every rank must see
  bool durable = false;            // what tasks write there is to be on stable storage before they end
  bool waits_on_failure = false;   // ranks begin nothing after a failure before they are told to go on
  bool keeps_files = false;        // it is made durable each second, and by settle()
  AllotmentOptions allotment;
  Heartbeat heartbeat{};  // how often workers speak, and how long they wait for the master
};

// One worker as its hello described it.
struct WorkerFacts {
  std::string host;
  RankCores cores;
  unsigned slots = 0;
  int nice = 0;  // added to the niceness of what computes there
};

// What a live run looks like, for status and progress.
struct Progress {
  std::uint64_t known = 0, committed = 0, succeeded = 0, failed = 0, leased = 0, resumed = 0;
  bool source_open = false;
  double wall_seconds = 0;  // since the first hand-out
};

// One thread, the one of the transport.
class Master {
 public:
  // All are borrowed and must outlive it. `job`: the master's own instance. The scheduler has replayed what
  // earlier starts committed.
  Master(Transport& transport, Waker& waker, const AnyJob& job, sched::Scheduler& scheduler,
         MasterOptions options);

  // Sends Setup to every rank; the hellos come as messages. `mark`: a file that all must see; empty: none.
  void greet(const std::filesystem::path& mark = {});
  // Throws CorruptData for bytes that do not decode, BadInput for a rank that does not belong here.
  void on_message(int peer, BytesView bytes);
  // What it held goes to others; the transport has dropped it. Throws MachineryFailure for a rank that was
  // never heard, though its process may live: then the hosts do not reach each other.
  void on_lost(const Loss& loss);

  // True when every rank that is not lost has said hello, which it does when it has made its job.
  bool everyone_here() const;
  // Divides the cores. Throws BadInput when no rank would compute.
  void begin();
  // Lets the workers begin; from now on step() may be called. `source`: from the first task; null when it is
  // indexed. `run`: the directory, which is there now, and `number` of the start, from 1.
  void start(Committer& committer, std::unique_ptr<TaskSource> source, const std::filesystem::path& run = {},
             std::uint64_t number = 1);
  // One turn: pulls the source, takes what was committed, hands out, sends. True when something was done.
  bool step(TimePoint now);
  // No more hand-outs; running tasks may finish within `grace`, and are asked to stop when it is over. Called
  // again, it may shorten the grace.
  void drain(TimePoint now, Nanos grace);
  // Finished, or as far as it goes: drained, but for a task that heeds no stop; or the source has failed and
  // what it gave before has its outcome.
  bool over(TimePoint now) const;
  // Has every rank make durable what tasks have left in the run directory; a failure of that is thrown by
  // on_message, as a MachineryFailure.
  void settle();
  bool settled() const;
  // Ends the reading of the source. False when it does not end within half a second.
  bool close_source() { return !pump_ || pump_->close(); }
  // What the source threw; null when it did not.
  std::exception_ptr source_failure() const { return source_failure_; }
  // Nobody is left that computes.
  bool stranded() const;
  Progress progress(TimePoint now) const;
  const std::vector<WorkerFacts>& workers() const { return workers_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Where everything failed, while it did not elsewhere: they are given nothing more.
  const std::vector<std::string>& fenced_hosts() const { return fenced_hosts_; }
  TimePoint last_commit() const { return last_commit_; }
  // From the first hand-out to the last commit.
  Nanos wall() const { return first_hand_out_ ? last_commit_ - *first_hand_out_ : Nanos{0}; }

 private:
  void on(int peer, const wire::Hello& hello);
  void on(int peer, wire::Outcomes& outcomes);
  void on(int peer, const wire::Drained& drained);
  void on(int peer, const wire::LogLine& line);
  void on(int peer, const wire::Settled& settled);
  void check_source(const wire::Hello& hello, const wire::HelloDetails& details) const;
  int nice_of(bool fills_cores) const;
  bool pull_source();
  bool has_credit(TimePoint now);
  void send(int to, const wire::ToWorker& message);

  Transport& transport_;
  Waker& waker_;
  const AnyJob& job_;
  sched::Scheduler& scheduler_;
  MasterOptions options_;
  std::vector<std::uint64_t> sample_ids_, sample_keys_;

  std::vector<WorkerFacts> workers_;  // by rank
  std::vector<bool> here_;            // has said hello
  std::vector<bool> lost_;
  std::vector<bool> drained_;
  std::vector<bool> settled_;
  std::map<int, std::uint64_t> failures_;  // by rank: reported, and not answered yet
  std::vector<std::string> warnings_;
  std::set<std::string> warned_of_;  // kinds
  std::vector<std::string> hosts_, fenced_hosts_;
  Committer* committer_ = nullptr;
  std::unique_ptr<SourcePump> pump_;
  std::exception_ptr source_failure_;
  sched::Outbox outbox_;
  std::optional<TimePoint> first_hand_out_;
  TimePoint last_commit_{};
  bool fold_waits_ = false;  // for an earlier outcome, with much behind it
  Nanos fold_waited_{};      // so, in all
  TimePoint last_step_{};
  std::optional<TimePoint> drain_deadline_;
  std::optional<TimePoint> stop_deadline_;  // once running tasks were asked to stop
};

// The ids whose descriptors every rank compares: the first, the last and some between, the same for equal
// sizes.
std::vector<std::uint64_t> sample_ids(std::uint64_t size);

}  // namespace mpifarm

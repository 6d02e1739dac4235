#pragma once
// Decides who computes what. A pure state machine: no I/O, no clock, no threads. Events change its state and
// put messages and journal records into an Outbox; the same functions serve a live run, a replay of the
// journal, the tests and the simulator.
//
// It knows positions in hand-out order only. A position is, at any time, exactly one of: not yet known,
// fresh, waiting (to be handed out again), retrying (waiting for its time), leased, or accepted. An accepted
// outcome is committed when the journal says so.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/interval_set.hpp"
#include "base/order.hpp"
#include "journal/records.hpp"
#include "sched/batching.hpp"
#include "sched/durations.hpp"
#include "sched/host_watch.hpp"
#include "sched/lease_table.hpp"
#include "wire/messages.hpp"

namespace mpifarm::sched {

struct Options {
  bool sequential = false;
  std::uint64_t count = 0;  // indexed: tasks in all, of the shard
  OrderKind order = OrderKind::fifo;
  Shard shard{};
  std::uint64_t seed = 0;
  BatchingOptions batching;
  unsigned retries = 0;      // further attempts a failed task gets
  Nanos retry_delay{};       // before the first of them; doubles with each, and half of it may be added
  unsigned crash_limit = 1;  // a task that ended its process so often has failed for good
  bool copies = false;       // at the tail, idle slots race copies of what others take long with
  Nanos copy_age = std::chrono::milliseconds{500};  // so long a lease is out before, at least
  bool isolates_suspects = false;  // what was on a lost rank is not computed beside other tasks again
  std::uint64_t window =
      4096;  // sequential: tasks kept beyond those handed out, and the window of lifo and shuffle
  std::uint64_t most_ahead =
      ~std::uint64_t{0};  // positions that may be handed out ahead of the first without an outcome
};

using Rank = int;

struct Outbox {
  std::vector<std::pair<Rank, wire::ToWorker>> messages;
  std::vector<journal::Record> records;
};

// What one worker did in this start.
struct WorkerTally {
  unsigned slots = 0;
  bool lost = false;
  std::uint64_t tasks = 0;     // outcomes accepted from it
  std::uint64_t attempts = 0;  // outcomes received from it
  std::uint64_t failed_attempts = 0;
  Nanos busy{}, cpu{};
  Nanos wasted{};  // of busy: attempts that were retried, or came second
};

class Scheduler {
 public:
  explicit Scheduler(Options options);

  // ---- events of a start
  // `host`: the same small number for ranks of one host.
  void on_worker_joined(Rank rank, unsigned slots, std::size_t host = 0);
  void on_worker_lost(Rank rank, Outbox& out);
  // Tasks that were being computed when a process ended: from now on they are isolated.
  void on_suspects(const std::vector<Interval>& positions, Outbox& out);
  // Sequential sources: the next descriptors in order; `end`: there are no more. Writes a SourceItems record
  // unless they are known from an earlier start.
  void on_items(std::vector<Bytes> descriptors, bool end, Outbox& out);
  // Outcomes of leases that are no longer the worker's are dropped; a block that does not fit its lease
  // throws CorruptData.
  void on_outcomes(Rank rank, wire::Outcomes outcomes, TimePoint now, Outbox& out);
  void on_committed(std::uint64_t succeeded, std::uint64_t failed);
  // No more hand-outs. Leases are given back by their workers, or finished.
  void on_drain();
  // The worker gave back what it had not begun.
  void on_drained(Rank rank);
  // These have failed in earlier starts, which no longer counts; they have no outcome that was replayed.
  void on_redo(const std::vector<Interval>& positions);
  // A record of an earlier start, in journal order, before anything else happens.
  void on_replayed(const journal::Record& record);

  // Hands out what credit allows; `credit` is false while the journal is behind. Once per turn of the loop.
  void dispatch(TimePoint now, bool credit, Outbox& out);

  // ---- questions
  bool source_open() const { return !source_ended_; }
  // How many descriptors on_items may bring now; 0 while the window is full.
  std::uint64_t items_wanted() const;
  // Every task has its outcome on disk.
  bool finished() const { return source_ended_ && committed() == known_; }
  // All that is known and can be handed out has its outcome on disk.
  bool idle() const {
    return leases_.empty() && retries_.empty() && left_to_hand_out() == 0 && uncommitted() == 0;
  }
  bool draining() const { return draining_; }
  bool nothing_leased() const { return leases_.empty(); }
  // Every task has been handed out once.
  bool all_out() const { return source_ended_ && left_to_hand_out() == 0; }
  // How long what is being computed has been under way, over all slots, about.
  Nanos under_way(TimePoint now) const;
  // So long that nearly all tasks seen in this start took no longer; 0 while none was seen.
  Nanos likely_duration() const { return durations_.covering(0.95); }
  // The first task without an outcome is at a worker: what is to come in order waits for that worker.
  bool earliest_is_leased() const;
  // When something is due without an event (a delayed retry); nothing when there is no such time.
  std::optional<TimePoint> next_due() const;

  std::uint64_t known() const { return known_; }  // tasks known so far; all of them when the source has ended
  std::uint64_t committed() const { return succeeded_ + failed_; }
  std::uint64_t uncommitted() const { return accepted_.count() - committed(); }  // accepted, not yet on disk
  std::uint64_t succeeded() const { return succeeded_; }
  std::uint64_t failed() const { return failed_; }
  std::uint64_t failed_for_good() const { return failed_for_good_; }  // accepted, on disk or not
  std::uint64_t resumed() const { return resumed_; }                  // committed by earlier starts
  std::uint64_t leased() const;                                       // tasks at workers
  std::uint64_t leases_out() const { return leases_.size(); }
  std::size_t done_intervals() const { return accepted_.intervals().size(); }  // what the done set takes
  std::uint64_t stale() const { return stale_; }  // outcomes dropped because another had come first
  std::uint64_t replayed_attempts() const { return replayed_attempts_; }
  std::map<Rank, WorkerTally> tallies() const;
  // Hosts that were fenced since the last call: all attempts fail there, and elsewhere they do not.
  std::vector<std::size_t> take_fenced_hosts() { return hosts_.take_fenced(); }
  Order order() const;
  // The order of a complete run, which its journal suffices to know.
  Order final_order() const;

  // Throws std::logic_error naming the first invariant that does not hold. For tests: O(everything).
  void check_invariants() const;

 private:
  struct Worker {
    bool joined = false;
    bool wanting = false;  // in wanting_
    std::size_t host = 0;
    std::uint64_t outstanding = 0;
    std::vector<LeaseId> leases;
    TaskCost cost;
    WorkerTally tally;
    bool living() const { return joined && !tally.lost; }
  };

  // Attempts of a task that came to nothing.
  struct Failures {
    std::uint32_t failed = 0, crashed = 0;
    std::uint32_t attempts() const { return failed + crashed; }
  };

  void accept(OutcomeBlock&& block, Bytes&& descriptors, Outbox& out);
  void take_block(OutcomeBlock&& block, Bytes&& descriptors, WorkerTally& tally, TimePoint now, Outbox& out);
  void take_block_by_entry(const OutcomeBlock& block, BytesView descriptors, WorkerTally& tally,
                           TimePoint now, Outbox& out);
  bool is_final(Position position, Outcome outcome) const;
  void retry_later(Position position, BytesView descriptor, const OutcomeEntry& entry, TimePoint now,
                   Outbox& out);
  void isolate(const std::vector<Interval>& positions);
  Worker* living(Rank rank);
  void want(Rank rank, Worker& worker);
  void end_lease(LeaseId id, Worker& worker);
  void give_back(const Lease& lease);
  bool drop_copy(std::uint64_t position);
  void forget_failures(Interval positions);
  struct Straggler {
    LeaseId lease;
    std::uint64_t position = 0;
    bool running = false;  // else it waits behind another task of its lease
  };
  void race_stragglers(TimePoint now, Outbox& out);
  std::vector<Straggler> stragglers(TimePoint now, std::size_t most) const;
  void copy_to(Rank rank, const Straggler& straggler, TimePoint now, wire::Assign& assign);
  bool give_batch(Rank rank, Worker& worker, std::uint64_t most, TimePoint now, wire::Assign& assign);
  bool hand_out_to(Rank rank, Worker& worker, TimePoint now, wire::Assign& assign);
  std::optional<Interval> next_waiting(std::uint64_t most);
  std::optional<Interval> next_fresh(std::uint64_t most);
  std::uint64_t batch_end(Interval positions) const;
  Lease& add_lease(Rank rank, Worker& worker, Interval positions, TimePoint now, wire::Assign& assign);
  Bytes fresh_descriptors(Interval positions);
  void drop_used_items();
  Bytes kept_descriptors(Interval positions);
  std::uint64_t available_end() const;
  std::uint64_t left_to_hand_out() const;
  void check_positions() const;

  Options options_;
  std::uint64_t known_ = 0;
  bool source_ended_ = false;
  bool draining_ = false;

  IntervalSet accepted_;
  std::uint64_t fresh_ = 0;                     // positions below are not fresh
  IntervalSet waiting_;                         // given back, or failed and due again
  std::multimap<TimePoint, Position> retries_;  // failed, by the time they are due again
  std::map<Position, Failures> failures_;       // of tasks that are not accepted
  IntervalSet copied_;                          // not accepted, and in two leases
  TimePoint next_race_{};
  IntervalSet isolated_;     // to be computed in child processes
  std::deque<Bytes> items_;  // sequential: descriptors from task id items_begin_
  std::uint64_t items_begin_ = 0;
  std::map<Position, Bytes> kept_descriptors_;  // sequential: of waiting_ and retries_
  std::uint64_t known_keys_ = 0;                // sequential: items that earlier starts journaled
  bool end_recorded_ = false;                   // sequential: the journal knows the source's end

  LeaseTable leases_;
  std::vector<Worker> workers_;  // by rank
  std::vector<Rank> wanting_;    // living ones that may hold more than they do
  std::uint64_t slots_ = 0;
  HostWatch hosts_;
  TaskCost cost_;
  Durations durations_;

  std::uint64_t failed_for_good_ = 0;
  std::uint64_t succeeded_ = 0, failed_ = 0, resumed_ = 0, stale_ = 0, replayed_attempts_ = 0;
};

}  // namespace mpifarm::sched

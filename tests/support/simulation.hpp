#pragma once
// A master and simulated workers in one thread: the real scheduler, codec and loopback, random everything
// else. What a task's attempt comes to is a function of (seed, id, attempt), so the end is known beforehand.

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "sched/scheduler.hpp"
#include "transport/loopback.hpp"

namespace mpifarm::support {

// The tasks of a simulated run, and how each attempt ends.
struct SimulatedTasks {
  std::uint64_t seed = 0;
  std::uint64_t count = 0;
  bool sequential = false;
  unsigned retries = 0;
  double failure_rate = 0;
  std::set<std::uint64_t> poison;  // ids that end the process they are computed in

  Bytes descriptor(std::uint64_t id) const;
  bool fails(std::uint64_t id, std::uint32_t attempt) const;
  Bytes payload(std::uint64_t id, std::uint32_t attempt) const;  // a result or a message
  std::uint32_t last_attempt(std::uint64_t id) const;            // the one whose outcome counts
  Digest serial_digest() const;
};

// A worker that computes leases in a random interleaving. It answers late, and also after it was given up.
class SimulatedWorker {
 public:
  SimulatedWorker(const SimulatedTasks& tasks, Transport& transport, unsigned slots, std::mt19937_64& random);

  unsigned slots() const { return slots_; }
  void receive();  // one message, if there is one
  void compute();  // some tasks of some lease
  void send();     // what is computed, now and then what was said before once more
  bool has_news() const { return !news_.leases.empty(); }
  bool died() const { return died_; }
  bool drained() const { return draining_ && leases_.empty() && news_.leases.empty(); }

 private:
  struct Held {
    wire::Lease lease;
    Order order;
    std::size_t descriptors_taken = 0;  // bytes
  };

  void append_outcome(Held& held, OutcomeBlock& block);

  const SimulatedTasks& tasks_;
  Transport& transport_;
  unsigned slots_;
  std::mt19937_64& random_;
  std::deque<Held> leases_;
  wire::Outcomes news_;
  std::vector<wire::LeaseOutcomes> ended_;  // last answers to leases that have ended
  bool draining_ = false;
  bool died_ = false;  // of a task
};

struct SimulationOptions {
  SimulatedTasks tasks;
  sched::Options scheduler;
  int workers = 1;         // 1 to 8, at first
  bool losses = false;     // workers are lost, new ones join
  unsigned restarts = 0;   // the master dies so often, and a new one replays the journal
  double no_credit = 0.1;  // how often the journal is behind
};

// One run from the first start to the end. Throws std::logic_error saying what went wrong.
class Simulation {
 public:
  Simulation(const SimulationOptions& options, std::uint64_t seed);

  void run();
  // Of the whole run, restarts included.
  const std::vector<journal::Record>& journal() const { return journal_; }
  const sched::Scheduler& scheduler() const { return *scheduler_; }
  std::uint64_t stale() const { return stale_; }
  std::uint64_t steps() const { return steps_; }

 private:
  bool chance(double probability);
  void start_master();
  void restart();
  void join();
  void lose_one();
  void lose_dead(int rank);
  void step();
  void master_event();
  void receive();
  void pull_items();
  void commit_some();
  void take(sched::Outbox& out);
  void check_assign(const wire::Assign& assign) const;
  void check_end() const;
  void check_crashes(const Order& order) const;

  SimulationOptions options_;
  std::mt19937_64 random_;
  std::unique_ptr<sched::Scheduler> scheduler_;
  std::unique_ptr<LoopbackWorld> world_;
  std::unique_ptr<Transport> master_;
  std::vector<std::unique_ptr<Transport>> ends_;
  std::map<int, SimulatedWorker> workers_;  // by rank; lost ones too, they go on talking
  std::vector<int> living_;
  std::size_t died_ = 0;  // workers of this start, of a task
  int next_rank_ = 1;
  std::uint64_t pulled_ = 0;  // items of the source
  TimePoint now_{};
  std::vector<journal::Record> journal_;
  std::size_t committed_ = 0;  // records of journal_ that are on disk
  unsigned restarts_left_ = 0;
  std::uint64_t stale_ = 0, steps_ = 0;
};

}  // namespace mpifarm::support

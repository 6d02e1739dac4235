#pragma once
// A virtual cluster: the real Scheduler hands out to simulated workers over a simulated network, in virtual
// time. README.md beside this says what is in the model and what is not.

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

#include "base/backoff.hpp"
#include "sched/scheduler.hpp"
#include "sim/durations.hpp"
#include "sim/master_cost.hpp"

namespace mpifarm::sim {

struct ClusterOptions {
  std::uint32_t nodes = 1;  // one rank each
  std::uint32_t slots = 1;  // of each
  std::uint64_t count = 1;  // tasks
  Durations durations;
  std::uint64_t seed = 0;
  double latency_seconds = 5e-6;    // of a message
  double bytes_per_second = 1e9;    // into and out of rank 0
  std::uint64_t result_bytes = 16;  // a task
  MasterCost cost;
  bool journal = true;
  sched::BatchingOptions batching;
};

struct Report {
  double makespan_seconds = 0;  // from the first hand-out to the last commit
  double work_seconds = 0;      // of all tasks
  double bound_seconds = 0;     // no schedule is shorter: max(work / slots, longest)
  double efficiency = 0;        // bound / makespan, which is work / (slots * makespan) but for a longest task
  double master_busy = 0;       // share of the makespan that rank 0's loop was busy
  double committer_busy = 0;
  std::uint64_t messages = 0, leases = 0;
  std::uint64_t most_leases = 0;     // out at once
  std::uint64_t most_intervals = 0;  // of the set of tasks that are done
  std::uint64_t master_bytes = 0;    // about what these take at most, in rank 0
};

// A function of its options. Throws BadInput when the run would take more than a hundred years,
// std::logic_error when tasks are lost, which would be a fault.
class Cluster {
 public:
  explicit Cluster(const ClusterOptions& options);
  Report run();

 private:
  using Time = std::int64_t;  // nanoseconds since the start
  static constexpr Time never = std::numeric_limits<Time>::max();
  struct Event {
    Time at;
    std::uint32_t what;                         // index of the lease, or the node
    std::uint8_t kind;                          // of EventKind
    bool operator<(const Event& other) const {  // for a heap whose top is the earliest
      return std::tie(at, kind, what) > std::tie(other.at, other.kind, other.what);
    }
  };
  struct Running {
    std::uint32_t node = 0;
    wire::LeaseOutcomes outcome;
  };
  struct Node {
    std::deque<wire::Lease> queue;
    std::uint32_t idle_slots = 0;
    wire::Outcomes done;
    Time report_at = never;  // when `done` is sent
    std::uint64_t queued_tasks = 0;
    double task_seconds = 0;  // of late
    Time last_report = 0, loop_free = 0;
  };
  struct Arrival {
    Time at;
    std::uint32_t node;
    wire::Outcomes outcomes;
  };
  struct Delivery {
    Time at;
    std::uint32_t node;
    wire::Assign assign;
  };

  void on_event(const Event& event);
  void start_leases(std::uint32_t node);
  void on_lease_done(std::uint32_t index);
  void report(std::uint32_t node);
  void turn();
  void wake_master(Time arrival);
  void commit(std::uint64_t tasks);
  Time transfer(Time& link_free, std::uint64_t bytes);
  void schedule(Time at, std::uint8_t kind, std::uint32_t what);
  Report finish() const;

  ClusterOptions options_;
  sched::Scheduler scheduler_;
  std::vector<Node> nodes_;
  std::priority_queue<Event> events_;
  std::vector<Running> running_;  // of the leases that compute, by index
  std::vector<std::uint32_t> free_;
  std::deque<Arrival> inbox_;                           // of rank 0, in the order of arrival
  std::deque<Delivery> outbox_;                         // on their way to nodes, likewise
  std::deque<std::pair<Time, std::uint64_t>> commits_;  // when they end, and of how many tasks
  sched::Outbox out_;

  Time now_ = 0;
  Time master_free_ = 0, committer_free_ = 0, in_free_ = 0, out_free_ = 0;
  Time turn_at_ = never;  // of the master's next turn
  std::uint64_t backlog_bytes_ = 0;
  double work_ = 0;  // seconds
  Time longest_ = 0, master_busy_ = 0, committer_busy_ = 0, last_commit_ = 0;
  Report report_;
};

inline Report simulate(const ClusterOptions& options) { return Cluster{options}.run(); }

// The shortest mean of the durations, from a microsecond to three hours, at which efficiency is `wanted`
// times what it would be with a master and a network that cost nothing, all else being equal; nothing when it
// is not, whatever the mean. Simulates several times, with at most `tasks_per_slot` tasks a slot.
inline constexpr double least_mean = 1e-6;  // seconds; nothing shorter is tried
std::optional<double> shortest_mean(ClusterOptions options, double wanted, std::uint64_t tasks_per_slot = 16);

}  // namespace mpifarm::sim

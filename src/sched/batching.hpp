#pragma once
// How many tasks go out at once: pure arithmetic on what has been seen so far.

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace mpifarm::sched {

// What the user fixed; nothing means automatic.
struct BatchingOptions {
  std::optional<std::uint64_t> batch;                // tasks in a batch, >= 1
  std::optional<std::uint64_t> prefetch;             // tasks a worker holds beyond those its slots compute
  Nanos batch_lasts = std::chrono::milliseconds{2};  // of slot time, about, where `batch` is automatic
};

// Running estimates of what a task costs.
class TaskCost {
 public:
  // `tasks` outcomes took `busy` slot time and `bytes` of entries.
  void observe(std::uint64_t tasks, Nanos busy, std::uint64_t bytes);

  bool known() const { return tasks_ > 0; }
  double seconds() const { return seconds_; }  // of slot time a task, > 0
  double bytes() const { return bytes_; }      // of descriptor and result, a task

 private:
  double tasks_ = 0;  // seen
  double seconds_ = 0, bytes_ = 0;
};

struct HandOut {
  std::uint64_t batch = 1;  // tasks a lease
  std::uint64_t hold = 1;   // tasks a worker may hold
};

// `cost`: of a task at this worker; `speed`: of this worker's slots beside the average of all; `left`: tasks
// that nobody has yet; `slots_here`, `slots_all`: of this worker, of all; >= 1.
HandOut hand_out(const BatchingOptions& options, const TaskCost& cost, std::uint64_t left,
                 std::uint64_t slots_here, std::uint64_t slots_all, double speed = 1);

// How long a worker may let pass between two reports of what has completed: a part of the time that its queue
// keeps it busy, 0 while nothing waits. So many slots make few messages, and none starves.
Nanos report_interval(Nanos queue_lasts);

}  // namespace mpifarm::sched

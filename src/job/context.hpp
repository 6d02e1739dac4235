#pragma once
// What a task may ask of the farm while it computes.

#include <functional>
#include <stop_token>
#include <string_view>

#include "base/ids.hpp"
#include "base/random.hpp"

namespace mpifarm {

// Made for one attempt of one task, on the thread that computes it; not to be kept beyond `compute`.
class Context {
 public:
  using LogFunction = std::function<void(TaskId, std::string_view)>;

  // `log` is borrowed and may be null.
  Context(std::uint64_t seed, std::stop_token stop, const LogFunction* log)
      : seed_{seed}, stop_{std::move(stop)}, log_{log} {}

  TaskId id() const { return id_; }
  unsigned attempt() const { return attempt_; }  // from 1
  // A random stream that depends on --seed and the task's id alone: equal on every layout, and in every
  // attempt.
  Random random() const { return {seed_, id_.value}; }
  std::uint64_t seed() const { return seed_; }
  // Asked to stop early: the run is ending, or the task's time is over. A long task that looks at it from
  // time to time can be stopped without being lost; it should throw.
  bool stop_requested() const { return stop_.stop_requested(); }
  const std::stop_token& stop_token() const { return stop_; }
  // A line for the run's log.
  void log(std::string_view text) const {
    if (log_ != nullptr && *log_) (*log_)(id_, text);
  }

  // For backends: the next task computed with this context.
  void next_task(TaskId id, unsigned attempt) {
    id_ = id;
    attempt_ = attempt;
  }

 private:
  std::uint64_t seed_;
  std::stop_token stop_;
  const LogFunction* log_;
  TaskId id_;
  unsigned attempt_ = 1;
};

}  // namespace mpifarm

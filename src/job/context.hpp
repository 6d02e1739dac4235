#pragma once
// What a task may ask of the farm while it computes.

#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/random.hpp"

namespace mpifarm {

// Where an isolated task computes.
struct Place {
  std::string run_directory{};  // absolute; empty when it is not told
  std::uint64_t start = 0;      // of the run, from 1
  std::uint32_t rank = 0;
  std::uint32_t slot = 0;  // from 0, of all slots of this run on this host
  bool durable = false;    // what is written there is on stable storage before the task ends
  Nanos time_limit{};      // of a task, which an isolated job heeds by itself; 0: none

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& run_directory& start& rank& slot& durable& time_limit;
  }
};

// Made for one attempt of one task, on the thread that computes it; not to be kept beyond `compute`.
class Context {
 public:
  // `kind` is empty for a line of the log, and names what a warning is about.
  using LogFunction = std::function<void(TaskId, std::string_view text, std::string_view kind)>;

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
  bool stop_requested() const {
    return stop_.stop_requested() || (stopping_ != nullptr && stopping_->load(std::memory_order_relaxed));
  }
  const std::stop_token& stop_token() const { return stop_; }
  // A line for the run's log.
  void log(std::string_view text) const {
    if (log_ != nullptr && *log_) (*log_)(id_, text, {});
  }
  // Warns whoever watches the run: the first warning of each `kind` is shown, further ones are lines of the
  // log. `kind` is a few words, and not empty.
  void warn(std::string_view kind, std::string_view text) const {
    if (log_ != nullptr && *log_) (*log_)(id_, text, kind);
  }

  // Of an isolated task; else as it is by default.
  const Place& place() const { return place_; }

  // A task that waits says so now and then, that what its process holds back meanwhile is not held up.
  void waiting() const {
    if (on_waiting_ != nullptr && *on_waiting_) (*on_waiting_)();
  }

  // For backends: the next task computed with this context.
  void next_task(TaskId id, unsigned attempt) {
    id_ = id;
    attempt_ = attempt;
  }
  void be_at(Place place) { place_ = std::move(place); }
  // `stopping` is borrowed: another word that asks to stop.
  void heed(const std::atomic<bool>& stopping) { stopping_ = &stopping; }
  // `on_waiting` is borrowed.
  void when_waiting(const std::function<void()>& on_waiting) { on_waiting_ = &on_waiting; }

 private:
  std::uint64_t seed_;
  std::stop_token stop_;
  const LogFunction* log_;
  const std::atomic<bool>* stopping_ = nullptr;
  const std::function<void()>* on_waiting_ = nullptr;
  TaskId id_;
  unsigned attempt_ = 1;
  Place place_;
};

}  // namespace mpifarm

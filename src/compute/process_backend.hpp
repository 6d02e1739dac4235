#pragma once
// Computes in child processes, one a slot: a task that crashes, loops or eats memory costs a child, not the
// rank.

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/waker.hpp"
#include "compute/backend.hpp"
#include "compute/helper.hpp"
#include "compute/task_time.hpp"

namespace mpifarm {

struct ProcessBackendOptions {
  unsigned slots = 1;        // 1 to most_slots
  Place place{};             // of the first slot
  int nice = 0;              // added to the niceness of children
  Nanos timeout{};           // of a task; 0: none
  Nanos time_to_stop{};      // that tasks have, when asked to stop, before their children are ended
  Context::LogFunction log;  // called by a thread of the backend
  // A packed task for people, or empty when it cannot be told.
  std::function<std::string(BytesView descriptor)> describe;
  // Called first, by the thread of the backend: has the helper make its job. What it throws is a failure of
  // the backend. Empty: the helper has it.
  std::function<void()> prepare;
};

// A task that does not end in time has the outcome timed_out, one whose child dies crashed: the message says
// how, and which task it was. A child that dies between tasks, or is ended by stop(), costs no outcome.
class ProcessBackend final : public Backend {
 public:
  // `helper` and `waker` are borrowed and must outlive the backend.
  ProcessBackend(Helper& helper, Waker& waker, ProcessBackendOptions options);
  // Stops; the children end with their tasks.
  ~ProcessBackend() override;
  ProcessBackend(const ProcessBackend&) = delete;
  ProcessBackend& operator=(const ProcessBackend&) = delete;

  unsigned slots() const override { return options_.slots; }
  void start(std::vector<Assignment> assignments) override;
  // Throws ProcessLost when the helper has ended or cannot start children, MachineryFailure when what a task
  // of an isolated job stood on has failed.
  void collect(std::vector<Completion>& completions) override;
  void flush() override {}  // children report every millisecond by themselves
  void drain() override;
  void stop() override;
  bool busy() const override;
  Nanos queue_lasts() const override;

 private:
  // Why a task has no result of its own.
  struct Verdict {
    Position position;
    Outcome outcome = Outcome::crashed;
    std::string message;
    Nanos busy{};
  };
  struct Work {
    Assignment assignment;
    std::uint64_t done = 0;          // of its tasks
    std::optional<Verdict> verdict;  // of one of the others, whose turn has not come
    bool one_by_one = false;         // a child died of one of them, and nobody knows which
    bool finished() const { return done == assignment.count; }
    Position next() const { return {assignment.first.value + done}; }
  };
  // One child's place. The courier's alone.
  struct Slot {
    enum class State : std::uint8_t { empty, starting, idle, computing, ending };
    State state = State::empty;
    FrameSocket child;
    std::optional<Work> work;
    bool given = false;                 // the child has it
    std::uint64_t begun = 0;            // tasks, as last seen
    std::uint64_t failures = 0;         // that its children have reported, ever
    Nanos seen_at{};                    // by awake_
    TimePoint since{};                  // what it has not reported began then
    std::optional<std::uint64_t> late;  // the task that takes too long, by `begun`
    bool kill_sent = false;             // for being late
    bool broken = false;                // it said what it should not: nothing of it is believed
  };

  void carry();
  bool is_over();
  void wait();
  void hear_helper();
  void on(const helper::Made&) {}  // there is no second one
  void on(helper::Spawned& spawned);
  void on(helper::Ended& ended);
  bool hear(Slot& slot);
  void on(Slot& slot, helper::Part& part);
  void on(Slot& slot, helper::LogText& line);
  void on(Slot& slot, helper::CannotGoOn& failure);
  void judge(Slot& slot, int wait_status, bool is_late);
  void look_at_time();
  void end_child(Slot& slot);
  bool belongs(const Slot& slot, const helper::Part& part) const;
  void on_spawn_failure(int error);
  void feed();
  bool stopping_now() const;
  bool is_time_to_end() const;
  void take_work(Slot& slot);
  void apply_verdict(Slot& slot);
  void give(Slot& slot);
  void finish(Slot& slot);
  bool let_go();
  void deliver(Completion&& completion);
  void fail(const std::string& why);
  void wake_courier() const;
  const SlotCell& cell_of(const Slot& slot) const;

  Helper& helper_;
  Waker& waker_;
  ProcessBackendOptions options_;
  FileDescriptor wake_;  // an eventfd

  mutable std::mutex mutex_;
  std::deque<Work> queue_;
  std::uint64_t queued_tasks_ = 0;
  TaskTime task_time_;
  std::vector<Completion> completed_;
  unsigned working_ = 0;  // slots with work
  std::string failure_;
  bool machinery_failed_ = false;  // what a child needed; else a process is lost
  std::optional<TimePoint> closing_since_, stopping_since_;

  std::optional<TimePoint> spawns_fail_since_;
  TimePoint next_spawn_{};
  std::vector<Slot> slots_;
  TimePoint last_turn_{};
  Nanos awake_{};  // time in which this process was not suspended
  std::thread courier_;
};

}  // namespace mpifarm

#include "compute/child.hpp"

#include <sys/resource.h>

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/pack.hpp"

namespace mpifarm::helper {
namespace {

constexpr auto report_interval = std::chrono::milliseconds{1};  // what is not reported is lost in a crash
constexpr std::size_t most_report_bytes = 64 << 10;
constexpr auto gate_look = std::chrono::milliseconds{1};

// Of this process's tasks, with the processes that they have waited for.
Nanos cpu_time() {
  rusage children{};
  getrusage(RUSAGE_CHILDREN, &children);
  const auto nanos = [](const timeval& time) {
    return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
  };
  return thread_cpu_time() + nanos(children.ru_utime) + nanos(children.ru_stime);
}

class Child {
 public:
  Child(FrameSocket& rank, const AnyJob& job, const ChildOptions& options, const Place& place, SlotCell& cell,
        SlotCells& cells)
      : rank_{rank},
        job_{job},
        cell_{cell},
        draining_{cells.draining},
        gate_{cells.gate},
        log_{[this](TaskId task, std::string_view text, std::string_view kind) {
          say(LogText{task, std::string{text}, std::string{kind}});
        }},
        context_{options.seed, std::stop_token{}, &log_} {
    context_.be_at(place);
    context_.heed(cells.stopping);
    context_.when_waiting(on_waiting_);
  }

  // False when the rank is gone, or this child cannot go on.
  bool compute(const Assignment& assignment) {
    reported_ = Clock::now();
    cpu_ = cpu_time();
    lease_ = assignment.lease;
    block_ = {.first = assignment.first, .count = 0, .succeeded = 0, .entries = {}};
    BytesView descriptors = assignment.descriptors;
    for (std::uint64_t i = 0; i < assignment.count && !draining_.load(std::memory_order_relaxed); ++i) {
      if (!gate_.is_open() && !wait_for_gate()) break;
      const Position position{assignment.first.value + i};
      BytesView descriptor;
      if (!assignment.descriptors.empty()) take_sized(descriptors, descriptor);
      try {
        compute_one(position, assignment, descriptor);
      } catch (const Interrupted&) {
        report(false);
        return false;
      } catch (const MachineryFailure& failure) {
        report(false);
        say(CannotGoOn{failure.what()});
        return false;
      }
      const bool due =
          block_.entries.size() >= most_report_bytes || Clock::now() - reported_ >= report_interval;
      if (due && i + 1 < assignment.count && !report(false)) return false;
    }
    return report(true);
  }

 private:
  void compute_one(Position position, const Assignment& assignment, BytesView descriptor) {
    const TaskId id = assignment.order.id(position);
    cell_.descriptor_bytes = 0;
    cell_.running.store(position.value + 1, std::memory_order_relaxed);
    cell_.begun.fetch_add(1, std::memory_order_release);
    if (assignment.descriptors.empty()) {
      job_.make_task(id, made_);
      descriptor = made_;
    }
    cell_.describe(descriptor);
    context_.next_task(id, assignment.attempt);
    entry_at_ = block_.entries.size();
    job_.compute(descriptor, context_, block_.entries);
    cell_.running.store(0, std::memory_order_release);
    ++block_.count;
    if (static_cast<Outcome>(block_.entries[entry_at_]) == Outcome::succeeded) {
      ++block_.succeeded;
    } else {
      ++cell_.failures;  // first: a failure that nobody can take back would close the gate for ever
      gate_.on_failure();
    }
  }

  // Reports what there is, for the answer may wait for that. False when nothing more is to be computed.
  bool wait_for_gate() {
    if (block_.count > 0 && !report(false)) return false;
    while (!gate_.is_open() && !draining_.load(std::memory_order_relaxed))
      std::this_thread::sleep_for(gate_look);
    return gate_.is_open();
  }

  bool report(bool last) {
    const TimePoint now = Clock::now();
    const Nanos cpu = cpu_time();
    const Position next{block_.first.value + block_.count};
    const Part part{{lease_, std::exchange(block_, {}), now - std::exchange(reported_, now),
                     cpu - std::exchange(cpu_, cpu)},
                    last};
    block_.first = next;
    entry_at_ = 0;
    return say(part);
  }

  bool say(const FromChild& words) {
    rank_.put(pack(words));
    return rank_.flush(Wait::yes);
  }

  FrameSocket& rank_;
  const AnyJob& job_;
  SlotCell& cell_;
  const std::atomic<bool>& draining_;
  FailureGate& gate_;
  Context::LogFunction log_;
  Context context_;
  std::function<void()> on_waiting_{[this] {
    if (block_.count > 0) report(false);
  }};
  LeaseId lease_{};
  OutcomeBlock block_;        // not yet reported
  std::size_t entry_at_ = 0;  // where in it the entry of the task that runs begins
  Bytes made_;
  TimePoint reported_{};
  Nanos cpu_{};
};

}  // namespace

void compute_for(FrameSocket& rank, const AnyJob& job, const ChildOptions& options, const Place& place,
                 SlotCell& cell, SlotCells& cells) {
  Child child{rank, job, options, place, cell, cells};
  while (rank.fill(Wait::yes) != Filled::closed)
    for (Bytes frame; rank.next(frame);)
      if (!child.compute(unpack<Assignment>(frame))) return;
}

}  // namespace mpifarm::helper

#include "compute/child.hpp"

#include <utility>

#include "base/error.hpp"
#include "base/pack.hpp"

namespace mpifarm::helper {
namespace {

constexpr auto report_interval = std::chrono::milliseconds{1};  // what is not reported is lost in a crash
constexpr std::size_t most_report_bytes = 64 << 10;

class Child {
 public:
  Child(FrameSocket& rank, const AnyJob& job, const ChildOptions& options, const Place& place, SlotCell& cell,
        const SlotCells& cells)
      : rank_{rank},
        job_{job},
        cell_{cell},
        draining_{cells.draining},
        log_{[this](TaskId task, std::string_view text) {
          say(LogText{task, std::string{text}});
        }},
        context_{options.seed, std::stop_token{}, &log_} {
    context_.be_at(place);
    context_.heed(cells.stopping);
  }

  // False when the rank is gone, or this child cannot go on.
  bool compute(const Assignment& assignment) {
    reported_ = Clock::now();
    cpu_ = thread_cpu_time();
    BytesView descriptors = assignment.descriptors;
    OutcomeBlock block{.first = assignment.first, .count = 0, .succeeded = 0, .entries = {}};
    for (std::uint64_t i = 0; i < assignment.count && !draining_.load(std::memory_order_relaxed); ++i) {
      const Position position{assignment.first.value + i};
      BytesView descriptor;
      if (!assignment.descriptors.empty()) take_sized(descriptors, descriptor);
      try {
        compute_one(position, assignment, descriptor, block);
      } catch (const Interrupted&) {
        report(assignment.lease, block, false);
        return false;
      } catch (const MachineryFailure& failure) {
        report(assignment.lease, block, false);
        say(CannotGoOn{failure.what()});
        return false;
      }
      const bool due =
          block.entries.size() >= most_report_bytes || Clock::now() - reported_ >= report_interval;
      if (due && i + 1 < assignment.count && !report(assignment.lease, block, false)) return false;
    }
    return report(assignment.lease, block, true);
  }

 private:
  void compute_one(Position position, const Assignment& assignment, BytesView descriptor,
                   OutcomeBlock& block) {
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
    const std::size_t entry_at = block.entries.size();
    job_.compute(descriptor, context_, block.entries);
    cell_.running.store(0, std::memory_order_release);
    ++block.count;
    if (static_cast<Outcome>(block.entries[entry_at]) == Outcome::succeeded) ++block.succeeded;
  }

  bool report(LeaseId lease, OutcomeBlock& block, bool last) {
    const TimePoint now = Clock::now();
    const Nanos cpu = thread_cpu_time();
    const Position next{block.first.value + block.count};
    const Part part{{lease, std::exchange(block, {}), now - std::exchange(reported_, now),
                     cpu - std::exchange(cpu_, cpu)},
                    last};
    block.first = next;
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
  Context::LogFunction log_;
  Context context_;
  Bytes made_;
  TimePoint reported_{};
  Nanos cpu_{};
};

}  // namespace

void compute_for(FrameSocket& rank, const AnyJob& job, const ChildOptions& options, const Place& place,
                 SlotCell& cell, const SlotCells& cells) {
  Child child{rank, job, options, place, cell, cells};
  while (rank.fill(Wait::yes) != Filled::closed)
    for (Bytes frame; rank.next(frame);)
      if (!child.compute(unpack<Assignment>(frame))) return;
}

}  // namespace mpifarm::helper

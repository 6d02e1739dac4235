// Process backend: what is given to which slot.

#include <algorithm>
#include <utility>

#include "base/pack.hpp"
#include "compute/process_backend.hpp"

namespace mpifarm {

// Gives every slot that can compute something to do, and takes from those whose work is not to go on.
void ProcessBackend::feed() {
  const bool ends_children = is_time_to_end(), draining = helper_.cells().draining;
  for (Slot& slot : slots_) {
    if (ends_children && slot.state == Slot::State::computing) end_child(slot);
    if (slot.state != Slot::State::empty && slot.state != Slot::State::idle) continue;
    if (slot.work) apply_verdict(slot);
    if (slot.work && draining) finish(slot);
    if (!slot.work) take_work(slot);
    if (!slot.work) continue;
    if (slot.state == Slot::State::idle) {
      give(slot);
    } else if (!spawns_fail_since_ || Clock::now() >= next_spawn_) {
      const auto number = static_cast<std::uint32_t>(&slot - slots_.data());
      Place place = options_.place;
      place.slot += number;
      helper_.send(helper::Spawn{number, std::move(place), options_.nice});
      slot.state = Slot::State::starting;
    }
  }
}

bool ProcessBackend::is_time_to_end() const {
  const std::scoped_lock lock{mutex_};
  return stopping_since_ && Clock::now() - *stopping_since_ >= options_.time_to_stop;
}

bool ProcessBackend::stopping_now() const {
  const std::scoped_lock lock{mutex_};
  return stopping_since_.has_value();
}

void ProcessBackend::take_work(Slot& slot) {
  const std::scoped_lock lock{mutex_};
  if (queue_.empty()) return;
  slot.work = std::move(queue_.front());
  queue_.pop_front();
  queued_tasks_ -= slot.work->assignment.count;
  ++working_;
}

// Once it is the judged task's turn.
void ProcessBackend::apply_verdict(Slot& slot) {
  Work& work = *slot.work;
  if (!work.verdict || work.verdict->position != work.next()) return;
  Completion completion{work.assignment.lease,
                        {.first = work.next(), .count = 1, .succeeded = 0, .entries = {}},
                        work.verdict->busy,
                        {}};
  append_entry(completion.block.entries, work.verdict->outcome, work.verdict->message);
  work.verdict.reset();
  ++work.done;
  helper_.cells().gate.on_failure();
  deliver(std::move(completion));
  if (work.finished()) finish(slot);
}

void ProcessBackend::give(Slot& slot) {
  const Work& work = *slot.work;
  std::uint64_t end = work.one_by_one ? work.done + 1 : work.assignment.count;
  if (work.verdict) end = std::min(end, work.verdict->position.value - work.assignment.first.value);
  slot.child.put(pack(part_of(work.assignment, work.done, end)));
  slot.given = true;
  slot.late.reset();
  slot.since = Clock::now();
  slot.state = Slot::State::computing;
  if (!slot.child.flush(Wait::no)) end_child(slot);
  slot.begun = cell_of(slot).begun.load();
  slot.seen_at = awake_;
}

void ProcessBackend::finish(Slot& slot) {
  slot.work.reset();
  bool few_wait = false;
  {
    const std::scoped_lock lock{mutex_};
    --working_;
    few_wait = queue_.size() <= options_.slots / 2 + 1;
  }
  if (few_wait) waker_.wake();
}

}  // namespace mpifarm

// Scheduler: which positions go to which worker.

#include <algorithm>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>

#include "sched/scheduler.hpp"

namespace mpifarm::sched {
namespace {

constexpr auto race_interval = std::chrono::milliseconds{20};
constexpr std::uint64_t most_reserved = 1024;  // leases of a message that are made room for at once

}  // namespace

std::uint64_t Scheduler::available_end() const {
  if (!options_.sequential) return known_;
  const bool whole_windows = options_.order != OrderKind::fifo && !source_ended_;
  return whole_windows ? known_ / options_.window * options_.window : known_;
}

std::uint64_t Scheduler::left_to_hand_out() const {
  const std::uint64_t end = available_end();
  return waiting_.count() + (end > fresh_ ? end - fresh_ : 0);
}

std::uint64_t Scheduler::items_wanted() const {
  if (!options_.sequential || source_ended_) return 0;
  const std::uint64_t kept = known_ - std::min(fresh_, known_);
  const std::uint64_t most = std::max(2 * options_.window, 16 * slots_);  // fewer would look like the tail
  return kept >= most ? 0 : most - kept;
}

void Scheduler::dispatch(TimePoint now, bool credit, Outbox& out) {
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const std::uint64_t position = retries_.begin()->second.value;
    waiting_.insert({position, position + 1});
    retries_.erase(retries_.begin());
  }
  if (draining_ || !credit) return;
  if (left_to_hand_out() == 0) return race_stragglers(now, out);

  // The emptiest worker first, so that few tasks reach all of them.
  const auto load = [this](Rank rank) {
    const Worker& worker = workers_[static_cast<std::size_t>(rank)];
    return static_cast<double>(worker.outstanding) / worker.tally.slots;
  };
  std::ranges::sort(wanting_, [&](Rank a, Rank b) { return std::pair{load(a), a} < std::pair{load(b), b}; });
  std::erase_if(wanting_, [&](Rank rank) {
    if (left_to_hand_out() == 0) return false;
    Worker& worker = workers_[static_cast<std::size_t>(rank)];
    wire::Assign assign{order(), {}};
    if (hosts_.is_barred(worker.host)) {
      if (hosts_.wants_probe(worker.host) && give_batch(rank, worker, 1, now, assign)) {
        hosts_.on_probe(worker.host);
        out.messages.emplace_back(rank, std::move(assign));
      }
      return false;
    }
    const bool full = hand_out_to(rank, worker, now, assign);
    if (!assign.leases.empty()) out.messages.emplace_back(rank, std::move(assign));
    worker.wanting = !full;
    return full;
  });
}

// True when it holds all that it may.
bool Scheduler::hand_out_to(Rank rank, Worker& worker, TimePoint now, wire::Assign& assign) {
  const unsigned slots = worker.tally.slots;
  const TaskCost& cost = worker.cost.known() ? worker.cost : cost_;
  const double speed = cost_.known() ? cost_.seconds() / cost.seconds() : 1;
  while (true) {
    const HandOut limits = hand_out(options_.batching, cost, left_to_hand_out(), slots, slots_, speed);
    // A slot without a lease is given one, whatever the others hold: that may be stuck behind one long task.
    const bool holds_enough = worker.outstanding >= limits.hold;
    if (holds_enough && worker.leases.size() >= slots) return true;
    const std::uint64_t wanted = holds_enough ? limits.batch : limits.hold - worker.outstanding;
    const std::uint64_t most = std::min(limits.batch, wanted);
    if (assign.leases.empty())
      assign.leases.reserve(std::min(std::min(wanted, left_to_hand_out()) / most + 1, most_reserved));
    if (!give_batch(rank, worker, most, now, assign)) return false;
  }
}

// False when there is nothing to give.
bool Scheduler::give_batch(Rank rank, Worker& worker, std::uint64_t most, TimePoint now,
                           wire::Assign& assign) {
  if (const auto waiting = next_waiting(most)) {
    Lease& lease = add_lease(rank, worker, *waiting, now, assign);
    if (options_.sequential)
      lease.descriptors = assign.leases.back().descriptors = kept_descriptors(*waiting);
    return true;
  }
  const auto fresh = next_fresh(most);
  if (!fresh) return false;
  Lease& lease = add_lease(rank, worker, *fresh, now, assign);
  if (options_.sequential) lease.descriptors = assign.leases.back().descriptors = fresh_descriptors(*fresh);
  return true;
}

// A task that has failed before goes alone, since an attempt number belongs to a whole lease; and a lease is
// isolated or not.
std::uint64_t Scheduler::batch_end(Interval positions) const {
  std::uint64_t end = positions.end;
  if (const auto failed = failures_.lower_bound({positions.begin}); failed != failures_.end())
    end = std::min(end, std::max(failed->first.value, positions.begin + 1));
  if (!isolated_.empty()) end = isolated_.same_end({positions.begin, end});
  return end;
}

std::optional<Interval> Scheduler::next_waiting(std::uint64_t most) {
  if (waiting_.empty()) return std::nullopt;
  Interval positions = waiting_.take_front(most);
  const std::uint64_t end = batch_end(positions);
  waiting_.insert({end, positions.end});
  positions.end = end;
  return positions;
}

std::optional<Interval> Scheduler::next_fresh(std::uint64_t most) {
  const std::uint64_t end = available_end();
  const auto missing = accepted_.first_missing({fresh_, end});
  if (!missing) {
    fresh_ = std::max(fresh_, end);
    drop_used_items();
    return std::nullopt;
  }
  std::uint64_t limit = std::min(missing->end, missing->begin + most);
  if (options_.most_ahead != ~std::uint64_t{0}) {
    const std::uint64_t first_open = accepted_.first_missing({0, end})->begin;
    limit = std::min(limit, first_open + options_.most_ahead);
    if (limit <= missing->begin) return std::nullopt;
  }
  const Interval positions{missing->begin, batch_end({missing->begin, limit})};
  fresh_ = positions.end;
  return positions;
}

// Everything is written where it is to stay: a million small leases a second are moved nowhere. The caller
// adds the descriptors.
Lease& Scheduler::add_lease(Rank rank, Worker& worker, Interval positions, TimePoint now,
                            wire::Assign& assign) {
  const auto added = leases_.add();
  const LeaseId id = added.first;
  Lease& lease = added.second;
  wire::Lease& message = assign.leases.emplace_back();
  message.id = id;
  message.first = {positions.begin};
  message.count = positions.size();
  if (const auto failed = failures_.find({positions.begin}); failed != failures_.end())
    message.attempt = failed->second.attempts() + 1;
  message.isolated = !isolated_.empty() && isolated_.contains(positions.begin);
  lease.rank = rank;
  lease.left = positions;
  lease.attempt = message.attempt;
  lease.copy = false;
  lease.given = now;
  lease.place = static_cast<std::uint32_t>(worker.leases.size());
  worker.leases.push_back(id);
  worker.outstanding += positions.size();
  return lease;
}

Bytes Scheduler::fresh_descriptors(Interval positions) {
  const Order order = this->order();
  Bytes descriptors;
  for (std::uint64_t position = positions.begin; position < positions.end; ++position) {
    const Bytes item = std::move(items_[order.index({position}) - items_begin_]);
    if (descriptors.empty()) descriptors.reserve(positions.size() * (item.size() + 2));
    append_sized(descriptors, item);
  }
  drop_used_items();
  return descriptors;
}

// Those that every position below fresh_ maps to.
void Scheduler::drop_used_items() {
  const std::uint64_t window = options_.order == OrderKind::fifo ? 1 : options_.window;
  for (const std::uint64_t used = fresh_ / window * window; items_begin_ < used && !items_.empty();
       ++items_begin_)
    items_.pop_front();
}

Bytes Scheduler::kept_descriptors(Interval positions) {
  Bytes descriptors;
  for (std::uint64_t position = positions.begin; position < positions.end; ++position) {
    const auto kept = kept_descriptors_.find({position});
    append_sized(descriptors, kept->second);
    kept_descriptors_.erase(kept);
  }
  return descriptors;
}

// Nothing is left to hand out: slots without a lease take copies of tasks that others do not come to an end
// with, first of those that have not begun. Whoever is first counts; nobody is stopped.
void Scheduler::race_stragglers(TimePoint now, Outbox& out) {
  if (!options_.copies || !cost_.known() || now < next_race_) return;
  next_race_ = now + race_interval;
  std::vector<std::pair<Rank, std::size_t>> idle;  // and how many slots have no lease
  std::size_t slots = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& worker = workers_[i];
    if (!worker.living() || hosts_.is_barred(worker.host) || worker.leases.size() >= worker.tally.slots)
      continue;
    idle.emplace_back(static_cast<Rank>(i), worker.tally.slots - worker.leases.size());
    slots += idle.back().second;
  }
  if (slots == 0) return;
  std::map<Rank, wire::Assign> assigns;
  for (const Straggler& straggler : stragglers(now, slots)) {
    const Rank holder = leases_.find(straggler.lease)->rank;
    const auto taker = std::ranges::find_if(idle, [&](const auto& candidate) {
      return candidate.second > 0 && (!straggler.running || candidate.first != holder);
    });
    if (taker == idle.end()) continue;
    --taker->second;
    auto [assign, added] = assigns.try_emplace(taker->first, wire::Assign{order(), {}});
    copy_to(taker->first, straggler, now, assign->second);
  }
  for (auto& [rank, assign] : assigns) out.messages.emplace_back(rank, std::move(assign));
}

std::vector<Scheduler::Straggler> Scheduler::stragglers(TimePoint now, std::size_t most) const {
  constexpr double long_for_a_task = 3;  // times the usual
  const Nanos age =
      std::max(options_.copy_age, std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{
                                      long_for_a_task * std::min(cost_.seconds(), 1e6)}));
  std::vector<Straggler> waiting, running;
  const auto is_free = [this](std::uint64_t position) {
    return !accepted_.contains(position) && !copied_.contains(position);
  };
  leases_.for_each([&](LeaseId id, const Lease& lease) {
    if (lease.copy || now - lease.given < age || isolated_.contains(lease.left.begin)) return;
    for (std::uint64_t at = lease.left.end; at-- > lease.left.begin + 1 && waiting.size() < most;)
      if (is_free(at)) waiting.push_back({id, at, false});
    if (running.size() < most && is_free(lease.left.begin)) running.push_back({id, lease.left.begin, true});
  });
  std::ranges::move(running, std::back_inserter(waiting));
  return waiting;
}

void Scheduler::copy_to(Rank rank, const Straggler& straggler, TimePoint now, wire::Assign& assign) {
  const Interval task{straggler.position, straggler.position + 1};
  Bytes descriptor;
  const Lease& original = *leases_.find(straggler.lease);
  const std::uint32_t attempt = original.attempt;
  if (options_.sequential) {
    BytesView rest = original.descriptors, one;
    for (std::uint64_t at = original.left.begin; at <= straggler.position; ++at) take_sized(rest, one);
    append_sized(descriptor, one);
  }
  Lease& copy = add_lease(rank, workers_[static_cast<std::size_t>(rank)], task, now, assign);
  copy.copy = true;
  copy.attempt = assign.leases.back().attempt = attempt;
  copy.descriptors = assign.leases.back().descriptors = descriptor;
  copied_.insert(task);
}

void Scheduler::check_invariants() const {
  const auto require = [](bool holds, const char* invariant) {
    if (!holds) throw std::logic_error{std::string{"scheduler: "} + invariant};
  };
  std::vector<std::uint64_t> owed(workers_.size());
  leases_.for_each([&](LeaseId id, const Lease& lease) {
    require(lease.left.size() > 0, "a lease that owes nothing is kept");
    const auto rank = static_cast<std::size_t>(lease.rank);
    require(rank < workers_.size() && workers_[rank].living() && lease.place < workers_[rank].leases.size() &&
                workers_[rank].leases[lease.place] == id,
            "a lease is held by nobody");
    owed[rank] += lease.left.size();
  });
  for (std::size_t rank = 0; rank < workers_.size(); ++rank) {
    require(workers_[rank].outstanding == owed[rank],
            "a worker's outstanding tasks are not what its leases owe");
    const auto wanting = std::ranges::count(wanting_, static_cast<Rank>(rank));
    require(wanting == (workers_[rank].wanting ? 1 : 0) && (wanting == 0 || workers_[rank].living()),
            "the list of those that want is wrong");
  }
  require(committed() <= accepted_.count(), "more is committed than accepted");
  require(!finished() || accepted_.count() == known_, "finished with something left");
  for (const auto& [position, failures] : failures_)
    require(!accepted_.contains(position.value), "failures are kept of a task with an outcome");
  check_positions();
}

// Every known position is in exactly one place.
void Scheduler::check_positions() const {
  std::map<std::uint64_t, int> seen;
  const auto mark = [&](Interval positions) {
    for (std::uint64_t position = positions.begin; position < positions.end; ++position) ++seen[position];
  };
  for (const auto& [begin, end] : accepted_.intervals()) mark({begin, end});
  for (const auto& [begin, end] : waiting_.intervals()) mark({begin, end});
  for (const auto& [due, position] : retries_) mark({position.value, position.value + 1});
  // What is accepted may still be computed by the one who was not first.
  leases_.for_each([&](LeaseId, const Lease& lease) { accepted_.for_each_missing(lease.left, mark); });
  accepted_.for_each_missing({fresh_, known_}, mark);
  for (std::uint64_t position = 0; position < known_; ++position)
    if (seen[position] != (copied_.contains(position) ? 2 : 1))
      throw std::logic_error{"scheduler: position " + std::to_string(position) + " is in " +
                             std::to_string(seen[position]) + " places"};
}

}  // namespace mpifarm::sched

#include "sched/scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/random.hpp"

namespace mpifarm::sched {
namespace {

BytesView take_descriptor(BytesView& descriptors) {
  BytesView descriptor;
  if (!take_sized(descriptors, descriptor))
    throw std::logic_error{"a lease has fewer descriptors than tasks"};
  return descriptor;
}

// Takes the first `count` descriptors off the front, as they stand.
Bytes split_descriptors(Bytes& descriptors, std::uint64_t count) {
  if (descriptors.empty()) return {};
  BytesView rest = descriptors;
  for (; count > 0; --count) take_descriptor(rest);
  if (rest.empty()) return std::exchange(descriptors, {});
  Bytes front = descriptors.substr(0, descriptors.size() - rest.size());
  descriptors.erase(0, front.size());
  return front;
}

}  // namespace

Scheduler::Scheduler(Options options) : options_{options} {
  if (!options_.sequential) {
    known_ = options_.count;
    source_ended_ = true;
  }
}

Nanos Scheduler::under_way(TimePoint now) const {
  Nanos sum{};
  for (const Worker& worker : workers_)
    for (std::size_t i = 0; i < std::min<std::size_t>(worker.leases.size(), worker.tally.slots); ++i)
      sum += now - leases_.find(worker.leases[i])->given;
  return sum;
}

Order Scheduler::order() const {
  if (!options_.sequential) return {options_.order, options_.count, options_.seed, 0, options_.shard};
  return {options_.order, source_ended_ ? known_ : Order::unknown_count, options_.seed, options_.window,
          options_.shard};
}

Order Scheduler::final_order() const { return order().with_count(committed()); }

Scheduler::Worker* Scheduler::living(Rank rank) {
  const auto index = static_cast<std::size_t>(rank);
  return index < workers_.size() && workers_[index].living() ? &workers_[index] : nullptr;
}

void Scheduler::want(Rank rank, Worker& worker) {
  if (!std::exchange(worker.wanting, true)) wanting_.push_back(rank);
}

void Scheduler::on_worker_joined(Rank rank, unsigned slots, std::size_t host) {
  const auto index = static_cast<std::size_t>(rank);
  if (index >= workers_.size()) workers_.resize(index + 1);
  Worker& worker = workers_[index];
  if (worker.joined) throw std::logic_error{"rank " + std::to_string(rank) + " joins twice"};
  worker.joined = true;
  worker.tally.slots = slots;
  worker.host = host;
  hosts_.on_joined(host, slots);
  slots_ += slots;
  if (slots > 0) want(rank, worker);
}

void Scheduler::on_worker_lost(Rank rank, Outbox& out) {
  Worker* worker = living(rank);
  if (worker == nullptr) return;
  if (options_.isolates_suspects) {
    std::vector<Interval> held;
    for (const LeaseId id : worker->leases) held.push_back(leases_.find(id)->left);
    on_suspects(held, out);
  }
  on_drained(rank);
  slots_ -= worker->tally.slots;
  hosts_.on_lost(worker->host, worker->tally.slots);
  worker->tally.lost = true;
  if (std::exchange(worker->wanting, false)) std::erase(wanting_, rank);
}

void Scheduler::on_suspects(const std::vector<Interval>& positions, Outbox& out) {
  if (positions.empty()) return;
  isolate(positions);
  out.records.emplace_back(journal::Suspects{positions});
}

void Scheduler::isolate(const std::vector<Interval>& positions) {
  for (const Interval& interval : positions) isolated_.insert(interval);
}

void Scheduler::on_drain() { draining_ = true; }

void Scheduler::on_drained(Rank rank) {
  Worker* worker = living(rank);
  if (worker == nullptr) return;  // lost before it said so
  for (const LeaseId id : worker->leases) {
    give_back(*leases_.find(id));
    leases_.remove(id);
  }
  worker->leases.clear();
  worker->outstanding = 0;
  if (worker->tally.slots > 0) want(rank, *worker);
}

// In constant time: the worker's last lease takes its place in the list.
void Scheduler::end_lease(LeaseId id, Worker& worker) {
  const std::uint32_t place = leases_.find(id)->place;
  worker.leases[place] = worker.leases.back();
  leases_.find(worker.leases[place])->place = place;
  worker.leases.pop_back();
  leases_.remove(id);
}

void Scheduler::give_back(const Lease& lease) {
  BytesView descriptors = lease.descriptors;
  for (std::uint64_t position = lease.left.begin; options_.sequential && position < lease.left.end;
       ++position) {
    const BytesView descriptor = take_descriptor(descriptors);
    if (!accepted_.contains(position) && !copied_.contains(position))
      kept_descriptors_[{position}] = descriptor;
  }
  accepted_.for_each_missing(lease.left, [this](Interval positions) {
    if (!copied_.intersects(positions)) return waiting_.insert(positions);
    for (std::uint64_t position = positions.begin; position < positions.end; ++position)
      if (!drop_copy(position)) waiting_.insert({position, position + 1});
  });
}

void Scheduler::on_items(std::vector<Bytes> descriptors, bool end, Outbox& out) {
  journal::SourceItems record{{known_}, {}, end};
  record.keys.reserve(descriptors.size());
  for (Bytes& descriptor : descriptors) {
    if (known_ >= known_keys_) record.keys.push_back(hash64(descriptor));
    items_.push_back(std::move(descriptor));
    ++known_;
  }
  record.first.value = known_ - record.keys.size();
  source_ended_ = source_ended_ || end;
  if (!record.keys.empty() || (end && !end_recorded_)) out.records.emplace_back(std::move(record));
  end_recorded_ = end_recorded_ || end;
}

void Scheduler::on_outcomes(Rank rank, wire::Outcomes outcomes, TimePoint now, Outbox& out) {
  Worker* worker = living(rank);
  if (worker == nullptr) return;  // fenced: what it still says counts no more
  WorkerTally& tally = worker->tally;
  std::uint64_t tasks = 0, succeeded = 0, bytes = 0;
  Nanos busy{};
  for (wire::LeaseOutcomes& part : outcomes.leases) {
    const std::uint64_t count = part.block.count;
    Lease* lease = leases_.find(part.lease);
    if (lease == nullptr || lease->rank != rank) {
      stale_ += count;
      continue;
    }
    if (part.block.first.value != lease->left.begin || count > lease->left.size() ||
        part.block.succeeded > count)
      throw CorruptData{"rank " + std::to_string(rank) + " answers tasks that it does not hold"};

    Bytes descriptors = split_descriptors(lease->descriptors, count);
    tasks += count;
    succeeded += part.block.succeeded;
    bytes += part.block.entries.size() + descriptors.size();
    busy += part.busy;
    durations_.observe(count, part.busy);
    tally.attempts += count;
    tally.failed_attempts += count - part.block.succeeded;
    tally.cpu += part.cpu;
    worker->outstanding -= count;
    const std::uint64_t taken = tally.tasks;
    take_block(std::move(part.block), std::move(descriptors), tally, now, out);
    if (const std::uint64_t in_vain = count - (tally.tasks - taken); in_vain > 0)
      tally.wasted += part.busy * static_cast<Nanos::rep>(in_vain) / static_cast<Nanos::rep>(count);
    lease->left.begin += count;
    if (lease->left.size() == 0) end_lease(part.lease, *worker);
  }
  tally.busy += busy;
  hosts_.on_attempts(worker->host, succeeded, tasks - succeeded);
  cost_.observe(tasks, busy, bytes);
  worker->cost.observe(tasks, busy, bytes);
  if (tally.slots > 0) want(rank, *worker);
}

void Scheduler::take_block(OutcomeBlock&& block, Bytes&& descriptors, WorkerTally& tally, TimePoint now,
                           Outbox& out) {
  const bool may_retry = block.succeeded != block.count &&
                         (options_.retries > 0 || options_.crash_limit > 1 || !copied_.empty());
  if (may_retry || !accepted_.insert_new({block.first.value, block.first.value + block.count})) {
    take_block_by_entry(block, descriptors, tally, now, out);
    return;
  }
  tally.tasks += block.count;
  accept(std::move(block), std::move(descriptors), out);
}

void Scheduler::take_block_by_entry(const OutcomeBlock& block, BytesView descriptors, WorkerTally& tally,
                                    TimePoint now, Outbox& out) {
  BytesView entries = block.entries;
  for (std::uint64_t i = 0; i < block.count; ++i) {
    const Position position{block.first.value + i};
    const OutcomeEntry entry = take_entry(entries);
    const BytesView descriptor = options_.sequential ? take_descriptor(descriptors) : BytesView{};
    const bool succeeded = entry.outcome == Outcome::succeeded;
    if (accepted_.contains(position.value) || (!succeeded && drop_copy(position.value))) {
      ++stale_;  // or another lease still has it
    } else if (!is_final(position, entry.outcome)) {
      retry_later(position, descriptor, entry, now, out);
    } else {
      Bytes single, single_descriptor;
      append_entry(single, entry.outcome, entry.payload);
      if (options_.sequential) append_sized(single_descriptor, descriptor);
      ++tally.tasks;
      accepted_.insert({position.value, position.value + 1});
      accept({position, 1, entry.outcome == Outcome::succeeded ? 1U : 0U, std::move(single)},
             std::move(single_descriptor), out);
    }
  }
}

// Of positions that are in accepted_ already. What continues the last record joins it while that is small, so
// that many short leases make few records.
void Scheduler::accept(OutcomeBlock&& block, Bytes&& descriptors, Outbox& out) {
  constexpr std::size_t small_bytes = 4096;
  failed_for_good_ += block.count - block.succeeded;
  forget_failures({block.first.value, block.first.value + block.count});
  copied_.erase({block.first.value, block.first.value + block.count});
  auto* last = out.records.empty() ? nullptr : std::get_if<journal::Outcomes>(&out.records.back());
  if (last != nullptr && last->block.first.value + last->block.count == block.first.value &&
      last->block.entries.size() + last->descriptors.size() + block.entries.size() + descriptors.size() <=
          small_bytes) {
    last->block.count += block.count;
    last->block.succeeded += block.succeeded;
    last->block.entries += block.entries;
    last->descriptors += descriptors;
    return;
  }
  out.records.emplace_back(journal::Outcomes{std::move(block), std::move(descriptors)});
}

// One of the two leases that have the task is through with it, without an outcome that counts. False when
// there is but one.
bool Scheduler::drop_copy(std::uint64_t position) {
  if (!copied_.contains(position)) return false;
  copied_.erase({position, position + 1});
  return true;
}

void Scheduler::forget_failures(Interval positions) {
  if (failures_.empty()) return;
  failures_.erase(failures_.lower_bound({positions.begin}), failures_.lower_bound({positions.end}));
}

bool Scheduler::is_final(Position position, Outcome outcome) const {
  if (outcome == Outcome::succeeded) return true;
  const auto known = failures_.find(position);
  const Failures before = known == failures_.end() ? Failures{} : known->second;
  return outcome == Outcome::crashed ? before.crashed + 1 >= options_.crash_limit
                                     : before.failed >= options_.retries;
}

// The delays of tasks that failed together differ, so that what they failed on is not met by all at once
// again.
void Scheduler::retry_later(Position position, BytesView descriptor, const OutcomeEntry& entry, TimePoint now,
                            Outbox& out) {
  Failures& failures = failures_[position];
  if (options_.sequential) kept_descriptors_[position] = descriptor;
  const std::string message{failure_message(entry.payload)};
  if (entry.outcome == Outcome::crashed) {
    out.records.emplace_back(journal::CrashedAttempt{position, ++failures.crashed, message});
    isolate({{position.value, position.value + 1}});
    retries_.emplace(now, position);
    return;
  }
  out.records.emplace_back(journal::FailedAttempt{position, ++failures.failed, message});
  const double doubled = std::ldexp(1.0, static_cast<int>(std::min(failures.failed - 1, 20U)));
  const double jitter = 1 + Random{options_.seed + failures.failed, position.value}.uniform() / 2;
  retries_.emplace(now + std::chrono::duration_cast<Nanos>(options_.retry_delay * (doubled * jitter)),
                   position);
}

void Scheduler::on_committed(std::uint64_t succeeded, std::uint64_t failed) {
  succeeded_ += succeeded;
  failed_ += failed;
}

void Scheduler::on_replayed(const journal::Record& record) {
  if (const auto* outcomes = std::get_if<journal::Outcomes>(&record)) {
    const OutcomeBlock& block = outcomes->block;
    const Interval positions{block.first.value, block.first.value + block.count};
    if (!accepted_.insert_new(positions))
      throw CorruptData{"a task near position " + std::to_string(positions.begin) + " has two outcomes"};
    forget_failures(positions);
    failed_for_good_ += block.count - block.succeeded;
    on_committed(block.succeeded, block.count - block.succeeded);
    resumed_ += block.count;
    replayed_attempts_ += block.count;
  } else if (const auto* failed = std::get_if<journal::FailedAttempt>(&record)) {
    failures_[failed->position].failed = failed->attempt;
    ++replayed_attempts_;
  } else if (const auto* crashed = std::get_if<journal::CrashedAttempt>(&record)) {
    failures_[crashed->position].crashed = crashed->crashes;
    isolate({{crashed->position.value, crashed->position.value + 1}});
    ++replayed_attempts_;
  } else if (const auto* suspects = std::get_if<journal::Suspects>(&record)) {
    isolate(suspects->positions);
  } else if (const auto* redo = std::get_if<journal::Redo>(&record)) {
    on_redo(redo->positions);
  } else if (const auto* items = std::get_if<journal::SourceItems>(&record)) {
    known_keys_ = items->first.value + items->keys.size();
    end_recorded_ = end_recorded_ || items->end;
  }
}

void Scheduler::on_redo(const std::vector<Interval>& positions) {
  for (const Interval& interval : positions) forget_failures(interval);
}

bool Scheduler::earliest_is_leased() const {
  const auto missing = accepted_.first_missing({0, fresh_});
  if (!missing || waiting_.contains(missing->begin)) return false;
  return std::ranges::none_of(retries_,
                              [&](const auto& retry) { return retry.second.value == missing->begin; });
}

std::uint64_t Scheduler::leased() const {
  std::uint64_t tasks = 0;
  for (const Worker& worker : workers_) tasks += worker.outstanding;
  return tasks;
}

std::map<Rank, WorkerTally> Scheduler::tallies() const {
  std::map<Rank, WorkerTally> tallies;
  for (std::size_t i = 0; i < workers_.size(); ++i)
    if (workers_[i].joined) tallies.emplace(static_cast<Rank>(i), workers_[i].tally);
  return tallies;
}

std::optional<TimePoint> Scheduler::next_due() const {
  if (retries_.empty()) return std::nullopt;
  return retries_.begin()->first;
}

}  // namespace mpifarm::sched

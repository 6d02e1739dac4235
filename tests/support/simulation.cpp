#include "support/simulation.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "wire/codec.hpp"

namespace mpifarm::support {
namespace {

constexpr int most_ranks = 100;  // one after the other
constexpr std::size_t most_living = 8;
constexpr std::uint64_t most_steps = 200'000;

void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error{what};
}

std::string task_text(std::uint64_t id) { return "task " + std::to_string(id); }

BytesView take_sized(BytesView& rest) {
  std::uint64_t size = 0;
  require(take_varint(rest, size) && size <= rest.size(), "descriptors end early");
  const BytesView taken = rest.substr(0, size);
  rest.remove_prefix(size);
  return taken;
}

}  // namespace

Bytes SimulatedTasks::descriptor(std::uint64_t id) const {
  return task_text(id) + std::string(hash64(task_text(id), seed) % 150, '.');
}

bool SimulatedTasks::fails(std::uint64_t id, std::uint32_t attempt) const {
  if (poison.contains(id)) return true;
  const std::uint64_t draw = hash64(task_text(id) + '/' + std::to_string(attempt), seed) % 1000;
  return static_cast<double>(draw) < failure_rate * 1000;
}

Bytes SimulatedTasks::payload(std::uint64_t id, std::uint32_t attempt) const {
  if (poison.contains(id)) return "crashed";
  if (fails(id, attempt)) return "attempt " + std::to_string(attempt) + " of " + task_text(id);
  return task_text(id) + std::string(id % 200, '!');
}

std::uint32_t SimulatedTasks::last_attempt(std::uint64_t id) const {
  std::uint32_t attempt = 1;
  if (poison.contains(id)) return attempt;
  while (attempt <= retries && fails(id, attempt)) ++attempt;
  return attempt;
}

Digest SimulatedTasks::serial_digest() const {
  Digest digest;
  for (std::uint64_t id = 0; id < count; ++id) {
    const std::uint32_t attempt = last_attempt(id);
    if (fails(id, attempt))
      digest.add_failure(id);
    else
      digest.add_success(id, payload(id, attempt));
  }
  return digest;
}

// ---- the worker

SimulatedWorker::SimulatedWorker(const SimulatedTasks& tasks, Transport& transport, unsigned slots,
                                 std::mt19937_64& random)
    : tasks_{tasks}, transport_{transport}, slots_{slots}, random_{random} {}

void SimulatedWorker::receive() {
  const auto envelope = transport_.receive();
  if (!envelope) return;
  wire::ToWorker message = wire::decode_to_worker(envelope->bytes);
  if (std::holds_alternative<wire::Drain>(message)) {
    draining_ = true;
    leases_.clear();
  } else if (auto* assign = std::get_if<wire::Assign>(&message); assign != nullptr && !draining_) {
    for (wire::Lease& lease : assign->leases) leases_.push_back({std::move(lease), assign->order});
  }
}

void SimulatedWorker::append_outcome(Held& held, OutcomeBlock& block) {
  const std::uint64_t id = held.order.id(held.lease.first).value;
  require(id < tasks_.count, task_text(id) + " does not exist");
  if (tasks_.sequential) {
    BytesView rest = BytesView{held.lease.descriptors}.substr(held.descriptors_taken);
    require(take_sized(rest) == tasks_.descriptor(id), task_text(id) + " came with another's descriptor");
    held.descriptors_taken = held.lease.descriptors.size() - rest.size();
  }
  const std::uint32_t attempt = held.lease.attempt;
  const bool failed = tasks_.fails(id, attempt);
  const bool crashed = tasks_.poison.contains(id);
  append_entry(block.entries,
               crashed  ? Outcome::crashed
               : failed ? Outcome::failed
                        : Outcome::succeeded,
               tasks_.payload(id, attempt));
  block.succeeded += failed ? 0 : 1;
  ++block.count;
  ++held.lease.first.value;
  --held.lease.count;
}

void SimulatedWorker::compute() {
  const std::size_t running = std::min<std::size_t>(slots_, leases_.size());
  if (running == 0) return;
  const auto held = leases_.begin() + static_cast<std::ptrdiff_t>(random_() % running);
  OutcomeBlock block;
  block.first = held->lease.first;
  for (std::uint64_t left = 1 + random_() % held->lease.count; left > 0; --left) {
    died_ = !held->lease.isolated && tasks_.poison.contains(held->order.id(held->lease.first).value);
    if (died_) return;
    append_outcome(*held, block);
  }
  const Nanos busy{static_cast<std::int64_t>(block.count * (1 + random_() % 3'000'000))};
  news_.leases.push_back({held->lease.id, std::move(block), busy, busy});
  if (held->lease.count > 0) return;
  ended_.push_back(news_.leases.back());
  leases_.erase(held);
}

void SimulatedWorker::send() {
  const bool any = has_news();
  if (any) transport_.send(0, Channel::to_master, wire::encode(std::exchange(news_, {})));
  if (any && !ended_.empty() && random_() % 8 == 0)
    transport_.send(
        0, Channel::to_master,
        wire::encode(wire::Outcomes{{ended_[static_cast<std::size_t>(random_()) % ended_.size()]}}));
}

// ---- the run

Simulation::Simulation(const SimulationOptions& options, std::uint64_t seed)
    : options_{options}, random_{seed}, restarts_left_{options.restarts} {
  start_master();
}

bool Simulation::chance(double probability) {
  return std::uniform_real_distribution<double>{}(random_) < probability;
}

void Simulation::start_master() {
  workers_.clear();
  living_.clear();
  died_ = 0;
  ends_.clear();
  world_ = std::make_unique<LoopbackWorld>(most_ranks + 1);
  master_ = world_->endpoint(0);
  next_rank_ = 1;
  pulled_ = 0;
  scheduler_ = std::make_unique<sched::Scheduler>(options_.scheduler);
  std::uint64_t outcomes = 0;
  for (const journal::Record& record : journal_) {
    scheduler_->on_replayed(record);
    if (const auto* block = std::get_if<journal::Outcomes>(&record)) outcomes += block->block.count;
    scheduler_->check_invariants();
  }
  require(scheduler_->resumed() == outcomes && scheduler_->committed() == outcomes,
          "the replay lost outcomes");
  for (int i = 0; i < options_.workers; ++i) join();
}

// What was not on disk is gone.
void Simulation::restart() {
  stale_ += scheduler_->stale();
  journal_.resize(committed_);
  --restarts_left_;
  start_master();
}

void Simulation::join() {
  if (next_rank_ > most_ranks) return;
  const int rank = next_rank_++;
  ends_.push_back(world_->endpoint(rank));
  const auto slots = static_cast<unsigned>(1 + random_() % 4);
  workers_.try_emplace(rank, options_.tasks, *ends_.back(), slots, random_);
  living_.push_back(rank);
  scheduler_->on_worker_joined(rank, slots, static_cast<std::size_t>(rank) % 3);  // three hosts
}

void Simulation::lose_one() {
  const auto lost = living_.begin() + static_cast<std::ptrdiff_t>(random_() % living_.size());
  sched::Outbox out;
  scheduler_->on_worker_lost(*lost, out);
  const int rank = *lost;
  living_.erase(lost);
  take(out);
  if (chance(0.5)) workers_.erase(rank);  // else it hears and says what it has to, and counts no more
}

void Simulation::lose_dead(int rank) {
  if (std::erase(living_, rank) > 0) {
    const std::size_t holders = options_.scheduler.copies ? 2 : 1;  // of a task that is not isolated
    require(++died_ <= holders * options_.tasks.poison.size(), "a task has ended too many workers");
    sched::Outbox out;
    scheduler_->on_worker_lost(rank, out);
    take(out);
  }
  workers_.erase(rank);
}

void Simulation::run() {
  while (!scheduler_->finished()) {
    require(++steps_ < most_steps, "the run does not end");
    step();
    scheduler_->check_invariants();
  }
  require(options_.scheduler.copies || (scheduler_->nothing_leased() && scheduler_->leased() == 0),
          "finished with leases");
  stale_ += scheduler_->stale();
  check_end();
}

void Simulation::step() {
  if (options_.losses && next_rank_ < most_ranks) {
    if (living_.size() < most_living && chance(0.01)) join();
    if (chance(0.01)) lose_one();
  }
  if (living_.empty()) join();
  if (restarts_left_ > 0 && chance(0.005)) restart();
  if (chance(0.4)) {
    master_event();
    return;
  }
  auto worker = workers_.begin();
  std::advance(worker, static_cast<std::ptrdiff_t>(random_() % workers_.size()));
  switch (random_() % 3) {
    case 0:
      worker->second.receive();
      break;
    case 1:
      worker->second.compute();
      if (worker->second.died()) lose_dead(worker->first);
      break;
    default:
      worker->second.send();
  }
}

void Simulation::master_event() {
  switch (random_() % 4) {
    case 0:
      receive();
      break;
    case 1:
      if (options_.tasks.sequential) pull_items();
      break;
    case 2:
      commit_some();
      break;
    default: {
      now_ += Nanos{static_cast<std::int64_t>(random_() % 5'000'000)};
      sched::Outbox out;
      const bool credit = !chance(options_.no_credit);
      scheduler_->dispatch(now_, credit, out);
      require(credit || out.messages.empty(), "handed out without credit");
      take(out);
    }
  }
}

void Simulation::receive() {
  const auto envelope = master_->receive();
  if (!envelope) return;
  sched::Outbox out;
  scheduler_->on_outcomes(envelope->peer, std::get<wire::Outcomes>(wire::decode_to_master(envelope->bytes)),
                          now_, out);
  take(out);
}

void Simulation::pull_items() {
  if (!scheduler_->source_open()) return;
  const std::uint64_t most = std::min(
      {scheduler_->items_wanted(), options_.tasks.count - pulled_, std::uint64_t{1} + random_() % 20});
  std::vector<Bytes> items;
  for (std::uint64_t i = 0; i < most; ++i) items.push_back(options_.tasks.descriptor(pulled_++));
  sched::Outbox out;
  scheduler_->on_items(std::move(items), pulled_ == options_.tasks.count && chance(0.5), out);
  take(out);
}

void Simulation::commit_some() {
  for (std::uint64_t left = random_() % 8; left > 0 && committed_ < journal_.size(); --left) {
    const auto* outcomes = std::get_if<journal::Outcomes>(&journal_[committed_++]);
    if (outcomes == nullptr) continue;
    scheduler_->on_committed(outcomes->block.succeeded, outcomes->block.count - outcomes->block.succeeded);
  }
}

void Simulation::take(sched::Outbox& out) {
  for (journal::Record& record : out.records) journal_.push_back(std::move(record));
  for (const auto& [rank, message] : out.messages) {
    require(std::ranges::find(living_, rank) != living_.end(), "a message to a lost worker");
    check_assign(std::get<wire::Assign>(message));
    master_->send(rank, Channel::to_worker, wire::encode(message));
  }
}

void Simulation::check_assign(const wire::Assign& assign) const {
  const auto& batching = options_.scheduler.batching;
  for (const wire::Lease& lease : assign.leases) {
    require(lease.count > 0, "an empty lease");
    require(lease.attempt >= 1 && lease.attempt <= options_.tasks.retries + options_.scheduler.crash_limit,
            "an attempt beyond the retries");
    require(lease.attempt == 1 || lease.count == 1, "a retried task does not go alone");
    require(!batching.batch || lease.count <= *batching.batch, "a batch above --batch");
  }
}

void Simulation::check_end() const {
  const SimulatedTasks& tasks = options_.tasks;
  const Order order = scheduler_->final_order();
  std::map<std::uint64_t, int> seen;
  std::map<std::uint64_t, std::uint32_t> failures;
  Digest digest;
  for (const journal::Record& record : journal_) {
    if (const auto* failed = std::get_if<journal::FailedAttempt>(&record)) {
      const std::uint64_t id = order.id(failed->position).value;
      require(failed->attempt == ++failures[id], task_text(id) + ": its attempts are not counted one by one");
      require(failed->message == tasks.payload(id, failed->attempt), task_text(id) + ": another's message");
    }
    const auto* outcomes = std::get_if<journal::Outcomes>(&record);
    if (outcomes == nullptr) continue;
    BytesView entries = outcomes->block.entries, descriptors = outcomes->descriptors;
    for (std::uint64_t i = 0; i < outcomes->block.count; ++i) {
      const std::uint64_t id = order.id({outcomes->block.first.value + i}).value;
      const OutcomeEntry entry = take_entry(entries);
      const std::uint32_t attempt = tasks.last_attempt(id);
      require(entry.payload == tasks.payload(id, attempt), task_text(id) + " ended with another outcome");
      require((entry.outcome != Outcome::succeeded) == tasks.fails(id, attempt), task_text(id) + ": status");
      require((entry.outcome == Outcome::crashed) == tasks.poison.contains(id), task_text(id) + ": crash");
      require(!tasks.sequential || take_sized(descriptors) == tasks.descriptor(id),
              task_text(id) + " is journaled with another's descriptor");
      require(++seen[id] == 1, task_text(id) + " counts twice");
      if (entry.outcome == Outcome::succeeded)
        digest.add_success(id, entry.payload);
      else
        digest.add_failure(id);
    }
    require(entries.empty() && descriptors.empty(), "a block has more in it than it says");
  }
  require(seen.size() == tasks.count && scheduler_->committed() == tasks.count, "tasks were lost");
  for (std::uint64_t id = 0; id < tasks.count; ++id)
    require(failures[id] == tasks.last_attempt(id) - 1, task_text(id) + ": not every failure is journaled");
  check_crashes(order);
  require(digest == tasks.serial_digest(), "the digest differs from the serial one");
}

// Each but the last is on record.
void Simulation::check_crashes(const Order& order) const {
  std::map<std::uint64_t, std::uint32_t> crashes;
  for (const journal::Record& record : journal_)
    if (const auto* crashed = std::get_if<journal::CrashedAttempt>(&record)) {
      const std::uint64_t id = order.id(crashed->position).value;
      require(options_.tasks.poison.contains(id), task_text(id) + " did not crash");
      require(crashed->crashes == ++crashes[id], task_text(id) + ": its crashes are not counted one by one");
    }
  for (const std::uint64_t id : options_.tasks.poison)
    require(crashes[id] + 1 == options_.scheduler.crash_limit,
            task_text(id) + ": not every crash is journaled");
}

}  // namespace mpifarm::support

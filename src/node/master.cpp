#include "node/master.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "base/pack.hpp"
#include "base/random.hpp"
#include "node/identity.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

// Waiting for the journal; beyond it no credit is granted.
constexpr std::size_t most_backlog_bytes = 1 << 20;
// The fold's window is several times as large. A rank that the kernel keeps from its core is waited for;
// tasks that take long are not, so all waiting together is a small part of the run.
constexpr std::size_t most_early_bytes = 3 << 20;
constexpr auto most_lag = std::chrono::milliseconds{100};
constexpr int part_of_run = 50;
constexpr auto time_to_say_so = std::chrono::milliseconds{500};  // for tasks that have heeded a stop
constexpr std::size_t samples_between = 62;

std::string rank_on(int rank, const std::string& host) {
  return "rank " + std::to_string(rank) + " on " + host;
}

}  // namespace

std::vector<std::uint64_t> sample_ids(std::uint64_t size) {
  if (size == 0) return {};
  std::set<std::uint64_t> ids{0, size - 1};
  Random random{size, 0};
  for (std::size_t i = 0; i < samples_between; ++i) ids.insert(random() % size);
  return {ids.begin(), ids.end()};
}

Master::Master(Transport& transport, Waker& waker, const AnyJob& job, sched::Scheduler& scheduler,
               MasterOptions options)
    : transport_{transport},
      waker_{waker},
      job_{job},
      scheduler_{scheduler},
      options_{std::move(options)},
      sample_ids_{sample_ids(job.size().value_or(0))},
      workers_(static_cast<std::size_t>(transport.size())),
      here_(workers_.size()),
      lost_(workers_.size()),
      drained_(workers_.size()),
      settled_(workers_.size()) {
  Bytes descriptor;
  for (const std::uint64_t id : sample_ids_) {
    job_.make_task({id}, descriptor);
    sample_keys_.push_back(hash64(descriptor));
  }
}

void Master::send(int to, const wire::ToWorker& message) {
  transport_.send(to, Channel::to_worker, wire::encode(message));
}

void Master::greet(const std::filesystem::path& mark) {
  std::error_code removed;  // the directory may have been; then every path had better be absolute
  const wire::SetupDetails details{.job = std::string{options_.type->name()},
                                   .params = options_.params,
                                   .seed = options_.seed,
                                   .samples = sample_ids_,
                                   .beat = options_.heartbeat.beat,
                                   .patience = options_.heartbeat.patience,
                                   .surroundings = options_.surroundings,
                                   .working_directory = std::filesystem::current_path(removed).string(),
                                   .listed = options_.origin == TaskOrigin::list,
                                   .isolation = options_.isolation,
                                   .timeout = options_.timeout,
                                   .memory_bytes = options_.memory_bytes,
                                   .mark = mark.string()};
  for (int rank = 0; rank < transport_.size(); ++rank)
    send(rank, wire::Setup{my_identity(options_.run_id), pack(details)});
}

void Master::on_message(int peer, BytesView bytes) {
  wire::ToMaster message = wire::decode_to_master(bytes);
  std::visit([&](auto& alternative) { on(peer, alternative); }, message);
}

void Master::on_lost(const Loss& loss) {
  const auto rank = static_cast<std::size_t>(loss.peer);
  if (!loss.was_heard && !loss.process_ended)
    throw MachineryFailure{"rank " + std::to_string(loss.peer) + " never spoke (" + loss.why +
                           "); see whether the hosts reach each other"};
  lost_[rank] = here_[rank] = drained_[rank] = true;
  const std::uint64_t leased = scheduler_.leased();
  scheduler_.on_worker_lost(loss.peer, outbox_);
  const std::uint64_t tasks = leased - scheduler_.leased();
  const std::string& host = workers_[rank].host;
  log::warning("rank " + std::to_string(loss.peer) + (host.empty() ? "" : " on " + host) + " is lost (" +
               loss.why + ")" +
               (tasks == 0 ? "" : "; its " + std::to_string(tasks) + " tasks go to other ranks"));
}

bool Master::stranded() const {
  for (std::size_t rank = 0; rank < workers_.size(); ++rank)
    if (!lost_[rank] && workers_[rank].slots > 0) return false;
  return true;
}

void Master::on(int peer, const wire::Hello& hello) {
  const std::string why = identity_mismatch(my_identity(options_.run_id), hello.identity);
  if (!why.empty())
    throw BadInput{rank_on(peer, hello.host) + " does not belong to this run (" + why +
                   "); start every rank from the same build with the same environment"};
  const auto details = unpack<wire::HelloDetails>(hello.details);
  if (!details.sees_mark)
    throw BadInput{rank_on(peer, hello.host) + " does not see the run directory (" +
                   std::filesystem::absolute(options_.run).lexically_normal().string() +
                   "); give --run a place on a file system that all hosts share"};
  if (!details.error.empty())
    throw BadInput{rank_on(peer, hello.host) + " cannot make the job (" + details.error +
                   "); make what it needs available there"};
  WorkerFacts& facts = workers_.at(static_cast<std::size_t>(peer));
  facts.host = hello.host;
  if (!details.unreachable_limits.empty() && warned_of_.insert("limits of " + hello.host).second)
    warnings_.push_back("tasks on " + hello.host + " have lower limits than here: " +
                        details.unreachable_limits + "; raise the hard limits there if they need more");
  facts.cores = {hello.host, details.cpus, details.cpu_quota, details.online_cpus};
  check_source(hello, details);
  here_[static_cast<std::size_t>(peer)] = true;
}

void Master::check_source(const wire::Hello& hello, const wire::HelloDetails& details) const {
  const std::uint64_t size = job_.size().value_or(0);
  if (details.source_size != size)
    throw BadInput{"the source differs on " + hello.host + " (" + std::to_string(details.source_size) +
                   " tasks there, " + std::to_string(size) +
                   " on rank 0); an indexed source must be the same on every host"};
  for (std::size_t i = 0; i < sample_ids_.size(); ++i)
    if (i >= details.sample_keys.size() || details.sample_keys[i] != sample_keys_[i])
      throw BadInput{"the source differs on " + hello.host + " (task " + std::to_string(sample_ids_[i]) +
                     " is not that of rank 0); an indexed source must be the same on every host"};
}

bool Master::everyone_here() const {
  return std::ranges::all_of(here_, [](bool here) { return here; });
}

void Master::begin() {
  std::vector<RankCores> cores;
  for (const WorkerFacts& worker : workers_) cores.push_back(worker.cores);
  Allotment allotment = allot_slots(cores, options_.allotment);
  std::ranges::move(allotment.warnings, std::back_inserter(warnings_));
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const int rank = static_cast<int>(i);
    workers_[i].slots = lost_[i] ? 0 : allotment.tasks[i];
    workers_[i].nice = nice_of(allotment.fills_cores[i]);
    const auto host = std::ranges::find(hosts_, workers_[i].host) - hosts_.begin();
    if (static_cast<std::size_t>(host) == hosts_.size()) hosts_.push_back(workers_[i].host);
    scheduler_.on_worker_joined(rank, workers_[i].slots, static_cast<std::size_t>(host));
    if (lost_[i]) scheduler_.on_worker_lost(rank, outbox_);
  }
  if (std::ranges::all_of(allotment.tasks, [](unsigned tasks) { return tasks == 0; }))
    throw BadInput{"no rank computes (--master-slots 0 on 1 rank); give it slots, or start more ranks"};
}

// Programs run as their user's shell would run them. Threads go behind the loop, on whose promptness all
// ranks depend, where they leave it no core of its own.
int Master::nice_of(bool fills_cores) const {
  constexpr int behind_the_loop = 10;
  if (options_.nice) return *options_.nice;
  return fills_cores && !options_.type->isolated() ? behind_the_loop : 0;
}

void Master::start(Committer& committer, std::unique_ptr<TaskSource> source, const std::filesystem::path& run,
                   std::uint64_t number) {
  std::error_code removed;
  std::map<std::string, std::uint32_t> slots_of_host;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::uint32_t& used = slots_of_host[workers_[i].host];
    send(static_cast<int>(i),
         wire::Begin{workers_[i].slots, used, std::filesystem::absolute(run, removed).string(), number,
                     options_.durable, workers_[i].nice, options_.keeps_files, options_.waits_on_failure});
    used += workers_[i].slots;
  }
  committer_ = &committer;
  if (source) pump_ = std::make_unique<SourcePump>(std::move(source), waker_);
}

void Master::on(int peer, wire::Outcomes& outcomes) {
  if (outcomes.failures > 0) failures_[peer] = outcomes.failures;
  scheduler_.on_outcomes(peer, std::move(outcomes), Clock::now(), outbox_);
  for (const std::size_t host : scheduler_.take_fenced_hosts()) {
    fenced_hosts_.push_back(hosts_[host]);
    log::warning(
        hosts_[host] +
        " is given no more tasks: all that it was given last have failed, while those of other hosts "
        "succeeded; see what is wrong with it, then have them computed anew with `mpifarm resume "
        "RUN --redo failed`");
  }
}

void Master::on(int peer, const wire::Drained&) {
  scheduler_.on_drained(peer);
  drained_[static_cast<std::size_t>(peer)] = true;
}

void Master::on(int, const wire::LogLine& line) {
  if (!line.kind.empty() && warned_of_.insert(line.kind).second)
    log::warning(line.text);
  else
    log::to_file(line.text);
}

void Master::on(int peer, const wire::Settled& settled) {
  const auto rank = static_cast<std::size_t>(peer);
  if (!settled.error.empty())
    throw MachineryFailure{rank_on(peer, workers_[rank].host) +
                           " cannot keep what tasks wrote: " + settled.error};
  settled_[rank] = true;
}

void Master::settle() {
  settled_.assign(workers_.size(), false);
  for (int rank = 0; rank < transport_.size(); ++rank) send(rank, wire::Settle{});
}

bool Master::settled() const {
  for (std::size_t rank = 0; rank < workers_.size(); ++rank)
    if (!settled_[rank] && !lost_[rank]) return false;
  return true;
}

bool Master::pull_source() {
  const std::uint64_t wanted = pump_ ? scheduler_.items_wanted() : 0;
  if (wanted == 0 || !scheduler_.source_open()) return false;
  std::vector<Bytes> items;
  bool end = false;
  try {
    end = pump_->take(wanted, items);
  } catch (...) {
    source_failure_ = std::current_exception();
    pump_.reset();
    return true;
  }
  if (items.empty() && !end) return false;
  scheduler_.on_items(std::move(items), end, outbox_);
  if (const auto whole = end ? pump_->whole() : std::nullopt)
    outbox_.records.emplace_back(journal::WholeSource{whole->tasks, whole->digest});
  return true;
}

bool Master::has_credit(TimePoint now) {
  const Nanos run = first_hand_out_ ? now - *first_hand_out_ : Nanos{0};
  const bool waits = committer_->early_bytes() >= most_early_bytes &&
                     fold_waited_ < most_lag + run / part_of_run && scheduler_.earliest_is_leased();
  if (std::exchange(fold_waits_, waits)) fold_waited_ += now - last_step_;
  last_step_ = now;
  return !waits && committer_->backlog_bytes() < most_backlog_bytes;
}

bool Master::step(TimePoint now) {
  if (drain_deadline_ && !stop_deadline_ && now >= *drain_deadline_) {
    stop_deadline_ = now + time_to_stop(*options_.type) + time_to_say_so;
    for (int rank = 0; rank < transport_.size(); ++rank) send(rank, wire::Drain{.stop = true});
  }
  if (!scheduler_.draining())
    for (const auto& [rank, failures] : std::exchange(failures_, {})) send(rank, wire::GoOn{failures});
  bool active = !scheduler_.draining() && pull_source();
  const Committer::Counts committed = committer_->take_committed();
  if (committed.succeeded + committed.failed > 0) {
    scheduler_.on_committed(committed.succeeded, committed.failed);
    last_commit_ = now;
    active = true;
  }
  scheduler_.dispatch(now, has_credit(now), outbox_);
  if (!outbox_.messages.empty() && !first_hand_out_) first_hand_out_ = last_commit_ = now;
  for (const auto& [rank, message] : outbox_.messages) send(rank, message);
  active = active || !outbox_.messages.empty();
  committer_->submit(std::exchange(outbox_.records, {}), scheduler_.order());
  outbox_.messages.clear();
  return active;
}

void Master::drain(TimePoint now, Nanos grace) {
  const TimePoint deadline = now + grace;
  if (drain_deadline_) {
    drain_deadline_ = std::min(*drain_deadline_, deadline);
    return;
  }
  drain_deadline_ = deadline;
  scheduler_.on_drain();
  for (int rank = 0; rank < transport_.size(); ++rank) send(rank, wire::Drain{});
}

bool Master::over(TimePoint now) const {
  if (scheduler_.finished() || (source_failure_ && scheduler_.idle())) return true;
  if (stranded() && scheduler_.uncommitted() == 0) return true;
  if (!drain_deadline_ || scheduler_.uncommitted() > 0) return false;
  return (stop_deadline_ && now >= *stop_deadline_) ||
         std::ranges::all_of(drained_, [](bool drained) { return drained; });
}

Progress Master::progress(TimePoint now) const {
  return {.known = scheduler_.known(),
          .committed = scheduler_.committed(),
          .succeeded = scheduler_.succeeded(),
          .failed = scheduler_.failed(),
          .leased = scheduler_.leased(),
          .resumed = scheduler_.resumed(),
          .source_open = scheduler_.source_open(),
          .wall_seconds = first_hand_out_ ? seconds(now - *first_hand_out_) : 0};
}

}  // namespace mpifarm

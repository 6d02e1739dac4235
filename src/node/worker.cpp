#include "node/worker.hpp"

#include <sys/stat.h>

#include <span>
#include <utility>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/pack.hpp"
#include "compute/mixed_backend.hpp"
#include "compute/process_backend.hpp"
#include "compute/thread_backend.hpp"
#include "node/identity.hpp"
#include "run/shared_mark.hpp"
#include "sched/batching.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

// So long an outcome may wait for others of its batch; then it is reported, as soon as the task that runs
// ends.
constexpr auto flush_interval = std::chrono::milliseconds{50};
constexpr std::size_t most_log_lines = 1000;  // between two turns of the loop

FindJob finder(const Jobs& jobs) {
  return [&jobs](std::string_view name) { return find_job(jobs, name); };
}

// Empty where it is not known.
std::string describe_task(const JobType& type, BytesView descriptor) {
  std::string text;
  try {
    if (!descriptor.empty()) type.append_task_json(text, descriptor);
  } catch (const CorruptData&) {
    text.clear();
  }
  return text;
}

}  // namespace

Worker::Worker(Transport& transport, Waker& waker, const Jobs& jobs, Helper* helper)
    : transport_{transport},
      waker_{waker},
      jobs_{jobs},
      helper_{helper},
      gate_{helper == nullptr ? own_gate_ : helper->cells().gate} {}

Worker::~Worker() = default;

void Worker::send(const wire::ToMaster& message) {
  transport_.send(0, Channel::to_master, wire::encode(message));
}

void Worker::on_message(BytesView bytes) {
  wire::ToWorker message = wire::decode_to_worker(bytes);
  std::visit([this](auto& alternative) { on(alternative); }, message);
}

Heartbeat Worker::heartbeat() const {
  Heartbeat heartbeat;
  if (setup_.beat > Nanos{0}) {
    heartbeat.beat = setup_.beat;
    heartbeat.patience = setup_.patience;
  }
  return heartbeat;
}

void Worker::on(const wire::Setup& setup) {
  run_ = setup.identity.run;
  const wire::Identity mine = my_identity(run_);
  if (!identity_mismatch(setup.identity, mine).empty()) {  // the master says what is wrong
    send(wire::Hello{mine, host_name(), {}});
    return;
  }
  setup_ = unpack<wire::SetupDetails>(setup.details);
  hello_.cpus = affinity_cpus();
  hello_.cpu_quota = cpu_quota();
  hello_.online_cpus = online_cpus();
  hello_.unreachable_limits = unreachable_limits(setup_.surroundings);
  umask(static_cast<mode_t>(setup_.surroundings.umask));  // of what tasks on threads make
  making_.emplace(waker_, [this] { make_job(); });        // which may take long
}

JobRecipe Worker::recipe() const {
  return {setup_.job, setup_.params, setup_.listed, setup_.working_directory, setup_.samples};
}

// On a thread of its own. Where everything is isolated, the helper alone has the job.
void Worker::make_job() {
  JobFacts facts;
  hello_.sees_mark = sees_mark(setup_.mark);
  if (isolates_all())
    facts = make_job_in_helper();
  else
    job_ = mpifarm::make_job(recipe(), finder(jobs_), facts);
  hello_.error = facts.error;
  hello_.source_size = facts.source_size;
  hello_.sample_keys = facts.sample_keys;
}

JobFacts Worker::make_job_in_helper() {
  return helper_->make_job(
      recipe(),
      {.seed = setup_.seed, .memory_bytes = setup_.memory_bytes, .surroundings = setup_.surroundings});
}

void Worker::say_hello() {
  making_->finish();
  making_.reset();
  send(wire::Hello{my_identity(run_), host_name(), pack(hello_)});
}

void Worker::on(const wire::Begin& begin) {
  if (begin.slots == 0) return;
  begin_ = begin;
  if (begin.waits_on_failure) gate_.arm();
  start_settling();
  if (isolates_all())
    backend_ = make_processes(begin.slots);
  else if (helper_ != nullptr && setup_.isolation == wire::Isolation::suspects)
    backend_ = std::make_unique<MixedBackend>(make_threads(begin.slots),
                                              [this, slots = begin.slots] { return make_processes(slots); });
  else
    backend_ = make_threads(begin.slots);
}

// Rank 0's committer does it before each sync of the journal.
void Worker::start_settling() {
  if (!begin_.keeps_files) return;
  auto files = find_job(jobs_, setup_.job)
                   ->kept_files({begin_.run_directory, setup_.params, setup_.working_directory});
  const auto rank = static_cast<std::uint32_t>(transport_.rank());
  if (files) settler_ = std::make_unique<FileSettler>(std::move(files), begin_.start, rank, rank > 0, waker_);
}

void Worker::on(const wire::GoOn& go_on) { gate_.answer(go_on.failures); }

void Worker::on(const wire::Settle&) {
  if (settler_)
    settler_->ask();
  else
    send(wire::Settled{});
}

std::unique_ptr<Backend> Worker::make_threads(unsigned slots) {
  ThreadBackendOptions options{.slots = slots,
                               .seed = setup_.seed,
                               .nice = begin_.nice,
                               .timeout = setup_.timeout,
                               .log = log_function(),
                               .cells = {}};
  if (begin_.waits_on_failure) options.gate = &gate_;
  if (helper_ != nullptr && slots <= most_slots)
    options.cells = std::span{helper_->cells().threads}.first(slots);
  return std::make_unique<ThreadBackend>(*job_, waker_, std::move(options));
}

// Isolated tasks beside threads are rare: the helper makes the job when the first one comes.
std::unique_ptr<Backend> Worker::make_processes(unsigned slots) {
  const auto prepare = [this] {
    if (helper_->has_job()) return;
    if (const JobFacts facts = make_job_in_helper(); !facts.error.empty())
      throw MachineryFailure{"the job cannot be made for isolated tasks (" + facts.error + ")"};
  };
  const JobType* type = find_job(jobs_, setup_.job);
  return std::make_unique<ProcessBackend>(
      *helper_, waker_,
      ProcessBackendOptions{
          .slots = slots,
          .place = {begin_.run_directory, begin_.start, static_cast<std::uint32_t>(transport_.rank()),
                    begin_.first_slot, begin_.durable, setup_.timeout},
          .nice = begin_.nice,
          .timeout = type->isolated() ? Nanos{} : setup_.timeout,
          .time_to_stop = time_to_stop(*type),
          .log = log_function(),
          .describe = [type](BytesView descriptor) { return describe_task(*type, descriptor); },
          .prepare = prepare});
}

Context::LogFunction Worker::log_function() {
  return [this](TaskId id, std::string_view text, std::string_view kind) {
    if (kind.empty())
      keep_log_line({"task " + std::to_string(id.value) + ": " + std::string{text}});
    else
      keep_log_line({std::string{text}, std::string{kind}});
  };
}

void Worker::keep_log_line(wire::LogLine line) {
  {
    const std::scoped_lock lock{log_mutex_};
    if (log_lines_.size() > most_log_lines) return;
    if (log_lines_.size() == most_log_lines) line = {"tasks log too fast: lines are dropped"};
    log_lines_.push_back(std::move(line));
  }
  waker_.wake();
}

void Worker::on(wire::Assign& assign) {
  if (!backend_ || draining_) return;  // what a draining worker is sent counts as given back
  std::vector<Assignment> assignments;
  assignments.reserve(assign.leases.size());
  for (wire::Lease& lease : assign.leases)
    assignments.push_back({lease.id, lease.first, lease.count, lease.attempt, assign.order,
                           std::move(lease.descriptors), lease.isolated});
  backend_->start(std::move(assignments));
}

void Worker::on(const wire::Drain& drain) {
  draining_ = true;
  if (backend_) drain.stop ? backend_->stop() : backend_->drain();
}

void Worker::on(const wire::Shutdown& shutdown) {
  finished_ = true;
  after_loss_ = shutdown.after_loss;
}

bool Worker::step(TimePoint now) {
  bool sent = send_log_lines();
  if (auto settled = settler_ ? settler_->answer() : std::nullopt) {
    send(wire::Settled{*std::move(settled)});
    sent = true;
  }
  if (making_ && making_->done()) {
    say_hello();
    sent = true;
  }
  if (backend_ && now - last_flush_ >= flush_interval) {
    backend_->flush();
    last_flush_ = now;
  }
  const bool idle = !busy();  // asked before collecting: what completes meanwhile is collected
  if (backend_) backend_->collect(completions_);
  std::uint64_t failures = 0;
  if (gate_.is_armed())
    for (const Completion& done : completions_) failures += done.block.count - done.block.succeeded;
  const bool due =
      idle || draining_ || failures > 0 || now - last_report_ >= sched::report_interval(queue_lasts());
  if (!completions_.empty() && due) {
    last_report_ = now;
    wire::Outcomes outcomes;
    outcomes.leases.reserve(completions_.size());
    for (Completion& done : completions_)
      outcomes.leases.push_back({done.lease, std::move(done.block), done.busy, done.cpu});
    completions_.clear();
    failures_ += failures;
    if (failures > 0) outcomes.failures = failures_;
    send(outcomes);
    sent = true;
  }
  if (idle && draining_ && !drained_) {
    drained_ = true;
    send(wire::Drained{});
    sent = true;
  }
  return sent;
}

bool Worker::send_log_lines() {
  std::vector<wire::LogLine> lines;
  {
    const std::scoped_lock lock{log_mutex_};
    lines.swap(log_lines_);
  }
  for (wire::LogLine& line : lines) {
    if (line.kind.empty()) line.text.insert(0, "rank " + std::to_string(transport_.rank()) + " ");
    send(std::move(line));
  }
  return !lines.empty();
}

}  // namespace mpifarm

#include "node/worker.hpp"

#include <filesystem>
#include <utility>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/pack.hpp"
#include "compute/thread_backend.hpp"
#include "node/identity.hpp"
#include "sched/batching.hpp"
#include "wire/codec.hpp"

namespace mpifarm {
namespace {

// So long an outcome may wait for others of its batch; then it is reported, as soon as the task that runs
// ends.
constexpr auto flush_interval = std::chrono::milliseconds{50};
constexpr std::size_t most_log_lines = 1000;  // between two turns of the loop

}  // namespace

Worker::Worker(Transport& transport, Waker& waker, const Jobs& jobs)
    : transport_{transport}, waker_{waker}, jobs_{jobs} {}

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
  making_.emplace(waker_, [this] { make_job(); });  // which may take long
}

// On a thread of its own.
void Worker::make_job() try {
  std::error_code unknown;  // a process may be in a directory that it may not enter
  const std::filesystem::path& wanted = setup_.working_directory;
  if (!wanted.empty() && std::filesystem::current_path(unknown) != wanted)
    std::filesystem::current_path(wanted);
  const JobType* type = find_job(jobs_, setup_.job);
  if (type == nullptr) throw BadInput{"there is no job \"" + setup_.job + "\" here"};
  job_ = type->make(setup_.params, setup_.listed ? TaskOrigin::list : TaskOrigin::job);
  hello_.source_size = job_->size().value_or(0);
  Bytes descriptor;
  for (const std::uint64_t id : setup_.samples) {
    if (id >= hello_.source_size) break;
    job_->make_task({id}, descriptor);
    hello_.sample_keys.push_back(hash64(descriptor));
  }
} catch (const std::exception& error) {
  hello_.error = error.what();
}

void Worker::say_hello() {
  making_->finish();
  making_.reset();
  send(wire::Hello{my_identity(run_), host_name(), pack(hello_)});
}

void Worker::on(const wire::Begin& begin) {
  if (begin.slots == 0) return;
  const auto log = [this](TaskId id, std::string_view text) {
    {
      const std::scoped_lock lock{log_mutex_};
      if (log_lines_.size() > most_log_lines) return;
      log_lines_.push_back(log_lines_.size() == most_log_lines
                               ? std::string{"tasks log too fast: lines are dropped"}
                               : "task " + std::to_string(id.value) + ": " + std::string{text});
    }
    waker_.wake();
  };
  backend_ = std::make_unique<ThreadBackend>(
      *job_, waker_,
      ThreadBackendOptions{.slots = begin.slots, .seed = setup_.seed, .nice = setup_.nice, .log = log});
}

void Worker::on(wire::Assign& assign) {
  if (!backend_ || draining_) return;  // what a draining worker is sent counts as given back
  std::vector<Assignment> assignments;
  assignments.reserve(assign.leases.size());
  for (wire::Lease& lease : assign.leases)
    assignments.push_back(
        {lease.id, lease.first, lease.count, lease.attempt, assign.order, std::move(lease.descriptors)});
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
  const bool due = idle || draining_ || now - last_report_ >= sched::report_interval(queue_lasts());
  if (!completions_.empty() && due) {
    last_report_ = now;
    wire::Outcomes outcomes;
    outcomes.leases.reserve(completions_.size());
    for (Completion& done : completions_)
      outcomes.leases.push_back({done.lease, std::move(done.block), done.busy, done.cpu});
    completions_.clear();
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

void Worker::log(const std::string& text) {
  send(wire::LogLine{"rank " + std::to_string(transport_.rank()) + " " + text});
}

bool Worker::send_log_lines() {
  std::vector<std::string> lines;
  {
    const std::scoped_lock lock{log_mutex_};
    lines.swap(log_lines_);
  }
  for (const std::string& line : lines) log(line);
  return !lines.empty();
}

}  // namespace mpifarm

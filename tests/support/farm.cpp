#include "support/farm.hpp"

#include <map>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "node/loop.hpp"
#include "node/worker.hpp"
#include "run/results.hpp"
#include "transport/loopback.hpp"
#include "wire/codec.hpp"

namespace mpifarm::support {
namespace {

constexpr auto longest_run = std::chrono::seconds{100};  // only a hang takes so long

MasterOptions master_options(const FarmOptions& options) {
  MasterOptions master;
  master.type = options.type;
  master.params = options.params;
  master.run_id = 99;
  master.seed = options.scheduler.seed;
  master.allotment = options.allotment;
  master.heartbeat = options.heartbeat;
  return master;
}

sched::Options scheduler_options(const FarmOptions& options, const AnyJob& job) {
  sched::Options scheduler = options.scheduler;
  scheduler.sequential = !options.type->indexed();
  scheduler.count = job.size().value_or(0);
  return scheduler;
}

// Declared in the order in which things must outlive each other, as in RunMaster.
class FarmMaster {
 public:
  FarmMaster(WatchedTransport& transport, const Jobs& jobs, FarmOptions options)
      : transport_{transport},
        options_{std::move(options)},
        job_{options_.type->make(options_.params)},
        folding_{options_.type->make(options_.params)},
        reduction_{*folding_},
        scheduler_{scheduler_options(options_, *job_)},
        master_{transport, waker_, *job_, scheduler_, master_options(options_)},
        worker_{transport, waker_, jobs} {}

  FarmResult run() {
    master_.greet();
    while (!master_.everyone_here()) {
      const bool active = receive(transport_, master_, worker_);
      pace_.rest(waker_, worker_.step(Clock::now()) || active, worker_);
    }
    master_.begin();
    open();
    master_.start(*committer_, job_->open_source());
    turn_until_over();
    committer_->seal(scheduler_.finished());
    FarmResult result{.finished = scheduler_.finished(),
                      .known = scheduler_.known(),
                      .committed = scheduler_.committed(),
                      .succeeded = scheduler_.succeeded(),
                      .failed = scheduler_.failed(),
                      .digest = committer_->totals().digest.hex(),
                      .tallies = scheduler_.tallies(),
                      .source_failure = reason(master_.source_failure()),
                      .conclusion = {}};
    if (scheduler_.known() <= 100'000) scheduler_.check_invariants();  // it takes time for each task
    if (folder_ && folder_->finish() == scheduler_.known()) result.conclusion = folding_->conclude({});
    return result;
  }

 private:
  void open() {
    CommitterOptions committer;
    committer.type = options_.type;
    committer.waker = &waker_;
    committer.durability = options_.storage ? Durability::batch : Durability::none;
    if (options_.storage) committer.journal.emplace(options_.storage(), journal::SegmentHeader{1, 99, {}});
    if (options_.scheduler.order == OrderKind::fifo) {
      std::vector<OutcomeSink*> sinks = options_.sinks;
      sinks.push_back(&reduction_);
      folder_ = std::make_unique<Folder>(std::move(sinks), std::size_t{1} << 30);
      committer.folder = folder_.get();
    }
    committer_ = std::make_unique<Committer>(std::move(committer));
  }

  static std::string reason(const std::exception_ptr& failure) try {
    if (failure) std::rethrow_exception(failure);
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }

  void turn_until_over() {
    const TimePoint deadline = Clock::now() + longest_run;
    while (true) {
      bool active = receive(transport_, master_, worker_);
      const TimePoint now = Clock::now();
      if (scheduler_.committed() >= options_.drain_after) master_.drain(now, std::chrono::seconds{30});
      active = worker_.step(now) || active;
      active = master_.step(now) || active;
      if (master_.over(now)) return;
      if (now > deadline) throw std::runtime_error{"the farm does not end"};
      pace_.rest(waker_, active, worker_);
    }
  }

  WatchedTransport& transport_;
  FarmOptions options_;
  std::unique_ptr<AnyJob> job_, folding_;
  Reduction reduction_;
  Waker waker_;
  sched::Scheduler scheduler_;
  std::unique_ptr<Folder> folder_;
  std::unique_ptr<Committer> committer_;
  Master master_;
  Worker worker_;
  Pace pace_;
};

}  // namespace

Bytes params_of(const JobType& type, const std::vector<describe::GivenFlag>& flags) {
  return type.params_from_flags(flags);
}

FarmResult be_master(Transport& below, const Jobs& jobs, FarmOptions options) {
  WatchedTransport transport{below, options.heartbeat};
  try {
    FarmResult result = FarmMaster{transport, jobs, std::move(options)}.run();
    dismiss(transport);
    return result;
  } catch (...) {
    dismiss(transport);
    throw;
  }
}

void be_worker(Transport& below, const Jobs& jobs) {
  WatchedTransport transport{below};
  Waker waker;
  Worker worker{transport, waker, jobs};
  serve(transport, worker, waker);
}

FarmResult run_in_threads(int ranks, const Jobs& jobs, const FarmOptions& options) {
  LoopbackWorld world{ranks};
  std::vector<std::jthread> workers;
  for (int rank = 1; rank < ranks; ++rank)
    workers.emplace_back([&jobs, end = world.endpoint(rank)] { be_worker(*end, jobs); });
  const auto end = world.endpoint(0);
  return be_master(*end, jobs, options);
}

FarmResult run_serially(const FarmOptions& options) {
  const auto job = options.type->make(options.params), folding = options.type->make(options.params);
  const auto source = job->open_source();
  Context context{options.scheduler.seed, {}, nullptr};
  FarmResult result;
  result.finished = true;
  Digest digest;
  Bytes descriptor, entries, scratch;
  for (std::uint64_t id = 0; source || id < *job->size(); ++id) {
    if (source && source->pull(descriptor) == TaskSource::Pull::end) break;
    entries.clear();
    OutcomeEntry entry;
    for (unsigned attempt = 1; attempt <= options.scheduler.retries + 1; ++attempt) {
      entries.clear();
      context.next_task({id}, attempt);
      job->compute(descriptor, context, entries);
      BytesView rest = entries;
      entry = take_entry(rest);
      if (entry.outcome == Outcome::succeeded) break;
    }
    ++result.known;
    if (entry.outcome == Outcome::succeeded) {
      ++result.succeeded;
      digest.add_success(id, options.type->digest_view(entry.payload, scratch));
      folding->reduce({id}, descriptor, entry.payload);
    } else {
      ++result.failed;
      digest.add_failure(id);
    }
  }
  result.committed = result.succeeded + result.failed;
  result.digest = digest.hex();
  result.conclusion = folding->conclude({});
  return result;
}

}  // namespace mpifarm::support

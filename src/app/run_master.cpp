#include "app/run_master.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>

#include "app/exit_guard.hpp"
#include "app/launcher.hpp"
#include "app/reuse.hpp"
#include "app/run_files.hpp"
#include "app/signals.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "exec/exec_job.hpp"
#include "journal/writer.hpp"
#include "node/replay.hpp"
#include "run/shared_mark.hpp"

namespace mpifarm::app {
namespace {

constexpr auto status_interval = std::chrono::milliseconds{500};
constexpr Nanos no_hurry = std::chrono::hours{24 * 365};
constexpr Nanos longest_beat = std::chrono::milliseconds{500};
// Workers are more patient than the master: a run whose master is busy is worth waiting for.
constexpr Nanos least_master_patience = std::chrono::seconds{30};

Nanos nanos(double seconds) {
  return std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{seconds});
}

Nanos beat_of(const StartOptions& start) {
  return std::min(longest_beat, nanos(start.heartbeat_seconds) / 10);
}

MasterOptions master_options(const RunPlan& plan, const StartOptions& start) {
  MasterOptions options;
  options.type = plan.type;
  options.params = plan.params;
  options.origin = plan.origin();
  options.run_id = plan.manifest.run_id;
  options.seed = plan.manifest.seed;
  options.nice = start.nice;
  options.surroundings = start.surroundings;
  options.isolation = isolation_of(plan.manifest);
  options.timeout = nanos(plan.manifest.timeout_seconds);
  options.memory_bytes = plan.manifest.memory_bytes;
  options.run = plan.directory.path;
  options.keeps_files = plan.journaled();
  options.waits_on_failure = parse_halt("--halt", plan.manifest.halt).when != Halt::When::never;
  options.durable = plan.manifest.durability == to_string(Durability::sync);
  options.allotment = {start.threads, start.master_slots, plan.manifest.slots_per_task};
  options.heartbeat = {
      .beat = beat_of(start),
      .patience = std::max<Nanos>(least_master_patience, 3 * nanos(start.heartbeat_seconds))};
  return options;
}

// Whether stdout is a pipe or a terminal whose other end is gone: mpirun gives rank 0 a pseudo-terminal.
bool is_lost_reader(int error) {
  struct stat facts {};
  return error == EPIPE || (error == EIO && fstat(STDOUT_FILENO, &facts) == 0 && S_ISCHR(facts.st_mode));
}

// Under a launcher a lost reader means that the launcher has died: a further start says it.
void print(const std::string& conclusion) {
  if (conclusion.empty()) return;
  errno = 0;
  std::fwrite(conclusion.data(), 1, conclusion.size(), stdout);
  if (conclusion.back() != '\n') std::fputc('\n', stdout);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && settle_output(STDOUT_FILENO)) return;
  const int error = errno;
  const std::string problem = "the conclusion cannot be written to " + output_name(STDOUT_FILENO) + " (" +
                              errno_text(error) + "); the run is complete: resume it to see the conclusion";
  if (is_lost_reader(error) && launched_as()) throw Resumable{problem};
  throw MachineryFailure{problem};
}

}  // namespace

RunMaster::RunMaster(WatchedTransport& transport, Helper& helper, const Jobs& jobs, RunPlan& plan,
                     const StartOptions& start)
    : transport_{transport},
      helper_{helper},
      plan_{plan},
      start_{start},
      started_{utc_timestamp()},
      scheduler_options_{plan.scheduler_options(start.batching)},
      scheduler_{scheduler_options_},
      kept_files_{plan.journaled() ? plan.kept_files() : nullptr},
      master_{transport, waker_, *plan.job, scheduler_, master_options(plan, start)},
      worker_{transport, waker_, jobs, &helper},
      halt_{parse_halt("--halt", plan.manifest.halt)},
      display_{start.quiet ? ProgressMode::none : start.progress} {}

int RunMaster::run() {
  if (!plan_.is_new()) log::open_file(plan_.directory.log());
  if (plan_.survey) {
    while_beating(transport_, waker_, [this] { replay_journal(); });
    log::info(fmt::format("resuming {}: {} tasks have their outcome already", plan_.directory.name(),
                          scheduler_.resumed()));
  }
  const bool was_complete = plan_.survey && plan_.survey->complete;
  if (was_complete) {
    log::info("the run was complete already: " + plan_.directory.name());
    outputs_ = std::make_unique<Outputs>(plan_, false);
  } else {
    begin();
    compute();
  }
  const bool complete = was_complete || scheduler_.finished();
  leave_on_signal("stopped by a signal before the results were written; " +
                  how_to_carry_on(plan_.directory, plan_.manifest));
  const Summary summary = summarise();
  std::string conclusion;
  if (complete)
    while_beating(transport_, waker_,
                  [&] { conclusion = outputs_->finish(scheduler_.committed(), scheduler_.final_order()); });
  if (!was_complete || !std::filesystem::exists(plan_.directory.summary())) {
    replace_file(plan_.directory.summary(), to_json(summary));
    replace_file(plan_.directory.status(), to_json(summary));
  }
  print(conclusion);
  log::info(for_people(summary, plan_.directory.name(), complete ? outputs_->results_name() : std::string{}));
  if (!was_complete) advise(summary);
  refuse_rest_of_source();
  if (complete) return static_cast<int>(summary.failed > 0 ? ExitStatus::tasks_failed : ExitStatus::success);
  log::warning("the run is unfinished; " + how_to_carry_on(plan_.directory, plan_.manifest));
  if (halted_) return static_cast<int>(ExitStatus::tasks_failed);
  return static_cast<int>(plan_.journaled() ? ExitStatus::resumable : ExitStatus::machinery);
}

// A run's directory is made when every rank has agreed to it.
void RunMaster::begin() {
  wait_for_everyone();
  if (plan_.is_new()) {
    plan_.create();
    log::open_file(plan_.directory.log());
  }
  if (plan_.takes_over) {
    leave_on_signal("stopped by a signal while it took over; " +
                    how_to_carry_on(plan_.directory, plan_.manifest));
    while_beating(transport_, waker_, [this] {
      take_over(plan_);
      replay_journal();
    });
  }
  for (const std::string& warning : plan_.job->warnings()) log::warning(warning);
  for (const std::string& warning : master_.warnings()) log::warning(warning);
  if (transport_.size() > 1 && !survives_losses())
    log::info(
        "a rank that dies ends this run, which can then be resumed; with mpirun --enable-recovery the others "
        "go on");
  open_journal();
  ExitGuard::advise(how_to_carry_on(plan_.directory, plan_.manifest));
  leave_on_signal({});  // from here on they are looked at
}

// A source that failed has stopped the reading, not what was read before.
void RunMaster::refuse_rest_of_source() const {
  if (!master_.source_failure()) return;
  const std::uint64_t done = scheduler_.committed();
  const std::string kept = "; " + grouped(done) + (done == 1 ? " task is" : " tasks are") +
                           " done and kept: " + how_to_carry_on(plan_.directory, plan_.manifest);
  try {
    std::rethrow_exception(master_.source_failure());
  } catch (const BadInput& error) {
    throw BadInput{error.what() + kept};
  } catch (const std::exception& error) {
    throw MachineryFailure{"the source failed (" + std::string{error.what()} + ")" + kept};
  } catch (...) {
    throw MachineryFailure{"the source threw something that is no std::exception" + kept};
  }
}

void RunMaster::replay_journal() {
  if (plan_.survey->torn_bytes > 0)
    log::warning(fmt::format(
        "the journal's last {} bytes were cut short by a crash and are left out; their tasks run again",
        plan_.survey->torn_bytes));
  earlier_ = replay(*plan_.survey, *plan_.type, scheduler_options_, scheduler_);
  failed_before_ = scheduler_.failed();
  totals_ = earlier_.totals;
}

void RunMaster::open_journal() {
  // Folding while the run goes on needs outcomes from task 0, in the order of ids.
  const bool live = !plan_.survey && plan_.manifest.order == "fifo";
  outputs_ = std::make_unique<Outputs>(plan_, live);
  CommitterOptions options;
  options.durability = parse_durability(plan_.manifest.durability);
  options.type = plan_.type;
  options.folder = outputs_->folder();
  options.waker = &waker_;
  if (kept_files_) options.before_sync = [this] { kept_files_->sync(this->start_number(), std::nullopt); };
  std::filesystem::remove(plan_.directory.summary());  // an earlier start's, which speaks of that start
  if (plan_.journaled()) {
    options.journal = journal::create_segment(plan_.directory.path, plan_.survey, plan_.manifest.run_id);
    std::uint32_t threads = 0;
    for (const WorkerFacts& worker : master_.workers())
      threads += worker.slots * plan_.manifest.slots_per_task;
    options.journal->append(
        journal::Started{static_cast<std::uint32_t>(transport_.size()), threads, utc_timestamp()});
    if (plan_.survey && !plan_.survey->redo.empty()) begin_redo(*options.journal);
    if (plan_.survey && !plan_.survey->lost.empty())
      options.journal->append(journal::Lost{plan_.survey->lost.to_vector()});
    import_suspects(*options.journal);
    options.journal->sync();
    std::filesystem::remove(plan_.directory.suspects());
    helper_.keep_suspects(std::filesystem::absolute(plan_.directory.suspects()).string());
  }
  committer_ = std::make_unique<Committer>(std::move(options));
}

void RunMaster::begin_redo(journal::Writer& journal) {
  const journal::Redo redo{plan_.survey->redo.to_vector()};
  scheduler_.on_redo(redo.positions);
  journal.append(redo);
  log::info("computed anew: " + counted(plan_.survey->redo.count(), "task") + " that failed for good");
}

// What rank 0 of an earlier start computed when it died.
void RunMaster::import_suspects(journal::Writer& journal) {
  std::ifstream file{plan_.directory.suspects()};
  std::vector<Interval> positions;
  for (std::uint64_t position = 0; file >> position;) positions.push_back({position, position + 1});
  if (positions.empty() || !scheduler_options_.isolates_suspects) return;
  log::info("isolated from now on: " + counted(positions.size(), "task") +
            " that rank 0 was computing when it ended");
  sched::Outbox out;
  scheduler_.on_suspects(positions, out);
  for (const journal::Record& record : out.records) journal.append(record);
}

void RunMaster::wait_for_everyone() {
  transport_.set_heartbeat(
      {.beat = beat_of(start_), .patience = nanos(start_.heartbeat_seconds), .kills = survives_losses()});
  std::optional<SharedMark> mark;  // gone when all have seen it, or one has not
  if (transport_.size() > 1) mark.emplace(plan_.directory);
  master_.greet(mark ? mark->path() : std::filesystem::path{});
  while (!master_.everyone_here()) {
    const bool active = receive(transport_, master_, worker_);
    pace_.rest(waker_, worker_.step(Clock::now()) || active, worker_);
  }
  master_.begin();
}

void RunMaster::compute() {
  const std::uint64_t start = start_number();
  master_.start(*committer_, std::move(plan_.source), plan_.directory.path, start);
  follow_output(start);
  hand_out();
  record_spent();
  if (kept_files_) settle_files();
  while_beating(transport_, waker_, [this] { committer_->seal(scheduler_.finished()); });
  if (stream_) finish_stream();
  totals_.add(committer_->totals());
  display_.finish(view(Clock::now()));
}

std::uint64_t RunMaster::start_number() const { return plan_.survey ? plan_.survey->segments.size() + 1 : 1; }

// Makes what the journal's last records refer to durable on every host before they are. A file system that
// does not answer is waited for, but not against a signal.
void RunMaster::settle_files() {
  const int signals = signals_caught();
  master_.settle();
  while (!master_.settled() && signals_caught() == signals) {
    const bool active = receive(transport_, master_, worker_);
    pace_.rest(waker_, worker_.step(Clock::now()) || active, worker_);
  }
  if (!master_.settled())
    throw Resumable{"stopped by a signal before what tasks wrote was safe on every host; " +
                    how_to_carry_on(plan_.directory, plan_.manifest)};
}

void RunMaster::follow_output(std::uint64_t start) {
  if (plan_.type != &exec_job()) return;
  const exec::OutputPolicy policy = exec::output_policy(plan_.params);
  if (policy.streams)
    stream_.emplace(OutputStreamOptions{plan_.directory.path, start, static_cast<unsigned>(transport_.size()),
                                        policy.output == "packed"});
}

// A reader that does not read is waited for, but not against a signal.
void RunMaster::finish_stream() {
  const int signals = signals_caught();
  while_beating(transport_, waker_, [&] { stream_->finish([&] { return signals_caught() > signals; }); });
  if (!stream_->finished()) log::warning("stopped by a signal before all lines were shown");
}

void RunMaster::hand_out() {
  while (true) {
    bool active = receive(transport_, master_, worker_);
    const TimePoint now = Clock::now();
    on_signals(now);
    on_time(now);
    on_failures(now);  // before ranks are told to go on
    active = worker_.step(now) || active;
    active = master_.step(now) || active;
    watch_tail(now);
    report(now);
    if (master_.over(now)) break;
    pace_.rest(waker_, active, worker_);
  }
  warn_of_failures();  // of the last turn
  if (!scheduler_.finished() && master_.stranded())
    log::warning("every rank that computed is lost, and rank 0 has no slots of its own");
}

// The first signal drains; another one ends the waiting for running tasks.
void RunMaster::on_signals(TimePoint now) {
  const int caught = signals_caught();
  if (caught == signals_) return;
  signals_ = caught;
  if (stopped_ != Stopped::no) return master_.drain(now, Nanos{0});
  stop(only_time_signals() ? Stopped::time_up : Stopped::asked, now, nanos(start_.grace_seconds));
}

void RunMaster::stop(Stopped why, TimePoint now, Nanos grace) {
  stopped_ = why;
  log::warning(fmt::format("{}: running tasks have {} to end; {}",
                           why == Stopped::time_up ? "the time is nearly up" : "stopping",
                           duration_text(seconds(grace)), how_to_carry_on(plan_.directory, plan_.manifest)));
  master_.drain(now, grace);
}

// Tasks are handed out as long as nearly all that were seen would still come to their end.
void RunMaster::on_time(TimePoint now) {
  if (!start_.ends_at || stopped_ != Stopped::no || scheduler_.finished()) return;
  if (now + scheduler_.likely_duration() < *start_.ends_at) return;
  stop(Stopped::time_up, now, std::max<Nanos>(*start_.ends_at - now, Nanos{0}));
}

void RunMaster::on_stop_request(TimePoint now) {
  std::error_code unseen;
  if (stopped_ != Stopped::no || !std::filesystem::exists(plan_.directory.stop_request(), unseen)) return;
  std::filesystem::remove(plan_.directory.stop_request(), unseen);
  stop(Stopped::asked, now, nanos(start_.grace_seconds));
}

// Early, so that nobody waits for a run that comes to nothing.
void RunMaster::warn_of_failures() {
  constexpr std::uint64_t telling = 10;
  if (warned_of_failures_ || scheduler_.failed() < telling) return;
  warned_of_failures_ = true;
  if (scheduler_.succeeded() == 0)
    log::warning("the first " + counted(scheduler_.failed(), "task") +
                 " have all failed, such as: " + failure_text(failures().groups().front()));
}

void RunMaster::on_failures(TimePoint now) {
  warn_of_failures();
  const std::uint64_t failed = scheduler_.failed_for_good() - failed_before_;
  const std::uint64_t tasks =
      plan_.manifest.tasks.value_or(scheduler_.source_open() ? 0 : scheduler_.known());
  if (halted_ || scheduler_.finished() || !halt_.is_due(failed, tasks)) return;
  halted_ = true;
  log::warning(fmt::format("halting: {} failed for good (--halt {}); {}", counted(failed, "task"),
                           plan_.manifest.halt, how_to_carry_on(plan_.directory, plan_.manifest)));
  master_.drain(now, halt_.when == Halt::When::now ? Nanos{0} : no_hurry);
}

void RunMaster::report(TimePoint now) {
  if (now >= next_status_) {
    next_status_ = now + status_interval;
    on_stop_request(now);
    speed_.observe(now, scheduler_.committed());
    post_status(now);
    record_spent();
  }
  if (display_.due(now)) display_.show(now, view(now));
}

}  // namespace mpifarm::app

#include "app/run_command.hpp"

#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>

#include "app/exit_guard.hpp"
#include "app/exit_timer.hpp"
#include "app/failure.hpp"
#include "app/launcher.hpp"
#include "app/master_word.hpp"
#include "app/mpi_session.hpp"
#include "app/run_files.hpp"
#include "app/run_master.hpp"
#include "app/signals.hpp"
#include "app/startup_watch.hpp"
#include "app/turn_watch.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/processes.hpp"
#include "node/identity.hpp"
#include "node/loop.hpp"
#include "transport/loopback.hpp"

namespace mpifarm::app {
namespace {

using MakePlan = std::function<RunPlan()>;

constexpr const char* stopped_early = "stopped by a signal before anything ran; start it again";
constexpr auto longest_abort = std::chrono::seconds{10};
// Of a worker's loop. By then rank 0 takes it for lost, or is lost itself.
constexpr auto turn_look = std::chrono::seconds{1}, longest_turn = std::chrono::seconds{60};
constexpr auto longest_finalise = std::chrono::seconds{30};

// One rank's process: how it speaks to the others, and how it ends.
class Rank {
 public:
  // Begins MPI when a launcher started this process.
  explicit Rank(const Jobs& jobs) : helper_{[&jobs](std::string_view name) { return find_job(jobs, name); }} {
    if (const auto launched = launched_as()) {
      const StartupWatch watch;
      session_.emplace(launched->size);
    } else {
      alone_ = LoopbackWorld{1}.endpoint(0);
    }
    transport_.emplace(session_ ? session_->transport() : *alone_);
  }

  WatchedTransport& transport() { return *transport_; }
  Helper& helper() { return helper_; }

  // Ends MPI. When a rank dies or is stopped in this moment, Open MPI would wait for it.
  void finalise(int status) {
    if (!session_) return;
    const ExitTimer timer{longest_finalise, status, end_stopped_ranks()};
    transport_.reset();
    session_.reset();
  }
  // Ends the process while a task still computes: its thread goes with the process, nothing it uses is
  // destroyed before.
  [[noreturn]] void leave(int status) {
    finalise(status);
    std::fflush(nullptr);
    std::_Exit(status);
  }
  // Ends the process when a rank is lost: the end of MPI would wait for it. A launcher that ends all ranks
  // with one would take that for a failure: there rank 0 ends them in MPI's own way, which keeps its status.
  [[noreturn]] static void leave_after_loss(int status) {
    ExitGuard::lift();
    std::fflush(nullptr);
    if (!survives_losses() && speaks_for_all()) MpiSession::abort(status);
    if (!survives_losses()) std::this_thread::sleep_for(longest_abort);
    std::_Exit(status);
  }
  // Ends a worker's process that nobody waits for any more.
  [[noreturn]] static void vanish(int status) {
    std::fflush(nullptr);
    std::_Exit(status);
  }
  // A worker that fails is lost. Where that ends the run, all end at once: the others cannot know.
  [[noreturn]] static void fail(const std::exception& error) {
    std::fprintf(stderr, "mpifarm: rank %d failed (%s)\n", launched_as().value_or(LaunchedAs{}).rank,
                 error.what());
    if (survives_losses()) vanish(static_cast<int>(ExitStatus::machinery));
    ExitGuard::lift();
    MpiSession::abort(static_cast<int>(ExitStatus::machinery));
  }

 private:
  // Rank 0, after it has dismissed the others: those of its host that are stopped would hold up the launcher.
  std::function<void()> end_stopped_ranks() const {
    if (transport_->rank() != 0 || !survives_losses()) return {};
    std::vector<pid_t> others;
    for (int rank = 1; rank < transport_->size(); ++rank)
      if (const auto process = transport_->process_of(rank)) others.push_back(*process);
    return [others] {
      for (const pid_t process : others)
        if (process_state(process) == 'T') ::kill(process, SIGKILL);
    };
  }

  Helper helper_;  // before MPI and before any thread
  std::optional<MpiSession> session_;
  std::unique_ptr<Transport> alone_;
  std::optional<WatchedTransport> transport_;
};

[[noreturn]] void refuse_for_want_of_time(const RunPlan& plan) {
  const std::string why = "there is too little time left to start (--time-left, or the Slurm job's limit); ";
  if (plan.is_new()) throw BadInput{why + "ask for more"};
  throw Resumable{why + how_to_carry_on(plan.directory, plan.manifest)};
}

// Rank 0. The other ranks wait for its word, so it says goodbye whatever happens, and before anything that
// could take long.
int be_master(Rank& rank, const Jobs& jobs, const MakePlan& make_plan, const StartOptions& start) {
  leave_on_signal(stopped_early);
  std::optional<SignsOfLife> signs{std::in_place, rank.transport().turns()};
  std::optional<RunPlan> plan;
  std::optional<RunMaster> master;
  int status = 0;
  Stopped stopped = Stopped::no;
  try {
    Waker waker;
    check_token();
    if (signals_caught() > 0) throw Resumable{stopped_early};
    while_beating(rank.transport(), waker, [&] { plan.emplace(make_plan()); });
    if (start.ends_at && *start.ends_at - Clock::now() < least_time_to_start) {
      stopped = Stopped::time_up;
      refuse_for_want_of_time(*plan);
    }
    master.emplace(rank.transport(), rank.helper(), jobs, *plan, start);
    status = master->run();
  } catch (const std::exception& error) {
    status = tell(error);
  } catch (...) {
    status = tell_unknown();
  }
  if (status == static_cast<int>(ExitStatus::resumable) && plan && !plan->journaled())
    status = static_cast<int>(ExitStatus::machinery);
  signs.reset();
  leave_on_signal({});  // the run has ended: nothing is to be said of it any more
  tell_launcher({status, master ? master->stopped() : stopped});
  dismiss(rank.transport());
  if (rank.transport().lost_any()) {
    if (plan) plan->lock.reset();
    Rank::leave_after_loss(status);
  }
  if (master && master->still_busy()) {
    plan->lock.reset();
    rank.leave(status);
  }
  return status;
}

int be_worker(Rank& rank, const Jobs& jobs) try {
  WatchedTransport& transport = rank.transport();
  Waker waker;
  Worker worker{transport, waker, jobs, &rank.helper()};
  std::optional<TurnWatch> watch{std::in_place, transport.turns(), transport.rank(), turn_look,
                                 longest_turn / turn_look};
  const End end = serve(transport, worker, waker);
  watch.reset();
  const int status = static_cast<int>(ExitStatus::success);
  if (end == End::master_lost) {
    log::warning("rank " + std::to_string(transport.rank()) + " leaves: rank 0 is lost (" +
                 transport.take_losses().at(0).why + ")");
    Rank::vanish(static_cast<int>(ExitStatus::resumable));
  }
  if (end == End::dismissed_after_loss) Rank::leave_after_loss(status);
  if (worker.busy()) rank.leave(status);
  return status;
} catch (const std::exception& error) {
  Rank::fail(error);
}

// Batches come and go; giving their memory back to the kernel and taking it again costs more than computing
// short tasks.
void keep_freed_memory() {
  constexpr int most_kept = 16 << 20;
  mallopt(M_MMAP_THRESHOLD, most_kept);
  mallopt(M_TRIM_THRESHOLD, most_kept);
}

int be_rank(const Jobs& jobs, const MakePlan& make_plan, const StartOptions& start) try {
  check_launcher();
  tell_launcher_begun(speaks_for_all());
  leave_unasked_binding();
  StartOptions in_time = start;
  in_time.surroundings = current_surroundings();
  if (speaks_for_all()) in_time.ends_at = end_of_time(start.time_left, Clock::now());
  keep_freed_memory();
  log::configure(start.quiet, start.verbose);
  catch_signals();
  Rank rank{jobs};
  const ExitGuard guard{rank.transport().rank()};
  const int status =
      rank.transport().rank() == 0 ? be_master(rank, jobs, make_plan, in_time) : be_worker(rank, jobs);
  rank.finalise(status);
  return status;
} catch (const std::exception& error) {  // before the run had begun
  if (speaks_for_all()) tell_launcher({static_cast<int>(status_of(error)), Stopped::no});
  throw;
}

}  // namespace

int run(const RunCommand& command, const Jobs& jobs) {
  const auto launched = launched_as();
  const int ranks = launched ? launched->size : command.dry_ranks;
  if (command.dry_run) {
    const ExitGuard guard{0};
    if (speaks_to_user()) std::fputs(describe_plan(command, ranks).c_str(), stdout);
    return 0;
  }
  return be_rank(
      jobs, [&] { return plan_run(command, static_cast<std::uint32_t>(ranks)); }, command.start);
}

int resume(const ResumeCommand& command, const Jobs& jobs) {
  return be_rank(
      jobs,
      [&] {
        return plan_resume(
            command.directory,
            {.limits = command.start.limits, .redo_failed = command.redo_failed, .force = command.force},
            jobs);
      },
      command.start);
}

}  // namespace mpifarm::app

#include "app/run_command.hpp"

#include <malloc.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>

#include "app/failure.hpp"
#include "app/launcher.hpp"
#include "app/mpi_session.hpp"
#include "app/run_master.hpp"
#include "app/signals.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "node/loop.hpp"
#include "transport/loopback.hpp"

namespace mpifarm::app {
namespace {

using MakePlan = std::function<RunPlan()>;

// One rank's process: how it speaks to the others, and how it ends.
class Rank {
 public:
  // Begins MPI when a launcher started this process.
  Rank() {
    if (const auto launched = launched_as())
      session_.emplace(launched->size);
    else
      alone_ = LoopbackWorld{1}.endpoint(0);
  }

  Transport& transport() { return session_ ? session_->transport() : *alone_; }

  // Ends the process while a task still computes: its thread goes with the process, nothing it uses is
  // destroyed before.
  [[noreturn]] void leave(int status) {
    session_.reset();
    std::fflush(nullptr);
    std::_Exit(status);
  }
  // A worker that fails cannot go on, and the others cannot know.
  [[noreturn]] static void fail(const std::exception& error) {
    std::fprintf(stderr, "mpifarm: rank %d failed (%s)\n", launched_as().value_or(LaunchedAs{}).rank,
                 error.what());
    MpiSession::abort(static_cast<int>(ExitStatus::machinery));
  }

 private:
  std::optional<MpiSession> session_;
  std::unique_ptr<Transport> alone_;
};

// Rank 0. The other ranks wait for its word, so it says goodbye whatever happens, and before anything that
// could take long.
int be_master(Rank& rank, const Jobs& jobs, const MakePlan& make_plan, const StartOptions& start) {
  leave_on_signal("stopped by a signal before anything ran; start it again");
  std::optional<RunPlan> plan;
  std::optional<RunMaster> master;
  int status = 0;
  try {
    plan.emplace(make_plan());
    master.emplace(rank.transport(), jobs, *plan, start);
    status = master->run();
  } catch (const std::exception& error) {
    status = tell(error);
  } catch (...) {
    status = tell_unknown();
  }
  dismiss(rank.transport());
  if (master && master->still_busy()) {
    plan->lock.reset();
    rank.leave(status);
  }
  return status;
}

int be_worker(Rank& rank, const Jobs& jobs) try {
  Transport& transport = rank.transport();
  Waker waker;
  Worker worker{transport, waker, jobs};
  serve(transport, worker, waker);
  const int status = static_cast<int>(ExitStatus::success);
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

int be_rank(const Jobs& jobs, const MakePlan& make_plan, const StartOptions& start) {
  keep_freed_memory();
  umask(077);  // a run's files are its owner's
  log::configure(start.quiet, start.verbose);
  Rank rank;
  catch_signals();
  return rank.transport().rank() == 0 ? be_master(rank, jobs, make_plan, start) : be_worker(rank, jobs);
}

}  // namespace

int run(const RunCommand& command, const Jobs& jobs) {
  const auto launched = launched_as();
  const int ranks = launched ? launched->size : 1;
  if (command.dry_run) {
    if (speaks_for_all()) std::fputs(describe_plan(command, ranks).c_str(), stdout);
    return 0;
  }
  return be_rank(
      jobs, [&] { return plan_run(command, static_cast<std::uint32_t>(ranks)); }, command.start);
}

int resume(const ResumeCommand& command, const Jobs& jobs) {
  return be_rank(
      jobs, [&] { return plan_resume(command.directory, jobs); }, command.start);
}

}  // namespace mpifarm::app

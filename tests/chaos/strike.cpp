#include "strike.hpp"

#include <algorithm>
#include <csignal>

#include "support/files.hpp"

namespace mpifarm::chaos {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

int signal_of(Kind kind) {
  switch (kind) {
    case Kind::worker_stopped:
    case Kind::worker_paused:
      return SIGSTOP;
    case Kind::worker_crashed:
      return SIGSEGV;
    default:
      return SIGKILL;
  }
}

std::size_t victims_of(Kind kind) { return kind == Kind::two_workers_killed ? 2 : 1; }

}  // namespace

Strike::Strike(const Disturbance& disturbance, Way way, Expected expected, std::filesystem::path run,
               std::string program, e2e::Process& process)
    : disturbance_{disturbance},
      way_{way},
      expected_{expected},
      run_{std::move(run)},
      program_{std::move(program)},
      process_{process},
      bytes_before_{e2e::journal_bytes(run_)},
      begun_{steady_clock::now()} {}

void Strike::look() {
  if (disturbance_.kind == Kind::task_exits) return;  // the task does it
  if (!hit_ && process_.running() && due()) strike();
  if (!wake_ || steady_clock::now() < *wake_) return;
  wake_.reset();
  for (const Seen& process : descendants())
    if (std::ranges::find(struck_, process.id) != struck_.end()) ::kill(process.id, SIGCONT);
}

bool Strike::due() {
  if (!come_ && moment_has_come()) come_ = steady_clock::now() + disturbance_.moment.delay;
  return come_ && steady_clock::now() >= *come_;
}

bool Strike::moment_has_come() const {
  const Moment& moment = disturbance_.moment;
  switch (moment.when) {
    case When::starting:
      return true;
    case When::by_time:
      return steady_clock::now() - begun_ >= duration<double>{1.1 * moment.share * expected_.seconds};
    case When::midway:
      return static_cast<double>(e2e::journal_bytes(run_) - bytes_before_) >
             moment.share * static_cast<double>(expected_.journal_bytes);
    case When::finishing:
      return std::filesystem::exists(run_ / "results.csv");
  }
  return true;
}

bool Strike::hit_stops_start() const {
  return hit_ && !hit_running_ && disturbance_.kind == Kind::worker_stopped;
}

// Nothing until all that it is to strike is there.
std::vector<Seen> Strike::targets() const {
  if (disturbance_.kind == Kind::supervisor_killed ||
      (disturbance_.kind == Kind::mpirun_killed && way_ != Way::supervised))
    return {Seen{.id = process_.id()}};
  const std::vector<Seen> all = descendants();
  std::vector<Seen> possible;
  switch (disturbance_.kind) {
    case Kind::mpirun_killed:
      possible = named(all, "mpirun");
      std::erase_if(possible, [this](const Seen& process) { return process.parent != process_.id(); });
      break;
    case Kind::helper_killed:
      possible = named(all, "mpifarm-helper");
      break;
    case Kind::isolated_task_killed:
      possible = named(all, "mpifarm-task");
      break;
    default:
      possible = ranks_of(all, program_);
      std::erase_if(possible, [this](const Seen& process) {
        return (process.rank == 0) != (disturbance_.kind == Kind::rank_zero_killed);
      });
  }
  const std::size_t wanted = victims_of(disturbance_.kind);
  std::vector<Seen> chosen;
  if (possible.size() < wanted) return chosen;
  for (std::size_t i = 0; i < wanted; ++i)
    chosen.push_back(possible[(disturbance_.choice + i) % possible.size()]);
  return chosen;
}

void Strike::strike() {
  const bool running = e2e::journal_bytes(run_) > bytes_before_;
  // A rank that hangs while MPI starts holds up plain mpirun for ever, and the others for minutes: the first
  // is for no test, the second for few.
  const bool may_hang_start = way_ != Way::plain && disturbance_.choice % 8 == 0;
  if (disturbance_.kind == Kind::worker_stopped && !running && !may_hang_start) return;
  for (const Seen& process : targets()) {
    if (::kill(process.id, signal_of(disturbance_.kind)) != 0) continue;
    struck_.push_back(process.id);
    const bool outside_ranks = process.rank < 0;
    hit_rank_zero_ = hit_rank_zero_ || outside_ranks || process.rank == 0;
  }
  if (struck_.empty()) return;
  hit_ = true;
  hit_running_ = running;
  if (disturbance_.kind == Kind::worker_paused) wake_ = steady_clock::now() + disturbance_.pause;
}

}  // namespace mpifarm::chaos

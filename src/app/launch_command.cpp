#include "app/launch_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/host_probe.hpp"
#include "app/launcher_process.hpp"
#include "app/signals.hpp"
#include "app/slurm_job.hpp"
#include "base/amounts.hpp"
#include "base/clock.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/processes.hpp"
#include "describe/json.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{20};
constexpr Nanos patience_with_launcher =
    std::chrono::seconds{10};  // to end once rank 0 has said how it ended
constexpr auto patience_with_term = std::chrono::seconds{5};
constexpr Nanos look_at_ranks_every = std::chrono::seconds{1};
constexpr Nanos patience_with_spawn = std::chrono::seconds{60};  // of ranks, or of what starts them elsewhere
constexpr Nanos patience_with_stopped = std::chrono::seconds{20};
constexpr auto most_back_off = std::chrono::seconds{60};

// What the run's own files say of its end, for a rank 0 that could not reach the status file: it ran on
// another host. A lock that was left means that it was killed.
std::optional<EndOfRun> end_of_files(const RunDirectory& run) try {
  std::error_code unseen;
  if (std::filesystem::exists(run.lock(), unseen) || !std::filesystem::exists(run.summary(), unseen))
    return {};
  const describe::Value summary = describe::parse_json(read_file(run.summary()));
  const auto field = [&](const char* name) {
    const describe::Value* value = summary.find(name);
    return value == nullptr ? std::string{} : describe::to_json(*value);
  };
  const auto end = [](ExitStatus status, Stopped stopped) {
    return EndOfRun{static_cast<int>(status), stopped};
  };
  if (field("status") == "\"complete\"")
    return end(field("failed") == "0" ? ExitStatus::success : ExitStatus::tasks_failed, Stopped::no);
  for (const Stopped stopped : {Stopped::asked, Stopped::time_up})
    if (field("stopped") == describe::to_json(describe::Value{std::string{to_string(stopped)}}))
      return end(ExitStatus::resumable, stopped);
  return std::nullopt;
} catch (const std::exception& failure) {
  log::debug(failure.what());
  return std::nullopt;
}

// Looks after one start until the launcher has ended.
class Watch {
 public:
  Watch(LauncherProcess& launcher, const StatusFile& status, const RunDirectory& run, int& signals_passed)
      : launcher_{launcher}, status_{status}, run_{run}, signals_passed_{signals_passed} {}

  // False when the launcher never had a rank.
  bool until_ended() {
    while (launcher_.running()) {
      pass_signals_on();
      const TimePoint now = Clock::now();
      end_what_hangs(now);
      look_at_ranks(now);
      std::this_thread::sleep_for(look);
    }
    return had_ranks_;
  }

 private:
  // mpirun passes SIGUSR1 on to all ranks; on others it kills them soon after.
  void pass_signals_on() {
    for (const int caught = signals_caught(); signals_passed_ < caught; ++signals_passed_)
      launcher_.kill(SIGUSR1);
  }
  // mpirun may wait for ever for a rank that was lost.
  void end_what_hangs(TimePoint now) {
    if (!rank_zero_ended_ && status_.read()) rank_zero_ended_ = now;
    if (!rank_zero_ended_) return;
    if (now >= *rank_zero_ended_ + patience_with_launcher + patience_with_term)
      launcher_.kill(SIGKILL);
    else if (now >= *rank_zero_ended_ + patience_with_launcher)
      launcher_.kill(SIGTERM);
  }

  // A suspension of all does not count: this process would not look either.
  void look_at_ranks(TimePoint now) {
    if (now < next_look_at_ranks_) return;
    next_look_at_ranks_ = now + (had_ranks_ ? look_at_ranks_every : Nanos{look});
    end_stopped_master();
    const bool any = !living_children_of(launcher_.id()).empty();
    had_ranks_ = had_ranks_ || any;
    without_ranks_for_ =
        any ? Nanos{0} : without_ranks_for_ + (had_ranks_ ? look_at_ranks_every : Nanos{look});
    const Nanos patience = had_ranks_ ? patience_with_launcher : patience_with_spawn;
    if (without_ranks_for_ >= patience && !rank_zero_ended_) rank_zero_ended_ = now - patience_with_launcher;
  }
  // The other ranks leave a rank 0 that is stopped alone, and mpirun waits for it.
  void end_stopped_master() {
    const auto master = lock_process(run_);
    const bool stopped = master && process_state(static_cast<pid_t>(*master)) == 'T';
    stopped_for_ = stopped ? stopped_for_ + look_at_ranks_every : Nanos{0};
    if (stopped_for_ < patience_with_stopped) return;
    log::warning("rank 0 was stopped for " + duration_text(seconds(stopped_for_)) + " and is ended");
    ::kill(static_cast<pid_t>(*master), SIGKILL);
    stopped_for_ = Nanos{0};
  }

  LauncherProcess& launcher_;
  const StatusFile& status_;
  const RunDirectory& run_;
  int& signals_passed_;
  TimePoint next_look_at_ranks_{};
  Nanos stopped_for_{}, without_ranks_for_{};
  bool had_ranks_ = false;
  std::optional<TimePoint> rank_zero_ended_;
};

// Hosts that lost ranks, as rank 0 wrote last.
std::vector<std::string> hosts_of_losses(const RunDirectory& run) try {
  const describe::Value status = describe::parse_json(read_file(run.status()));
  std::vector<std::string> hosts;
  if (const describe::Value* lost = status.find("lost_hosts"))
    describe::from_value(*lost, hosts, "lost_hosts");
  return hosts;
} catch (const std::exception& failure) {
  log::debug(failure.what());
  return {};
}

// The size of what rank 0 writes as soon as it has the run.
std::uintmax_t log_bytes(const RunDirectory& run) {
  std::error_code unseen;
  const std::uintmax_t bytes = std::filesystem::file_size(run.log(), unseen);
  return unseen ? 0 : bytes;
}

// One launch: start after start.
class Supervisor {
 public:
  explicit Supervisor(const LaunchCommand& command)
      : command_{command}, plan_{command.plan}, directory_{command.directory} {
    if (plan_.hosts.empty() && in_slurm_job()) plan_.hosts = slurm_hosts();
  }

  int run() {
    for (unsigned relaunched = 0;; ++relaunched) {
      const auto [status, stopped] = start();
      const bool again = signals_passed_ == 0 && stopped == Stopped::no &&
                         status == static_cast<int>(ExitStatus::resumable) &&
                         relaunched < command_.relaunches && command_.repeatable;
      const bool found_failed = again && find_failed_hosts();
      if (refused_ && !found_failed)
        throw MachineryFailure{std::string{name_of(plan_.launcher)} +
                               " ended before it had started a rank; see what it says above"};
      if (again && wait_for_turn(relaunched)) continue;
      if (command_.chain) carry_on_in_next_job(stopped);
      return status;
    }
  }

 private:
  EndOfRun start() {
    status_file_.clear();
    const std::uintmax_t log_before = log_bytes(directory_);
    LauncherProcess launcher{launch_words(plan_, program(), affinity_cpus().size()), status_file_.path()};
    const bool had_ranks = Watch{launcher, status_file_, directory_, signals_passed_}.until_ended();
    if (launcher.not_found())
      throw MachineryFailure{std::string{name_of(plan_.launcher)} +
                             " cannot be started (it is not in PATH); load the module that brings it"};
    // Rank 0 says nothing when it was killed, and what it was killed in the middle of can be carried on.
    std::optional<EndOfRun> said = status_file_.read();
    if (!said) said = end_of_files(directory_);
    // Ranks are children of mpirun, but not of srun.
    began_ = said || log_bytes(directory_) != log_before || (plan_.launcher == Launcher::mpirun && had_ranks);
    refused_ = !began_ && launcher.refused();
    return said.value_or(EndOfRun{static_cast<int>(ExitStatus::resumable), Stopped::no});
  }

  // Tries where ranks were lost; everywhere, when the last start had none. True when it found some.
  bool find_failed_hosts() {
    std::vector<std::string> suspects = living_hosts(plan_);
    if (began_) {
      std::vector<std::string> lost = hosts_of_losses(directory_);
      lost.push_back(lock_host(directory_).value_or(""));  // rank 0's, which was killed
      std::erase_if(suspects, [&](const std::string& host) { return std::ranges::count(lost, host) == 0; });
    }
    const std::vector<std::string> failed = silent_hosts(plan_, suspects);
    if (refused_ && failed.size() == plan_.hosts.size()) return false;  // it is not the hosts
    for (const std::string& host : failed) log::warning(host + " starts no process any more and is left out");
    plan_.failed.insert(plan_.failed.end(), failed.begin(), failed.end());
    return !failed.empty();
  }

  // False when there shall be no further start.
  bool wait_for_turn(unsigned relaunched) const {
    if (!plan_.hosts.empty() && living_hosts(plan_).empty()) {
      log::warning("no host is left to start the run on");
      return false;
    }
    const auto back_off = std::min(std::chrono::seconds{1U << std::min(relaunched, 6U)}, most_back_off);
    log::warning(fmt::format("the run ended before it was complete; start {} of {} from its journal in {} s",
                             relaunched + 2, command_.relaunches + 1, back_off.count()));
    for (const TimePoint next = Clock::now() + back_off; Clock::now() < next && signals_caught() == 0;)
      std::this_thread::sleep_for(look);
    return signals_caught() == 0;
  }

  // Only what has no time left here: what was asked to stop shall stop, and what dies, would die there.
  void carry_on_in_next_job(Stopped stopped) const {
    const bool for_time = signals_passed_ > 0 ? only_time_signals() : stopped == Stopped::time_up;
    if (!for_time) return;
    const unsigned left = chain_left(*command_.chain);
    if (left == 0) return log::warning("the chain of jobs is at its end (--chain); the run is unfinished");
    log::warning("job " + submit_continuation(command_.directory, left - 1) +
                 " carries the run on when this one has ended (" + std::to_string(left - 1) +
                 " more may follow)");
  }

  std::vector<std::string> program() const {
    std::vector<std::string> words{std::filesystem::read_symlink("/proc/self/exe").string(), "run"};
    words.insert(words.end(), command_.arguments.begin(), command_.arguments.end());
    if (directory_.is_run()) words.emplace_back("--continue");
    // Its launcher has ended and its host starts nothing: that master is no more.
    const auto master_host = lock_host(directory_);
    if (master_host && std::ranges::count(plan_.failed, *master_host) > 0) words.emplace_back("--force");
    return words;
  }

  const LaunchCommand& command_;
  LaunchPlan plan_;
  const RunDirectory directory_;
  const StatusFile status_file_;
  int signals_passed_ = 0;
  bool began_ = false, refused_ = false;  // rank 0 of the last start; its launcher, before that
};

}  // namespace

int launch(const LaunchCommand& command) {
  catch_signals();
  return Supervisor{command}.run();
}

}  // namespace mpifarm::app

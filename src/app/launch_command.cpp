#include "app/launch_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "app/host_probe.hpp"
#include "app/launcher.hpp"
#include "app/launcher_process.hpp"
#include "app/master_word.hpp"
#include "app/run_files.hpp"
#include "app/signals.hpp"
#include "app/slurm_job.hpp"
#include "app/startup_watch.hpp"
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
constexpr Nanos look_every = std::chrono::milliseconds{200};        // at files and processes
constexpr Nanos patience_with_launcher = std::chrono::seconds{10};  // to end when rank 0 or all ranks have
constexpr Nanos patience_with_term = std::chrono::seconds{5};
constexpr Nanos patience_with_spawn = std::chrono::minutes{2};   // of rank 0
constexpr Nanos patience_with_ranks = std::chrono::seconds{30};  // to leave when MPI does not start
constexpr Nanos patience_with_master =
    std::chrono::seconds{20};          // between two signs of life, of some two seconds
constexpr int most_silent_starts = 2;  // rank 0 may have been killed in one
constexpr auto most_back_off = std::chrono::seconds{60};

// Looks after one start until the launcher has ended.
class Watch {
 public:
  Watch(LauncherProcess& launcher, const LaunchPlan& plan, const MasterWordFile& master, int& signals_passed)
      : launcher_{launcher},
        is_mpirun_{plan.launcher == Launcher::mpirun},
        patience_with_mpi_{longest_start(plan.ranks) + patience_with_ranks},
        master_{master},
        signals_passed_{signals_passed} {}

  void until_ended() {
    while (launcher_.running()) {
      pass_signals_on();
      const TimePoint now = Clock::now();
      if (now >= next_look_) {
        next_look_ = now + look_every;
        look_at_master();
        look_at_ranks();
        end_what_hangs(now);
      }
      std::this_thread::sleep_for(look);
    }
  }
  bool had_children() const { return had_children_; }
  bool ended_master() const { return ended_master_; }  // it was given up before it had said that it ends

 private:
  // mpirun passes SIGUSR1 and SIGUSR2 on to all ranks; on SIGTERM and SIGINT it kills them soon after. That
  // is good enough before the run has begun, when not every rank can take a signal yet.
  void pass_signals_on() {
    if (signals_passed_ == signals_caught()) return;
    word_ = master_.read();
    const bool early = word_.phase < MasterWord::Phase::alive;
    for (const int caught = signals_caught(); signals_passed_ < caught; ++signals_passed_)
      if (!early) launcher_.kill(only_time_signals() ? SIGUSR1 : SIGUSR2);
    if (early) give_up("");
  }

  // Time is counted in looks: while all are suspended, this process does not look either.
  void look_at_master() {
    const MasterWord word = master_.read();
    const bool news = word.phase != word_.phase || word.turns != word_.turns;
    word_ = word;
    silent_for_ = news ? Nanos{0} : silent_for_ + look_every;
    if (word_.phase == MasterWord::Phase::none && silent_for_ >= patience_with_spawn)
      give_up("no rank 0 was there within " + duration_text(seconds(Nanos{patience_with_spawn})));
    if (word_.phase == MasterWord::Phase::begun && silent_for_ >= patience_with_mpi_)
      give_up("MPI has not begun within " + duration_text(seconds(patience_with_mpi_)));
    if (word_.phase == MasterWord::Phase::alive && silent_for_ >= patience_with_master)
      give_up("rank 0 gave no sign of life for " + duration_text(seconds(Nanos{patience_with_master})));
    const bool over = word_.phase == MasterWord::Phase::ended || word_.phase == MasterWord::Phase::unstarted;
    if (over && silent_for_ >= patience_with_launcher) give_up("");
  }

  // mpirun may wait for ever for ranks that are gone: those of this host are its children, and what starts
  // ranks elsewhere. srun has no ranks among its children.
  void look_at_ranks() {
    const bool any = !living_children_of(launcher_.id()).empty();
    had_children_ = had_children_ || any || (is_mpirun_ && word_.phase != MasterWord::Phase::none);
    childless_for_ = any || !had_children_ ? Nanos{0} : childless_for_ + look_every;
    if (childless_for_ >= patience_with_launcher) give_up("");
  }

  void give_up(const std::string& why) {
    if (gave_up_) return;
    gave_up_ = Clock::now();
    ended_master_ = word_.phase != MasterWord::Phase::ended;
    if (!why.empty()) log::warning(why + ": the launcher is ended");
    launcher_.kill(SIGTERM);
  }
  void end_what_hangs(TimePoint now) {
    if (gave_up_ && now >= *gave_up_ + patience_with_term) launcher_.kill(SIGKILL);
  }

  LauncherProcess& launcher_;
  const bool is_mpirun_;
  const Nanos patience_with_mpi_;  // to begin
  const MasterWordFile& master_;
  int& signals_passed_;
  TimePoint next_look_{};
  MasterWord word_;
  Nanos silent_for_{}, childless_for_{};
  bool had_children_ = false, ended_master_ = false;
  std::optional<TimePoint> gave_up_;
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

// While the supervisor waits before a further start: `stop` finds it, and leaves its request.
class RelaunchMark {
 public:
  explicit RelaunchMark(const RunDirectory& run) : run_{run} {
    if (run_.is_run()) replace_file(run_.relaunching(), this_process());
  }
  RelaunchMark(const RelaunchMark&) = delete;
  RelaunchMark& operator=(const RelaunchMark&) = delete;
  ~RelaunchMark() {
    std::error_code ignored;
    std::filesystem::remove(run_.relaunching(), ignored);
  }
  bool is_stopped() const {
    std::error_code unseen;
    return std::filesystem::remove(run_.stop_request(), unseen);
  }

 private:
  const RunDirectory& run_;
};

// One launch: start after start.
class Supervisor {
 public:
  explicit Supervisor(const LaunchCommand& command)
      : command_{command},
        plan_{command.plan},
        program_{std::filesystem::read_symlink("/proc/self/exe").string()},
        directory_{command.directory},
        master_{directory_.path} {
    if (plan_.hosts.empty() && in_slurm_job()) plan_.hosts = slurm_hosts();
    plan_.variables.emplace_back(master_word_variable);
    if (std::getenv("MPIFARM_TOKEN") != nullptr) plan_.variables.emplace_back("MPIFARM_TOKEN");
  }

  int run() {
    for (unsigned relaunched = 0;; ++relaunched) {
      EndOfRun end = start();
      // It was good before: another master may still hold it.
      if (relaunched > 0 && end.status == static_cast<int>(ExitStatus::bad_input))
        end = {static_cast<int>(ExitStatus::resumable), Stopped::asked};
      const bool again = signals_passed_ == 0 && end.stopped == Stopped::no &&
                         end.status == static_cast<int>(ExitStatus::resumable) &&
                         relaunched < command_.relaunches && command_.journaled && command_.repeatable;
      const bool found_failed = again && find_failed_hosts();
      const bool nothing = !began_ && !again && signals_passed_ == 0 && !directory_.is_run();
      if ((refused_ && !found_failed) || nothing)
        throw MachineryFailure{std::string{name_of(plan_.launcher)} +
                               " ended before it had started a rank; see what it says above"};
      if (again && wait_for_turn(relaunched)) continue;
      if (command_.chain && end.status == static_cast<int>(ExitStatus::resumable))
        carry_on_in_next_job(end.stopped);
      return died_ ? status_of_death() : end.status;
    }
  }

 private:
  // Rank 0 says nothing when it was killed, and what it was killed in the middle of can be carried on.
  EndOfRun start() {
    master_.clear();
    LauncherProcess launcher{launch_words(plan_, words_of_run(), affinity_cpus().size()), master_.path(),
                             command_.reads_input, launch_variables(plan_)};
    Watch watch{launcher, plan_, master_, signals_passed_};
    watch.until_ended();
    const MasterWord word = master_.read();
    began_ = word.phase != MasterWord::Phase::none;
    had_mpi_ = word.phase >= MasterWord::Phase::alive;
    died_ = word.phase != MasterWord::Phase::ended;
    silent_starts_ = began_ || !launcher.succeeded() ? 0 : silent_starts_ + 1;
    if (silent_starts_ >= most_silent_starts)
      throw MachineryFailure{"rank 0 has said nothing in " + std::to_string(silent_starts_) + " starts (is " +
                             master_.path().parent_path().string() +
                             " there on its host?); give --run a directory that all hosts share"};
    // What mpirun has started may have been a rank, or what starts ranks elsewhere.
    refused_ = !began_ && launcher.refused() && !(plan_.launcher == Launcher::mpirun && watch.had_children());
    if (died_) return {static_cast<int>(ExitStatus::resumable), Stopped::no};
    return {word.end.status, watch.ended_master() ? Stopped::no : word.end.stopped};
  }

  // Says what can be done, since rank 0 did not.
  int status_of_death() const {
    if (!directory_.is_run() && signals_caught() == 0)
      throw MachineryFailure{"no run has begun; see what is said above"};
    if (directory_.is_run())
      log::warning("the run is unfinished; " + how_to_carry_on(directory_, read_manifest(directory_)));
    else
      log::warning("stopped by a signal before anything ran; start it again");
    return static_cast<int>(command_.journaled ? ExitStatus::resumable : ExitStatus::machinery);
  }

  // Tries where ranks were lost; everywhere, when the last start did not get as far as that, or when the
  // names are others than the hosts have for themselves. True when it found some.
  bool find_failed_hosts() {
    std::vector<std::string> suspects = living_hosts(plan_);
    if (had_mpi_) {
      std::vector<std::string> lost = hosts_of_losses(directory_);
      if (const auto host = lock_host(directory_)) lost.push_back(*host);  // rank 0's, which was killed
      const auto is_ours = [&](const std::string& host) { return std::ranges::count(plan_.hosts, host) > 0; };
      if (std::ranges::all_of(lost, is_ours))
        std::erase_if(suspects, [&](const std::string& host) { return std::ranges::count(lost, host) == 0; });
    }
    const std::vector<std::string> failed = silent_hosts(plan_, suspects);
    if (signals_caught() > 0 || (refused_ && failed.size() == plan_.hosts.size()))
      return false;  // it is not the hosts
    for (const std::string& host : failed) log::warning(host + " starts no process any more and is left out");
    plan_.failed.insert(plan_.failed.end(), failed.begin(), failed.end());
    return !failed.empty();
  }

  // False when there shall be no further start.
  bool wait_for_turn(unsigned relaunched) const {
    if (signals_caught() > 0) return false;
    if (!plan_.hosts.empty() && living_hosts(plan_).empty()) {
      log::warning("no host is left to start the run on");
      return false;
    }
    const auto back_off = std::min(std::chrono::seconds{1U << std::min(relaunched, 6U)}, most_back_off);
    log::warning(fmt::format("the run ended before it was complete; start {} of {} from its journal in {} s",
                             relaunched + 2, command_.relaunches + 1, back_off.count()));
    const RelaunchMark mark{directory_};
    for (const TimePoint next = Clock::now() + back_off; Clock::now() < next;
         std::this_thread::sleep_for(look))
      if (signals_caught() > 0 || mark.is_stopped()) return false;
    return true;
  }

  // Only what has no time left here: what was asked to stop shall stop, and what dies, would die there.
  void carry_on_in_next_job(Stopped stopped) const try {
    const bool for_time = signals_caught() > 0 ? only_time_signals() : stopped == Stopped::time_up;
    if (!for_time) return;
    const unsigned left = chain_left(*command_.chain);
    if (left == 0) return log::warning("the chain of jobs is at its end (--chain); the run is unfinished");
    log::warning("job " + submit_continuation(command_.directory, left - 1) +
                 " carries the run on when this one has ended (" + std::to_string(left - 1) +
                 " more may follow)");
  } catch (const MachineryFailure& failure) {
    log::warning(failure.what());
  }

  std::vector<std::string> words_of_run() const {
    std::vector<std::string> words{program_, "run"};
    if (directory_.is_run()) words.emplace_back("--continue");
    // Its launcher has ended and its host starts nothing any more.
    const auto master_host = lock_host(directory_);
    if (master_host && std::ranges::count(plan_.failed, *master_host) > 0) words.emplace_back("--force");
    words.insert(words.end(), command_.arguments.begin(), command_.arguments.end());
    return words;
  }

  const LaunchCommand& command_;
  LaunchPlan plan_;
  const std::string program_;
  const RunDirectory directory_;
  const MasterWordFile master_;
  int signals_passed_ = 0;
  // Of the last start: rank 0 was there; all ranks were; the launcher ended before that.
  bool began_ = false, had_mpi_ = false, refused_ = false;
  bool died_ = false;      // before rank 0 had said how the run ends
  int silent_starts_ = 0;  // of the last ones, those in which rank 0 said nothing and its launcher is content
};

}  // namespace

int launch(const LaunchCommand& command) {
  if (const auto launched = launched_as(); launched && launched->size > 1 && is_under_launcher())
    throw BadInput{"launch was itself started " + std::to_string(launched->size) +
                   " times, by mpirun or srun; call it once, it starts the ranks"};
  catch_signals();
  return Supervisor{command}.run();
}

}  // namespace mpifarm::app

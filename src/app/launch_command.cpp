#include "app/launch_command.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "app/signals.hpp"
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

constexpr const char* status_variable = "MPIFARM_STATUS_FILE";
constexpr auto look = std::chrono::milliseconds{20};
constexpr Nanos patience_with_launcher =
    std::chrono::seconds{10};  // to end once rank 0 has said how it ended
constexpr auto patience_with_term = std::chrono::seconds{5};
constexpr Nanos look_at_ranks_every = std::chrono::seconds{1};
constexpr Nanos patience_with_spawn = std::chrono::seconds{60};  // of ranks, or of what starts them elsewhere
constexpr Nanos patience_with_stopped = std::chrono::seconds{20};
constexpr auto most_back_off = std::chrono::seconds{60};

// Where rank 0 says how it ended; gone with the supervisor.
class StatusFile {
 public:
  StatusFile() {
    std::string name = std::filesystem::temp_directory_path() / "mpifarm-launch-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw_errno(name, "created");
    directory_ = name;
  }
  StatusFile(const StatusFile&) = delete;
  StatusFile& operator=(const StatusFile&) = delete;
  ~StatusFile() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  std::filesystem::path path() const { return directory_ / "status"; }
  std::optional<int> read() const {
    int status = 0;
    return std::ifstream{path()} >> status ? std::optional{status} : std::nullopt;
  }
  void clear() const { std::filesystem::remove(path()); }

 private:
  std::filesystem::path directory_;
};

// One start of mpirun.
class Launcher {
 public:
  Launcher(const std::vector<std::string>& words, const std::filesystem::path& status_file) : id_{fork()} {
    if (id_ < 0) throw MachineryFailure{"mpirun cannot be started (" + errno_text(errno) + ")"};
    if (id_ == 0) become(words, status_file);
  }
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  ~Launcher() {
    if (running()) kill(SIGKILL);
    while (running()) std::this_thread::sleep_for(look);
  }

  bool running() {
    if (ended_) return false;
    int status = 0;
    if (waitpid(id_, &status, WNOHANG) != id_) return true;
    ended_ = true;
    not_found_ = WIFEXITED(status) && WEXITSTATUS(status) == exec_failed;
    refused_ = WIFEXITED(status) && WEXITSTATUS(status) != 0;
    return false;
  }
  bool not_found() const { return not_found_; }
  bool refused() const { return refused_; }  // it ended by itself and failed
  pid_t id() const { return id_; }
  void kill(int signal) const { ::kill(id_, signal); }

 private:
  static constexpr int exec_failed = 127;

  // In a process group of its own: what the terminal sends comes to the ranks by way of the supervisor alone.
  [[noreturn]] static void become(const std::vector<std::string>& words,
                                  const std::filesystem::path& status_file) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_DFL);
    setenv(status_variable, status_file.c_str(), 1);
    setenv("OMPI_MCA_orte_enable_recovery", "1", 1);
    if (geteuid() == 0) {
      setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
      setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    std::_Exit(exec_failed);
  }

  pid_t id_;
  bool ended_ = false, not_found_ = false, refused_ = false;
};

// What the run's own files say of its end, for a rank 0 that could not reach the status file: it ran on
// another host. A lock that was left means that it was killed.
std::optional<int> status_of_files(const RunDirectory& run) try {
  std::error_code unseen;
  if (std::filesystem::exists(run.lock(), unseen) || !std::filesystem::exists(run.summary(), unseen))
    return {};
  const describe::Value summary = describe::parse_json(read_file(run.summary()));
  const auto* status = summary.find("status");
  const auto* failed = summary.find("failed");
  if (status == nullptr || failed == nullptr || describe::to_json(*status) != "\"complete\"") return {};
  return static_cast<int>(describe::to_json(*failed) == "0" ? ExitStatus::success : ExitStatus::tasks_failed);
} catch (const std::exception& failure) {
  log::debug(failure.what());
  return std::nullopt;
}

// Looks after one start until the launcher has ended.
class Watch {
 public:
  Watch(Launcher& launcher, const StatusFile& status, const RunDirectory& run, int& signals_passed)
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

  Launcher& launcher_;
  const StatusFile& status_;
  const RunDirectory& run_;
  int& signals_passed_;
  TimePoint next_look_at_ranks_{};
  Nanos stopped_for_{}, without_ranks_for_{};
  bool had_ranks_ = false;
  std::optional<TimePoint> rank_zero_ended_;
};

std::vector<std::string> launcher_words(const LaunchCommand& command, bool again) {
  std::vector<std::string> words{"mpirun", "-n", std::to_string(command.ranks), "--bind-to", "none"};
  if (static_cast<std::size_t>(command.ranks) > affinity_cpus().size()) words.emplace_back("--oversubscribe");
  words.insert(words.end(), command.mpirun.begin(), command.mpirun.end());
  words.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  words.emplace_back("run");
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  if (again) words.emplace_back("--continue");
  return words;
}

bool worth_another_start(int status, bool signalled) {
  return !signalled && status == static_cast<int>(ExitStatus::resumable);
}

}  // namespace

int launch(const LaunchCommand& command) {
  catch_signals();
  const StatusFile status_file;
  const RunDirectory directory{command.directory};
  int signals_passed = 0;
  for (unsigned relaunched = 0;; ++relaunched) {
    status_file.clear();
    Launcher launcher{launcher_words(command, directory.is_run()), status_file.path()};
    const bool had_ranks = Watch{launcher, status_file, directory, signals_passed}.until_ended();
    if (launcher.not_found())
      throw MachineryFailure{
          "mpirun cannot be started (it is not in PATH); install Open MPI, or load its module"};
    if (!had_ranks && launcher.refused())
      throw MachineryFailure{"mpirun ended before it had started a rank; see what it says above"};
    // Rank 0 says nothing when it was killed, and what it was killed in the middle of can be carried on.
    std::optional<int> said = status_file.read();
    if (!said) said = status_of_files(directory);
    const int status = said.value_or(static_cast<int>(ExitStatus::resumable));
    if (!worth_another_start(status, signals_passed > 0)) return status;
    if (relaunched == command.relaunches || !command.repeatable) return status;
    const auto back_off = std::min(std::chrono::seconds{1U << std::min(relaunched, 6U)}, most_back_off);
    log::warning(fmt::format("the run ended before it was complete; start {} of {} from its journal in {} s",
                             relaunched + 2, command.relaunches + 1, back_off.count()));
    for (const TimePoint next = Clock::now() + back_off; Clock::now() < next && signals_caught() == 0;)
      std::this_thread::sleep_for(look);
    if (signals_caught() > 0) return status;
  }
}

// Where it cannot be written, rank 0 runs on another host than the supervisor; the run's end goes on all the
// same.
void tell_launcher(int status) try {
  if (const char* file = std::getenv(status_variable)) replace_file(file, std::to_string(status) + "\n");
} catch (const MachineryFailure& failure) {
  log::debug(failure.what());
}

}  // namespace mpifarm::app

#include "app/launcher_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace mpifarm::app {
namespace {

constexpr const char* status_variable = "MPIFARM_STATUS_FILE";
constexpr auto look = std::chrono::milliseconds{20};
constexpr auto patience_with_term = std::chrono::seconds{3};

void set_environment(const std::filesystem::path& status_file) {
  setenv(status_variable, status_file.c_str(), 1);
  setenv("OMPI_MCA_orte_enable_recovery", "1", 1);
  if (geteuid() == 0) {
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }
}

void silence() {
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, stream);
}

}  // namespace

StatusFile::StatusFile() {
  std::string name = std::filesystem::temp_directory_path() / "mpifarm-launch-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw_errno(name, "created");
  directory_ = name;
}

StatusFile::~StatusFile() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::optional<EndOfRun> StatusFile::read() const {
  EndOfRun end;
  int stopped = 0;
  if (!(std::ifstream{path()} >> end.status >> stopped)) return std::nullopt;
  end.stopped = static_cast<Stopped>(stopped);
  return end;
}

LauncherProcess::LauncherProcess(const std::vector<std::string>& words,
                                 const std::filesystem::path& status_file)
    : id_{fork()} {
  if (id_ < 0) throw MachineryFailure{words[0] + " cannot be started (" + errno_text(errno) + ")"};
  if (id_ > 0) return;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_DFL);
  set_environment(status_file);
  if (status_file.empty()) silence();
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  std::_Exit(exec_failed);
}

// srun ends what it started when it is asked to, and leaves it when it is killed.
LauncherProcess::~LauncherProcess() {
  if (running()) kill(SIGTERM);
  const TimePoint until = Clock::now() + patience_with_term;
  while (running()) {
    if (Clock::now() >= until) kill(SIGKILL);
    std::this_thread::sleep_for(look);
  }
}

bool LauncherProcess::running() {
  if (ended_) return false;
  int status = 0;
  if (waitpid(id_, &status, WNOHANG) != id_) return true;
  ended_ = true;
  if (WIFEXITED(status)) exit_status_ = WEXITSTATUS(status);
  return false;
}

void LauncherProcess::kill(int signal) {
  signalled_ = signalled_ || signal == SIGTERM || signal == SIGKILL;
  ::kill(id_, signal);
}

// Where it cannot be written, rank 0 runs on another host than the supervisor; the run's end goes on all the
// same.
void tell_launcher(EndOfRun end) try {
  const char* file = std::getenv(status_variable);
  if (file != nullptr && *file != '\0')
    replace_file(file,
                 std::to_string(end.status) + ' ' + std::to_string(static_cast<int>(end.stopped)) + '\n');
} catch (const MachineryFailure& failure) {
  log::debug(failure.what());
}

}  // namespace mpifarm::app

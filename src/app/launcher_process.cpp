#include "app/launcher_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "app/master_word.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "compute/helper.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look = std::chrono::milliseconds{20};
constexpr auto patience_with_term = std::chrono::seconds{3};

// Sets those that the user has not set, and lists them, so that no task sees them.
void add_variables(const Variables& variables) {
  std::string added;
  for (const auto& [name, value] : variables) {
    if (std::getenv(name.c_str()) != nullptr) continue;
    setenv(name.c_str(), value.c_str(), 1);
    added += (added.empty() ? "" : ",") + name;
  }
  setenv(added_variables, added.c_str(), 1);
}

void set_environment(const std::filesystem::path& master_word) {
  setenv(master_word_variable, master_word.c_str(), 1);
  setenv("OMPI_MCA_orte_enable_recovery", "1", 1);
  if (geteuid() == 0) {
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  }
}

void leave_streams(const std::vector<int>& streams) {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int stream : streams) dup2(nowhere, stream);
}

[[noreturn]] void become(const std::vector<std::string>& words, const std::filesystem::path& master_word,
                         bool reads_input, const Variables& defaults, int report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (const int ignored : {SIGPIPE, SIGXFSZ}) std::signal(ignored, SIG_DFL);
  set_environment(master_word);
  Variables variables = defaults;
  variables.emplace_back("SLURM_OVERLAP",
                         "1");  // the step of a start that died may still hold a node's cores
  add_variables(variables);
  if (!reads_input) leave_streams({STDIN_FILENO});
  if (master_word.empty()) leave_streams({STDOUT_FILENO, STDERR_FILENO});
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  if (write(report, &error, sizeof error) < 0) {
  }  // the supervisor is gone
  std::_Exit(1);
}

}  // namespace

LauncherProcess::LauncherProcess(const std::vector<std::string>& words,
                                 const std::filesystem::path& master_word, bool reads_input,
                                 const Variables& defaults) {
  std::array<int, 2> ends{};  // closed by exec, or told why there was none
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno(words[0], "started");
  const FileDescriptor ours{ends[0]};
  FileDescriptor theirs{ends[1]};
  id_ = fork();
  if (id_ < 0) throw_errno(words[0], "started");
  if (id_ == 0) become(words, master_word, reads_input, defaults, theirs.get());
  theirs = FileDescriptor{};
  int error = 0;
  ssize_t count = 0;
  while ((count = read(ours.get(), &error, sizeof error)) < 0 && errno == EINTR) continue;
  if (count != static_cast<ssize_t>(sizeof error)) return;
  waitpid(id_, nullptr, 0);
  throw MachineryFailure{words[0] + " cannot be started (" + errno_text(error) +
                         "); install it, or load the module that brings it"};
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
  const pid_t waited = waitpid(id_, &status, WNOHANG);
  if (waited == 0 || (waited < 0 && errno == EINTR)) return true;
  ended_ = true;
  if (waited == id_ && WIFEXITED(status)) exit_status_ = WEXITSTATUS(status);
  return false;
}

void LauncherProcess::kill(int signal) {
  signalled_ = signalled_ || signal == SIGTERM || signal == SIGKILL;
  ::kill(id_, signal);
}

}  // namespace mpifarm::app

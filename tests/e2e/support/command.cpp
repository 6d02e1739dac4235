#include "support/command.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mpifarm::e2e {
namespace {

constexpr unsigned nobody = 65534;

std::string read_all(int file) {
  std::string text;
  char block[1 << 16];
  lseek(file, 0, SEEK_SET);
  for (ssize_t got = 0; (got = ::read(file, block, sizeof block)) > 0;)
    text.append(block, static_cast<std::size_t>(got));
  return text;
}

// What the child does between fork and exec: system calls alone.
struct Launch {
  const Command& command;
  int program, out, err;
  std::vector<char*> arguments, environment;

  [[noreturn]] void begin() const {
    setsid();  // so that whatever it starts is known by its session
    const int in = open("/dev/null", O_RDONLY);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(126);
    if (!command.directory.empty() && chdir(command.directory.c_str()) != 0) _exit(126);
    if (command.largest_file_bytes) {
      const rlimit limit{*command.largest_file_bytes, *command.largest_file_bytes};
      if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(126);
    }
    if (command.as_nobody && geteuid() == 0 &&
        (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0))
      _exit(126);
    fexecve(program, arguments.data(), environment.data());
    _exit(127);
  }
};

constexpr const char* marker = "MPIFARM_E2E_COMMAND";  // in the environment of all that a command starts

// The end of /proc/PID/environ's text is cut or gone with the process.
bool is_marked(const std::string& process, const std::string& mark) {
  std::ifstream file{"/proc/" + process + "/environ"};
  for (std::string entry; std::getline(file, entry, '\0');)
    if (entry == marker + ('=' + mark)) return true;
  return false;
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> texts;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text{*entry};
    if (!command.environment.contains(text.substr(0, text.find('=')))) texts.push_back(text);
  }
  for (const auto& [name, value] : command.environment) texts.push_back(name + "=" + value);
  return texts;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// The session of a process; nothing when it is gone. A zombie is not: its threads may still be dying, with
// its files open.
std::optional<pid_t> session_of(const std::string& process) {
  std::ifstream file{"/proc/" + process + "/stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields{line.substr(name_end + 1)};
  std::string state;
  pid_t parent = 0, group = 0, session = 0;
  fields >> state >> parent >> group >> session;
  return session;
}

// How children ended that somebody waited for; others may be waited for by another Process.
struct EndedChild {
  int status = 0;
  rusage used{};
};
std::map<pid_t, EndedChild>& ended_children() {
  static std::map<pid_t, EndedChild> ended;
  return ended;
}

}  // namespace

Process::Process(const Command& command)
    : deadline_{std::chrono::steady_clock::now() + command.deadline},
      out_{memfd_create("stdout", MFD_CLOEXEC)},
      err_{memfd_create("stderr", MFD_CLOEXEC)} {
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of the command stay ours, to be found and ended
  const int program = open(command.arguments.at(0).c_str(), O_RDONLY | O_CLOEXEC);
  if (program < 0 || out_ < 0 || err_ < 0)
    throw std::runtime_error{"cannot start " + command.arguments.at(0)};
  std::vector<std::string> arguments = command.arguments;
  static int commands = 0;
  mark_ = std::to_string(getpid()) + "." + std::to_string(++commands);
  std::vector<std::string> environment = environment_of(command);
  environment.push_back(marker + ('=' + mark_));
  const Launch launch{command, program, out_, err_, pointers(arguments), pointers(environment)};
  id_ = fork();
  if (id_ == 0) launch.begin();
  ended_children().erase(id_);
  close(program);
  if (id_ < 0) throw std::runtime_error{"cannot fork"};
}

Process::~Process() {
  kill_all();
  close(out_);
  close(err_);
}

void Process::signal(int number) const { ::kill(id_, number); }

std::vector<pid_t> Process::members() {
  reap();
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") == std::string::npos &&
        (session_of(name) == id_ || is_marked(name, mark_)))
      found.push_back(std::stoi(name));
  }
  return found;
}

// Again and again, as what is killed may just have started something.
void Process::kill_all() {
  wait_until([this] {
    const std::vector<pid_t> left = members();
    for (const pid_t process : left) ::kill(process, SIGKILL);
    return left.empty();
  });
}

bool Process::running() {
  reap();
  return !wait_status_;
}

void Process::reap() {
  EndedChild child;
  for (pid_t ended = 0; (ended = wait4(-1, &child.status, WNOHANG, &child.used)) > 0;)
    ended_children()[ended] = child;
  const auto found = ended_children().find(id_);
  if (found == ended_children().end()) return;
  wait_status_ = found->second.status;
  peak_kilobytes_ = found->second.used.ru_maxrss;
}

Ended Process::wait() {
  Ended ended;
  while (running()) {
    if (std::chrono::steady_clock::now() > deadline_) {
      ended.late = true;
      kill_all();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  const int status = *wait_status_;
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended.out = read_all(out_);
  ended.err = read_all(err_);
  ended.peak_kilobytes = peak_kilobytes_;
  return ended;
}

Ended run(const Command& command) { return Process{command}.wait(); }

}  // namespace mpifarm::e2e

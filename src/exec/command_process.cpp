#include "exec/command_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/file.hpp"
#include "compute/family.hpp"

namespace mpifarm::exec {
namespace {

constexpr Nanos longest_turn = std::chrono::milliseconds{100};  // then it is asked whether to stop
constexpr Nanos longest_stop = std::chrono::seconds{5};         // from SIGTERM to SIGKILL, when asked to
constexpr Nanos for_ever = Nanos::max();
constexpr Nanos look_every = std::chrono::milliseconds{20};  // at a command whose end nobody tells

// Frees what posix_spawn(3) is told.
class SpawnPlan {
 public:
  SpawnPlan(const Invocation& command, int input, int output, int error) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files_, error, STDERR_FILENO);
    if (!command.directory.empty()) posix_spawn_file_actions_addchdir_np(&files_, command.directory.c_str());
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }

  // errno, or 0.
  int start(const Invocation& command, pid_t& process) const {
    const auto pointers = [](const std::vector<std::string>& texts) {
      std::vector<char*> all;
      all.reserve(texts.size() + 1);
      for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
      all.push_back(nullptr);
      return all;
    };
    const std::vector<char*> environment = pointers(command.environment);
    const int error = posix_spawn(&process, command.program.c_str(), &files_, &attributes_,
                                  pointers(command.words).data(), environment.data());
    if (error != ENOEXEC) return error;
    // A script that names no interpreter is the shell's, as for execvp(3).
    std::vector<std::string> words = command.words;
    words.front() = command.program;
    words.insert(words.begin(), "/bin/sh");
    return posix_spawn(&process, "/bin/sh", &files_, &attributes_, pointers(words).data(),
                       environment.data());
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

// A file without a name that holds the text.
FileDescriptor text_to_read(const std::string& text) {
  FileDescriptor file{memfd_create("mpifarm-input", MFD_CLOEXEC)};
  for (std::size_t at = 0; file.get() >= 0 && at < text.size();) {
    const ssize_t count = write(file.get(), text.data() + at, text.size() - at);
    if (count < 0 && errno != EINTR) return FileDescriptor{};
    at += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  if (file.get() >= 0) lseek(file.get(), 0, SEEK_SET);
  return file;
}

FileDescriptor open_input(const Invocation& command) {
  if (command.has_input_text) return text_to_read(command.input_text);
  if (command.input_file.empty()) {
    static const FileDescriptor nothing{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    return FileDescriptor{fcntl(nothing.get(), F_DUPFD_CLOEXEC, 0)};
  }
  FileDescriptor file{open(command.input_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat facts {};
  if (file.get() < 0 || fstat(file.get(), &facts) != 0) return FileDescriptor{};
  if (S_ISFIFO(facts.st_mode)) {  // its bytes would go to one of many, and their end may never come
    errno = ESPIPE;
    return FileDescriptor{};
  }
  fcntl(file.get(), F_SETFL, 0);
  return file;
}

// A running command, and what it writes to.
class Listener {
 public:
  Listener(pid_t process, CommandStreams& streams)
      : process_{process}, end_{static_cast<int>(syscall(SYS_pidfd_open, process, 0))}, streams_{streams} {}

  // Until it has ended. A turn in which this process itself stood still counts for little.
  void listen(const Invocation& command, const StopRequested& stop, CommandEnd& end) {
    bool asked = false, killed = false;
    Nanos left = command.timeout > Nanos{} ? command.timeout : for_ever;
    while (true) {
      const TimePoint turn = Clock::now();
      if (wait(std::clamp<Nanos>(left, Nanos{}, longest_turn))) break;
      if (left != for_ever) left -= std::min<Nanos>(Clock::now() - turn, 2 * longest_turn);
      if (!asked && stop && stop()) end.stopped = true;
      if (killed || (left > Nanos{} && (asked || !end.stopped))) continue;
      if (!std::exchange(asked, true)) {
        end.timed_out = !end.stopped;
        left = end.stopped ? std::min(command.kill_after, longest_stop) : command.kill_after;
        if (left > Nanos{}) ::kill(-process_, SIGTERM);
        if (left > Nanos{}) continue;
      }
      killed = true;
      left = for_ever;
      kill_family(process_);
    }
  }

 private:
  // True when the command has ended.
  bool wait(Nanos most) {
    if (end_.get() < 0) most = std::min<Nanos>(most, look_every);
    std::array<pollfd, 3> events{pollfd{end_.get(), POLLIN, 0}};
    streams_.watch(&events[1]);
    const timespec patience{most / std::chrono::seconds{1}, (most % std::chrono::seconds{1}).count()};
    if (ppoll(events.data(), events.size(), &patience, nullptr) < 0) return false;
    streams_.take_in(&events[1]);
    return end_.get() < 0 ? is_dead() : events[0].revents != 0;
  }

  // Where the kernel has no pidfd_open(2), or does not let us.
  bool is_dead() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == process_;
  }

  pid_t process_;
  FileDescriptor end_;
  CommandStreams& streams_;
};

// A process begins with the peak of the one that started it: what is no more says nothing of its own.
long peak_kilobytes_of_ours() {
  rusage ours{};
  getrusage(RUSAGE_SELF, &ours);
  return ours.ru_maxrss;
}

CommandEnd not_started(int error, std::string what) {
  CommandEnd end;
  end.start_error = error;
  end.failed_on = std::move(what);
  return end;
}

}  // namespace

CommandEnd run_command(const Invocation& command, const TakeOutput& take, const StopRequested& stop) {
  CommandStreams streams{take};
  if (!streams.open()) return not_started(errno, "the command could not be started");
  const FileDescriptor input = open_input(command);
  if (input.get() < 0) return not_started(errno, command.input_file + " could not be read");
  if (!command.directory.empty() && access(command.directory.c_str(), X_OK) != 0)
    return not_started(errno, command.directory + " could not be entered");
  CommandEnd end;
  end.started = std::chrono::duration<double>{std::chrono::system_clock::now().time_since_epoch()}.count();
  const TimePoint begun = Clock::now();
  pid_t process = -1;
  const SpawnPlan plan{command, input.get(), streams.output(), streams.error()};
  if (const int problem = plan.start(command, process); problem != 0)
    return not_started(problem, command.program + " could not be started");
  streams.hand_over();
  try {
    Listener{process, streams}.listen(command, stop, end);
    end.duration = Clock::now() - begun;
    while (wait4(process, &end.wait_status, 0, &end.usage) < 0 && errno == EINTR) continue;
    if (end.usage.ru_maxrss <= peak_kilobytes_of_ours()) end.usage.ru_maxrss = 0;
    const bool ended_early = end.timed_out || end.stopped;
    const Leftover leftover = clear_up(streams, ended_early ? Nanos{} : command.output_wait, stop);
    if (!ended_early) end.leftover = leftover;  // else it was meant to be ended
    end.stopped = end.stopped || end.leftover.stopped;
  } catch (...) {
    kill_descendants([](pid_t) { return false; });
    throw;
  }
  return end;
}

}  // namespace mpifarm::exec

#include "compute/helper_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/pack.hpp"
#include "compute/child.hpp"
#include "compute/family.hpp"
#include "compute/helper.hpp"

extern char**
    environ;  // NOLINT(readability-redundant-declaration): the C library declares it only with GNU extensions

namespace mpifarm::helper {
namespace {

volatile std::sig_atomic_t making_job = 0;

void ignore(int) {}
// The rank has died: what else notices it waits for the job's constructor.
void leave_while_making(int) {
  if (making_job != 0) _exit(0);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

// The rank answers to these; what a task starts finds them as usual, since exec(2) drops handlers.
void ignore_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ})
    handle(signal, ignore);
}

void leave_streams() {
  const int null = open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, stream);
  if (null > STDERR_FILENO) close(null);
}

void close_all_but(int kept) {
  const auto descriptor = static_cast<unsigned>(kept);
  if (descriptor > 3) close_range(3, descriptor - 1, 0);
  close_range(descriptor + 1, ~0U, 0);
}

// An MPI program that a task starts must not take itself for one of this run's ranks.
void leave_launcher() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable{*entry};
    for (const std::string_view prefix :
         {"OMPI_", "PMIX_", "PMI_", "ORTE_", "HFI_NO_BACKTRACE=", "IPATH_NO_BACKTRACE="})
      if (variable.starts_with(prefix) && !variable.starts_with("OMPI_ALLOW_"))
        names.emplace_back(variable.substr(0, variable.find('=')));
  }
  if (const char* added = std::getenv(added_variables)) {
    std::istringstream list{added};
    for (std::string name; std::getline(list, name, ',');) names.push_back(name);
    names.emplace_back(added_variables);
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

void name_process(const char* name) { prctl(PR_SET_NAME, name); }

// No task is to ask anybody for a password, and wait for ever. Not setsid(2): the kernel would schedule a new
// session as a group of its own, where nice values say nothing about the rank's threads.
void leave_terminal() {
  const FileDescriptor terminal{open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
  if (terminal.get() >= 0) ioctl(terminal.get(), TIOCNOTTY);
}

// Bytes of data this process has, as RLIMIT_DATA counts them; 0 when the kernel does not say.
std::uint64_t data_bytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmData:")) return std::strtoull(line.c_str() + 7, nullptr, 10) << 10;
  return 0;
}

// Why the limit cannot be; empty when it can.
std::string memory_problem(std::uint64_t memory_bytes) {
  rlimit limit{};
  if (memory_bytes == 0 || getrlimit(RLIMIT_DATA, &limit) != 0) return {};
  if (limit.rlim_max != RLIM_INFINITY && memory_bytes > limit.rlim_max)
    return "--memory " + byte_text(memory_bytes) + " is above the hard limit of " + byte_text(limit.rlim_max);
  if (const std::uint64_t taken = data_bytes(); taken >= memory_bytes)
    return "--memory " + byte_text(memory_bytes) + " is less than the job takes before its first task, " +
           byte_text(taken);
  return {};
}

// What the job has opened is shared with the helper and its other children, the place in a file too. A file
// to read is opened again, at the same place. One to write stays shared, or they would write over each other.
void open_files_anew() {
  std::error_code error;
  std::vector<int> descriptors;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd", error})
    descriptors.push_back(std::atoi(entry.path().filename().c_str()));
  for (const int descriptor : descriptors) {
    struct stat facts {};
    if (descriptor <= STDERR_FILENO || fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    const int flags = fcntl(descriptor, F_GETFL);
    if ((flags & O_ACCMODE) != O_RDONLY) continue;
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const FileDescriptor anew{open(link.c_str(), O_RDONLY | (flags & O_NONBLOCK) | O_CLOEXEC)};
    if (anew.get() < 0) continue;
    lseek(anew.get(), lseek(descriptor, 0, SEEK_CUR), SEEK_SET);
    dup3(anew.get(), descriptor, (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  }
}

class HelperProcess {
 public:
  HelperProcess(FrameSocket socket, const FindJob& find_job, SlotCells& cells)
      : rank_{std::move(socket)}, find_job_{find_job}, cells_{cells} {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    deaths_ = FileDescriptor{signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  }

  // Until the rank is gone.
  void serve() {
    while (true) {
      std::array<pollfd, 2> events{pollfd{rank_.descriptor(), POLLIN, 0}, pollfd{deaths_.get(), POLLIN, 0}};
      if (poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
      if (events[1].revents != 0) reap();
      if (events[0].revents == 0) continue;
      const bool there = rank_.fill(Wait::no) != Filled::closed;
      for (Bytes frame; rank_.next(frame);)
        std::visit([this](const auto& words) { on(words); }, unpack<ToHelper>(frame));
      if (!there) return;
    }
  }

  void end() {
    append_suspects();
    kill_descendants([](pid_t) { return false; });
  }

 private:
  void say(const FromHelper& words, int passed = -1) {
    rank_.put(pack(words), passed);
    rank_.flush(Wait::yes);
  }

  void on(const Make& make) {
    options_ = make.options;
    Made made;
    making_job = 1;
    job_ = mpifarm::make_job(make.recipe, find_job_, made.facts);
    making_job = 0;
    if (job_) made.facts.error = memory_problem(options_.memory_bytes);
    say(made);
  }

  void on(const Spawn& spawn) {
    FileDescriptor ours, theirs;
    try {
      std::tie(ours, theirs) = socket_pair();
    } catch (const MachineryFailure&) {
      return say(Ended{spawn.slot, -EMFILE});
    }
    const pid_t helper = getpid(), child = fork();
    if (child < 0) return say(Ended{spawn.slot, -errno});
    if (child == 0) {
      for (const int not_its : {rank_.descriptor(), deaths_.get(), ours.get()}) close(not_its);
      open_files_anew();
      be_child(helper, spawn, FrameSocket{std::move(theirs)});
    }
    setpgid(child, child);
    children_[child] = spawn.slot;
    say(Spawned{spawn.slot}, ours.get());
  }

  void on(const Kill& kill) {
    const std::uint64_t begun = cells_.children.at(kill.slot).begun.load();
    if (kill.begun != Kill::whatever_it_does && kill.begun != begun) return;
    for (const auto& [child, slot] : children_)
      if (slot == kill.slot) kill_family(child);
  }

  void on(const KeepSuspects& keep) { suspects_file_ = keep.file; }

  // It keeps what the job has opened. An exception in it would find a handler of the helper: it is a crash.
  [[noreturn]] void be_child(pid_t helper, const Spawn& spawn, FrameSocket socket) noexcept {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != helper) _exit(0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    name_process("mpifarm-task");
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    take_on(options_.surroundings);
    if (spawn.nice != 0) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + spawn.nice);
    if (options_.memory_bytes != 0) {
      rlimit limit{};
      getrlimit(RLIMIT_DATA, &limit);
      limit.rlim_cur = options_.memory_bytes;
      setrlimit(RLIMIT_DATA, &limit);
    }
    compute_for(socket, *job_, options_, spawn.place, cells_.children.at(spawn.slot), cells_);
    _exit(0);
  }

  // Of a child that has died, what it started is ours now: the other children keep their own.
  void reap() {
    signalfd_siginfo ignored;
    while (read(deaths_.get(), &ignored, sizeof ignored) > 0) {
    }
    std::vector<Ended> ended;
    int status = 0;
    for (pid_t process = 0; (process = waitpid(-1, &status, WNOHANG)) > 0;)
      if (const auto child = children_.find(process); child != children_.end()) {
        ended.push_back({child->second, status});
        children_.erase(child);
      }
    if (ended.empty()) return;
    kill_descendants([this](pid_t child) { return children_.contains(child); });
    for (const Ended& end : ended) say(end);
  }

  void append_suspects() const {
    if (suspects_file_.empty()) return;
    std::string lines;
    for (const SlotCell& cell : cells_.threads)
      if (const std::uint64_t running = cell.running.load(); running != 0)
        lines += std::to_string(running - 1) + '\n';
    if (lines.empty()) return;
    const FileDescriptor file{open(suspects_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (file.get() >= 0 && write(file.get(), lines.data(), lines.size()) > 0) fsync(file.get());
  }

  FrameSocket rank_;
  FileDescriptor deaths_;  // of children, as events
  const FindJob& find_job_;
  SlotCells& cells_;
  ChildOptions options_;
  std::unique_ptr<AnyJob> job_;
  std::map<pid_t, std::uint32_t> children_;  // with their slots
  std::string suspects_file_;
};

}  // namespace

void be_helper(FrameSocket socket, const FindJob& find_job, SlotCells& cells) {
  setpgid(0, 0);  // what ends the rank's group is not meant for those who clean up behind it
  name_process("mpifarm-helper");
  leave_terminal();
  ignore_signals();
  handle(SIGUSR2, leave_while_making);
  prctl(PR_SET_PDEATHSIG, SIGUSR2);  // a rank that is dead already is met by its closed socket
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  leave_streams();
  close_all_but(socket.descriptor());
  take_on(current_surroundings());
  leave_launcher();
  try {
    HelperProcess process{std::move(socket), find_job, cells};
    process.serve();
    process.end();
  } catch (...) {  // the rank sees that its helper has ended, and says so
    kill_descendants([](pid_t) { return false; });
    _exit(1);
  }
  _exit(0);
}

}  // namespace mpifarm::helper

// The lock of a run directory.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/numbers.hpp"
#include "run/run_directory.hpp"

namespace mpifarm {
namespace {

struct Holder {
  std::string host, boot;
  long process = 0;
  std::string started;  // tells the process from a later one of the same number
  std::string slurm_job = "-";
  unsigned slurm_restart = 0;  // how often Slurm had started that job again

  std::string text() const {
    return host + '\n' + boot + '\n' + std::to_string(process) + '\n' + started + '\n' + slurm_job + '\n' +
           std::to_string(slurm_restart) + '\n';
  }
  std::string description() const { return "process " + std::to_string(process) + " on " + host; }
};

// Field 22 of /proc/PID/stat, in clock ticks since boot; empty when the process is dead, be it that nobody
// has reaped it (proc(5)).
std::string start_time(long process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields{line.substr(name_end + 1)};
  std::string state, field;
  fields >> state;
  if (state == "Z" || state == "X") return {};
  for (int number = 4; number <= 22 && fields >> field;) ++number;
  return field;
}

std::string boot_id() {
  std::string id;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> id;
  return id;
}

std::string environment(const char* variable, const char* otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : text;
}

Holder myself() {
  Holder me{host_name(), boot_id(), getpid(), start_time(getpid())};
  me.slurm_job = environment("SLURM_JOB_ID", "-");
  parse_number(environment("SLURM_RESTART_COUNT", "0"), me.slurm_restart);
  return me;
}

std::optional<Holder> parse(const std::string& text) {
  Holder holder;
  std::istringstream in{text};
  if (!(in >> holder.host >> holder.boot >> holder.process >> holder.started)) return std::nullopt;
  in >> holder.slurm_job >> holder.slurm_restart;  // not in locks of earlier versions
  return holder;
}

// Slurm has ended all of a job before it starts it again, or starts one that was to wait for its end.
bool ended_with_its_job(const Holder& holder, const Holder& me) {
  if (holder.slurm_job == "-") return false;
  return (holder.slurm_job == me.slurm_job && holder.slurm_restart < me.slurm_restart) ||
         holder.slurm_job == environment(job_before_variable, "-");
}

// Whether the holder may still be at work. Of another host only Slurm can tell.
bool may_live(const Holder& holder) {
  const Holder me = myself();
  if (ended_with_its_job(holder, me)) return false;
  if (holder.host != me.host) return true;
  return holder.boot == me.boot && start_time(holder.process) == holder.started;
}

bool is_mine(const std::filesystem::path& file) try {
  return read_file(file) == myself().text();
} catch (const MachineryFailure&) {
  return false;
}

// As the lock file names it, dead or alive.
std::optional<Holder> named_holder(const RunDirectory& run) {
  std::error_code ignored;
  return std::filesystem::exists(run.lock(), ignored) ? parse(read_file(run.lock())) : std::nullopt;
}

// Nothing when none holds the run, or a dead one.
std::optional<Holder> living_holder(const RunDirectory& run) {
  auto holder = named_holder(run);
  return holder && may_live(*holder) ? holder : std::nullopt;
}

// Opens the lock file and locks it against other processes of this host: they take over one after the other.
// Null when another has it.
int open_locked(const std::filesystem::path& file) {
  while (true) {
    const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
      throw BadInput{"the run directory cannot be written (" + file.parent_path().string() + ": " +
                     errno_text(errno) + "); see whose it is"};
    if (descriptor < 0) throw_errno(file, "opened");
    const bool refused = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    struct stat mine {
    }, named{};
    const bool current =
        fstat(descriptor, &mine) == 0 && stat(file.c_str(), &named) == 0 && mine.st_ino == named.st_ino;
    if (!refused && current) return descriptor;
    close(descriptor);
    if (refused) return -1;
  }
}

}  // namespace

std::string this_process() { return myself().text(); }

bool names_process(const std::filesystem::path& file) try {
  return parse(read_file(file)).has_value();
} catch (const MachineryFailure&) {
  return false;  // no file
}

bool process_may_live(const std::filesystem::path& file) try {
  const auto process = parse(read_file(file));
  return process && may_live(*process);
} catch (const MachineryFailure&) {
  return false;  // no file
}

std::optional<std::string> lock_holder(const RunDirectory& run) {
  const auto holder = living_holder(run);
  return holder ? std::optional{holder->description()} : std::nullopt;
}

std::optional<std::string> lock_host(const RunDirectory& run) try {
  const auto holder = named_holder(run);
  return holder ? std::optional{holder->host} : std::nullopt;
} catch (const MachineryFailure&) {
  return std::nullopt;  // gone meanwhile
}

std::optional<long> lock_process(const RunDirectory& run) try {
  const auto holder = living_holder(run);
  return holder && holder->host == host_name() ? std::optional{holder->process} : std::nullopt;
} catch (const MachineryFailure&) {
  return std::nullopt;  // gone meanwhile
}

// The working directory may become another one.
RunLock::RunLock(const RunDirectory& run, bool force)
    : file_{std::filesystem::absolute(run.lock())}, descriptor_{open_locked(file_)} {
  const auto holder = parse(read_file(file_));
  if (descriptor_ < 0 || (holder && may_live(*holder) && !(force && holder->host != host_name()))) {
    if (descriptor_ >= 0) close(descriptor_);
    throw BadInput{
        "another master has this run (" + run.name() + ": " +
        (holder ? holder->description() : "a process of this host") + "); wait for it, or end it first" +
        (holder && holder->host != host_name() ? "; when it is certain that it has ended, say --force" : "")};
  }
  if (holder) taken_over_ = holder->description();
  const std::string text = myself().text();
  if (ftruncate(descriptor_, 0) != 0 ||
      pwrite(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    close(descriptor_);
    throw_errno(file_, "written");
  }
}

// One that was taken over by force is another's.
RunLock::~RunLock() {
  std::error_code unseen;
  if (std::filesystem::exists(file_, unseen) && is_mine(file_)) unlink(file_.c_str());
  close(descriptor_);
}

}  // namespace mpifarm

#pragma once
// A run's directory: its files' names, how one comes to be, and the lock that lets one master in.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace mpifarm {

// Names only; nothing needs to exist.
struct RunDirectory {
  std::filesystem::path path;
  std::filesystem::path shown{};  // as the user named it, where `path` is another form of that; else empty

  // The directory for people.
  std::string name() const { return (shown.empty() ? path : shown).string(); }
  // The name, unless that means another place by now, as a task has changed the working directory: then the
  // path.
  std::filesystem::path for_people_and_jobs() const;
  // The same by its absolute path, which stays good when a task changes this process's working directory.
  RunDirectory absolute() const;

  std::filesystem::path manifest() const { return path / "run.json"; }
  std::filesystem::path lock() const { return path / "lock"; }
  std::filesystem::path relaunching() const { return path / "relaunching"; }  // its supervisor waits
  std::filesystem::path status() const { return path / "status.json"; }
  std::filesystem::path summary() const { return path / "summary.json"; }
  // What rank 0 was computing when it died, for the next start: positions, a line each.
  std::filesystem::path suspects() const { return path / "suspects"; }
  // While it is there, the master is asked to end in order.
  std::filesystem::path stop_request() const { return path / "stop"; }
  std::filesystem::path log() const { return path / "log.txt"; }
  std::filesystem::path results(std::string_view format) const {
    return path / ("results." + std::string{format});
  }

  // Whether a run was started here.
  bool is_run() const;
};

struct RunExists : BadInput {
  using BadInput::BadInput;
};

// Throws RunExists when something of that name is there.
void refuse_existing(const RunDirectory& run);

// Makes the directory and the manifest in it, both or none, readable by the owner alone, on stable storage.
// Throws RunExists when the directory is there already, BadInput when it cannot be made.
void create_run(const RunDirectory& run, const std::string& manifest);

// Throws BadInput unless there is a run.
void require_run(const RunDirectory& run);

// "runs/JOB-DATE-TIME", with a number behind when that is taken.
std::filesystem::path default_run_path(std::string_view job);

// The environment names a Slurm job that has ended.
inline constexpr const char* job_before_variable = "MPIFARM_JOB_BEFORE";

// Held by the master of a run as long as it lives. The lock file says who: host, boot, process and its start
// time, so that the lock of a dead process of this host is known to be dead; and the Slurm job, so that a
// later start of that job, or one that was submitted to come after it, knows it too. A lock held on another
// host is else taken over by force only.
class RunLock {
 public:
  // Throws BadInput when another master has the run, saying which; MachineryFailure when the file cannot be
  // written.
  explicit RunLock(const RunDirectory& run, bool force = false);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  // What was left of a dead master's lock, for the log; empty when there was none.
  const std::string& taken_over() const { return taken_over_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::string taken_over_;
};

// Host, boot, process and start time of this process, to be written into a file; and whether the one that
// such a file names may still live. One of another host may, unless its Slurm job has ended.
std::string this_process();
bool names_process(const std::filesystem::path& file);
bool process_may_live(const std::filesystem::path& file);

// "process 1234 on host a" while a living process of this host holds the run, or one of another host seems
// to; nothing otherwise.
std::optional<std::string> lock_holder(const RunDirectory& run);
// The host of the process, dead or alive, that the lock file names; nothing when there is none.
std::optional<std::string> lock_host(const RunDirectory& run);
// The living process of this host that holds the run; nothing when there is none.
std::optional<long> lock_process(const RunDirectory& run);

}  // namespace mpifarm

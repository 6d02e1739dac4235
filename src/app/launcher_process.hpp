#pragma once
// One process of mpirun or srun, and where rank 0 tells the supervisor how the run ended.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/summary.hpp"

namespace mpifarm::app {

// How a run ended.
struct EndOfRun {
  int status = 0;                 // to exit with
  Stopped stopped = Stopped::no;  // unless no, another start is not wanted here and now
};

// Gone with the supervisor. On its host alone: see end_of_files for a rank 0 elsewhere.
class StatusFile {
 public:
  StatusFile();
  StatusFile(const StatusFile&) = delete;
  StatusFile& operator=(const StatusFile&) = delete;
  ~StatusFile();

  std::filesystem::path path() const { return directory_ / "status"; }
  std::optional<EndOfRun> read() const;
  void clear() const { std::filesystem::remove(path()); }

 private:
  std::filesystem::path directory_;
};

// In a process group of its own: what a terminal sends comes to the ranks by way of the supervisor alone. The
// destructor ends it.
class LauncherProcess {
 public:
  // `words`: the program and its arguments. `status_file`: empty for one that says nothing, not even on
  // stderr. Throws MachineryFailure when no process can be made.
  LauncherProcess(const std::vector<std::string>& words, const std::filesystem::path& status_file);
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;
  ~LauncherProcess();

  bool running();
  bool succeeded() const { return ended_ && exit_status_ == 0; }
  bool not_found() const { return ended_ && exit_status_ == exec_failed; }
  bool refused() const { return ended_ && !signalled_ && exit_status_.value_or(0) != 0; }  // by itself
  pid_t id() const { return id_; }
  void kill(int signal);

 private:
  static constexpr int exec_failed = 127;

  pid_t id_;
  bool ended_ = false, signalled_ = false;
  std::optional<int> exit_status_;  // nothing when a signal ended it
};

// Rank 0: tells the supervisor that started it, if one did, how the run ended, since mpirun may not.
void tell_launcher(EndOfRun end);

}  // namespace mpifarm::app

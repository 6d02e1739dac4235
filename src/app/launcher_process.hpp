#pragma once
// One process of mpirun or srun.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mpifarm::app {

using Variables = std::vector<std::pair<std::string, std::string>>;  // names and values

// In a process group of its own: what a terminal sends comes to the ranks by way of the supervisor alone. The
// destructor ends it.
class LauncherProcess {
 public:
  // `words`: the program, found in PATH, and its arguments. `master_word`: the file for rank 0 to write to;
  // empty for a process that says nothing, not even on stderr. `reads_input`: it has our standard input, else
  // none, so that a shell's loop around it keeps its own. `defaults`: of the environment, where the user has
  // said nothing else. Throws MachineryFailure when it cannot be started.
  LauncherProcess(const std::vector<std::string>& words, const std::filesystem::path& master_word,
                  bool reads_input, const Variables& defaults = {});
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;
  ~LauncherProcess();

  bool running();
  bool succeeded() const { return ended_ && exit_status_ == 0; }
  bool refused() const { return ended_ && !signalled_ && exit_status_.value_or(0) != 0; }  // by itself
  pid_t id() const { return id_; }
  void kill(int signal);

 private:
  pid_t id_ = -1;
  bool ended_ = false, signalled_ = false;
  std::optional<int> exit_status_;  // nothing when a signal ended it
};

}  // namespace mpifarm::app

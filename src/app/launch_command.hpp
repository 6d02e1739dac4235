#pragma once
// `mpifarm launch`: starts a run under mpirun as it should be started, watches it, and starts it again from
// its journal when it dies. No MPI program itself.

#include <string>
#include <vector>

namespace mpifarm::app {

struct LaunchCommand {
  int ranks = 1;
  unsigned relaunches = 3;             // at most
  std::vector<std::string> mpirun;     // further flags of it
  std::vector<std::string> arguments;  // of `mpifarm run`, checked, with a run directory; without --continue
  std::string directory;               // that one
  bool repeatable = true;              // the tasks can be read again: they come from no pipe
};

// Returns the run's exit status.
int launch(const LaunchCommand& command);

// Rank 0: tells the launch command that started it, if one did, how the run ended, since mpirun may not.
void tell_launcher(int status);

}  // namespace mpifarm::app

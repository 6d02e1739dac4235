#pragma once
// `mpifarm launch`: starts a run under mpirun or srun as it should be started, watches it, and starts it
// again from its journal when it dies, without the hosts that failed. No MPI program itself.

#include <optional>
#include <string>
#include <vector>

#include "app/launch_plan.hpp"

namespace mpifarm::app {

struct LaunchCommand {
  LaunchPlan plan;
  unsigned relaunches = 3;             // at most
  std::optional<unsigned> chain;       // jobs that may be submitted to carry the run on, in a Slurm job
  std::vector<std::string> arguments;  // of `mpifarm run`, checked, with a run directory; without --continue
  std::string directory;               // that one
  bool reads_input = false;            // the tasks come from our standard input
  bool repeatable = true;              // the tasks can be read again: they come from no pipe
  bool journaled = true;               // what died can be carried on
};

// Returns the run's exit status.
int launch(const LaunchCommand& command);

}  // namespace mpifarm::app

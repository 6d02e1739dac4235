#pragma once
// The flags of `mpifarm launch` that say how and where ranks are started.

#include "app/command_line.hpp"
#include "app/launch_plan.hpp"

namespace mpifarm::app {

void add_launch_flags(CommandLine& line);

// Of a parsed line; what is not said comes from the Slurm job, if this is one. Throws BadInput.
LaunchPlan launch_plan(const CommandLine& line);

}  // namespace mpifarm::app

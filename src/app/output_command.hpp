#pragma once
// `mpifarm output`: what the commands of a run wrote.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Writes it to stdout, in task order. Throws BadInput for a run that is not of the job exec and a task that
// has no outcome, MachineryFailure for damage.
void output(const OutputCommand& command);

}  // namespace mpifarm::app

#pragma once
// `mpifarm output` and `retry-line`: what the commands of a run wrote, and how to run one by hand.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Writes it to stdout, in task order. Throws BadInput for a run that is not of the job exec and a task that
// has no outcome, MachineryFailure for damage.
void output(const OutputCommand& command);
// Prints how to run one of them by hand. Throws BadInput likewise.
void retry_line(const RetryLineCommand& command);

}  // namespace mpifarm::app

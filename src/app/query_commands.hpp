#pragma once
// Commands that only look: list, describe, status, results. They throw BadInput and MachineryFailure, and
// write to stdout.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Leaves the request where a live master looks for it. Throws BadInput for a run that is not live.
void stop(const StopCommand& command);
void list(const Jobs& jobs);
void describe_job(const DescribeCommand& command);
void status(const StatusCommand& command, const Jobs& jobs);  // with `watch`, when the run is no longer live
void results(const ResultsCommand& command, const Jobs& jobs);

}  // namespace mpifarm::app

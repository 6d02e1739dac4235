#pragma once
// `run` and `resume`: one process of a run, master or worker.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Begins MPI when a launcher started this process, computes, ends MPI. Returns the exit status of this
// process; throws BadInput and MachineryFailure, after telling the other ranks to leave.
int run(const RunCommand& command, const Jobs& jobs);
int resume(const ResumeCommand& command, const Jobs& jobs);

}  // namespace mpifarm::app

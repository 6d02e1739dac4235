#pragma once
// SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 ask a run to end in order. The last is what `launch` makes of
// the first three: mpirun and srun pass it on, and end nothing themselves.

#include <string>

namespace mpifarm::app {

// From now on these signals are counted instead of ending the process; SIGPIPE and SIGXFSZ are ignored.
void catch_signals();
// From now on they end the process at once with ExitStatus::resumable, after `text` went to stderr: for times
// when nothing can be lost. An empty text: they are counted again. The loop's thread.
void leave_on_signal(std::string text);
// How many have come. Any thread.
int signals_caught();
// All of them were SIGUSR1, by which Slurm and others say that the time is nearly up.
bool only_time_signals();

}  // namespace mpifarm::app

#pragma once
// SIGINT, SIGTERM and SIGUSR1 ask a run to end in order.

namespace mpifarm::app {

// From now on these signals are counted instead of ending the process; SIGPIPE and SIGXFSZ are ignored.
void catch_signals();
// How many have come. Any thread.
int signals_caught();

}  // namespace mpifarm::app

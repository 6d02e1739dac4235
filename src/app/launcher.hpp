#pragma once
// What a launcher (mpirun, srun) said to this process, before MPI is asked.

#include <optional>

namespace mpifarm::app {

struct LaunchedAs {
  int rank = 0;
  int size = 1;
};

// Nothing without a launcher: then there is one process, and MPI is not needed.
std::optional<LaunchedAs> launched_as();

// Throws BadInput when srun has started ranks that cannot find each other: MPI would end with pages of its
// own.
void check_launcher();

// Undoes a binding to cores that Open MPI chose by itself, as it does for one or two ranks: then this process
// may run where its launcher may. Before other threads and processes start.
void leave_unasked_binding();

// How many of them run on this host; 0 when the launcher does not say.
int ranks_on_this_host();
// This one's number among them, from 0.
int rank_on_this_host();

// The others go on when a rank dies. mpirun ends them all, unless it was told to recover.
bool survives_losses();

// True for the process that speaks to the user before MPI is there.
bool speaks_for_all();

// Whether an ancestor of this process is seen to start ranks.
bool is_under_launcher();

// The same as speaks_for_all() for a command that needs no MPI: an environment that names another rank is
// believed only where a launcher is seen at work, as it may have been left behind by one. Else a command
// would be silent.
bool speaks_to_user();

}  // namespace mpifarm::app

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

// How many of them run on this host; 0 when the launcher does not say.
int ranks_on_this_host();
// This one's number among them, from 0.
int rank_on_this_host();

// The others go on when a rank dies. mpirun ends them all, unless it was told to recover.
bool survives_losses();

// True for the process that speaks to the user before MPI is there.
bool speaks_for_all();

}  // namespace mpifarm::app

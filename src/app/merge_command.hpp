#pragma once
// `mpifarm merge`: the shards of a run become one run, with its results, summary and conclusion.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Reads the shards' journals, makes the run directory, and prints the conclusion. Returns the exit status.
// Throws BadInput when the shards are not those of one run, all of them, and complete.
int merge(const MergeCommand& command, const Jobs& jobs);

}  // namespace mpifarm::app

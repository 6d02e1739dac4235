#pragma once
// A child: a process that computes what its rank sends it, until one of them ends.

#include "base/frames.hpp"
#include "compute/helper_protocol.hpp"
#include "compute/slot_cells.hpp"
#include "job/any_job.hpp"

namespace mpifarm::helper {

// The body of a child. `cell` says at any time which task it computes; `cells` may ask it to stop.
void compute_for(FrameSocket& rank, const AnyJob& job, const ChildOptions& options, const Place& place,
                 SlotCell& cell, SlotCells& cells);

}  // namespace mpifarm::helper

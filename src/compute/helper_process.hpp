#pragma once
// What the helper process does; see compute/helper.hpp.

#include <sys/types.h>

#include "base/frames.hpp"
#include "compute/recipe.hpp"
#include "compute/slot_cells.hpp"

namespace mpifarm::helper {

// The life of a helper, which ends the process. `rank`: the process it serves, its parent.
[[noreturn]] void be_helper(FrameSocket socket, pid_t rank, const FindJob& find_job, SlotCells& cells);

}  // namespace mpifarm::helper

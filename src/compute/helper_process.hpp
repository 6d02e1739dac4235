#pragma once
// What the helper process does; see compute/helper.hpp.

#include "base/frames.hpp"
#include "compute/recipe.hpp"
#include "compute/slot_cells.hpp"

namespace mpifarm::helper {

// The life of a helper, which ends the process when the rank at the other end of the socket is gone.
[[noreturn]] void be_helper(FrameSocket socket, const FindJob& find_job, SlotCells& cells);

}  // namespace mpifarm::helper

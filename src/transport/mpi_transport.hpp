#pragma once
// The transport over MPI. Include nothing of MPI here: only its .cpp sees it.

#include <memory>

#include "transport/transport.hpp"

namespace mpifarm {

// MPI must be initialised, and stay so as long as the transport lives. Collective: every rank of the world
// makes one. `frame_bytes`: messages are cut into frames of this size, small enough to be sent eagerly.
std::unique_ptr<Transport> make_mpi_transport(std::size_t frame_bytes = 4000);

}  // namespace mpifarm

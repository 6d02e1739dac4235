#include "app/mpi_session.hpp"

#include <mpi.h>

#include <array>
#include <boost/mpi/communicator.hpp>
#include <boost/mpi/environment.hpp>
#include <cstdlib>

#include "base/error.hpp"
#include "transport/mpi_transport.hpp"

namespace mpifarm::app {

struct MpiSession::Environment {
  boost::mpi::environment mpi{boost::mpi::threading::funneled, false};
};

MpiSession::MpiSession(int launched_size) : environment_{std::make_unique<Environment>()} {
  if (boost::mpi::environment::thread_level() < boost::mpi::threading::funneled)
    throw MachineryFailure{
        "this MPI does not let a program have threads (MPI_THREAD_FUNNELED); use a build of it that does"};
  const int size = boost::mpi::communicator{}.size();
  if (size != launched_size)
    throw BadInput{
        "the launcher started " + std::to_string(launched_size) + " ranks, but MPI sees " +
        std::to_string(size) + " (mpifarm is built with " + mpi_library_version() +
        "); start it with that MPI's mpirun, or with srun --mpi=pmix; if no launcher has started it, unset "
        "OMPI_COMM_WORLD_SIZE, PMI_SIZE and PMIX_RANK"};
  transport_ = make_mpi_transport();
}

MpiSession::~MpiSession() { transport_.reset(); }

void MpiSession::abort(int status) {
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string whole{text.data(), static_cast<std::size_t>(length)};
  return whole.substr(0, whole.find_first_of(",\n"));
}

}  // namespace mpifarm::app

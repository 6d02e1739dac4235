#include "app/version.hpp"

#include <boost/version.hpp>

#include "app/mpi_session.hpp"
#include "node/identity.hpp"
#include "wire/messages.hpp"

namespace mpifarm::app {

std::string version_text() {
  const std::string boost =
      std::to_string(BOOST_VERSION / 100'000) + "." + std::to_string(BOOST_VERSION / 100 % 1000);
  return "mpifarm " + version() + "\n  build     " + build_id() + "\n  MPI       " + mpi_library_version() +
         "\n  Boost     " + boost + "\n  compiler  " + __VERSION__ + "\n  protocol  " +
         std::to_string(wire::protocol_version) + "\n";
}

}  // namespace mpifarm::app

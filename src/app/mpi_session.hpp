#pragma once
// MPI's beginning and end in this process. Include nothing of MPI here.

#include <memory>
#include <string>

#include "transport/transport.hpp"

namespace mpifarm::app {

// The thread that makes it is the one that may use the transport.
class MpiSession {
 public:
  // Throws MachineryFailure when MPI does not give the thread level, BadInput when it is not the MPI that the
  // launcher speaks to: `launched_size` ranks were announced.
  explicit MpiSession(int launched_size);
  ~MpiSession();  // finalises
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  Transport& transport() { return *transport_; }
  // Ends every rank at once; does not return.
  [[noreturn]] static void abort(int status);

 private:
  struct Environment;
  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Transport> transport_;
};

// "Open MPI v4.1.4" and the like. May be asked without a session.
std::string mpi_library_version();

}  // namespace mpifarm::app

#pragma once
// The terminal that stderr reaches, if it does.

#include <optional>

#include "base/file.hpp"

namespace mpifarm::app {

class Terminal {
 public:
  // Nothing when stderr is no terminal, or a dumb one. Under mpirun a rank's stderr is a pipe to mpirun: then
  // it is what mpirun's own stderr is, if mpirun runs on this host.
  static std::optional<Terminal> behind_stderr();

  unsigned rows() const;     // as it is now; at least 2
  unsigned columns() const;  // as it is now; at least 20
  bool colours() const;      // false when NO_COLOR is set (https://no-color.org)

 private:
  explicit Terminal(FileDescriptor file) : file_{std::move(file)} {}

  FileDescriptor file_;
};

}  // namespace mpifarm::app

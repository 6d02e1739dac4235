#pragma once
// What `mpifarm --version` says.

#include <string>

namespace mpifarm::app {

// Version, build, MPI, Boost, compiler; several lines.
std::string version_text();

}  // namespace mpifarm::app

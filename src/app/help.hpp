#pragma once
// What `mpifarm` and `mpifarm --help` say.

#include <string>

namespace mpifarm::app {

std::string overall_help();

}  // namespace mpifarm::app

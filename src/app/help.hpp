#pragma once
// What `mpifarm` and `mpifarm --help` say.

#include <string>

#include "describe/flags.hpp"

namespace mpifarm::app {

std::string overall_help();
// What the flag means, its default, and whether it may be given many times.
std::string describe_flag(const describe::FlagInfo& flag);

}  // namespace mpifarm::app

#pragma once
// How a failure is told, and the exit status that it means.

#include <exception>

#include "base/error.hpp"

namespace mpifarm::app {

// Says on stderr what is wrong, once. Bad input is every rank's, so rank 0 alone says it, and the others are
// content. Returns the exit status.
int tell(const std::exception& failure);
ExitStatus status_of(const std::exception& failure);
int tell_unknown();  // of what was thrown and is no std::exception

}  // namespace mpifarm::app

#pragma once
// What a program's list of jobs must satisfy as a whole.

#include <string_view>

#include "node/jobs.hpp"

namespace mpifarm::app {

// Whether a flag is one of mpifarm's own, be it one that is only reserved yet.
bool is_reserved_flag(std::string_view flag);

// Throws BadInput when two jobs have one name, or when a param's flag is reserved.
void check_jobs(const Jobs& jobs);

}  // namespace mpifarm::app

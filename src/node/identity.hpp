#pragma once
// Who this process is, for the hello.

#include <string>

#include "wire/messages.hpp"

namespace mpifarm {

std::string version();   // "0.1.0"
std::string build_id();  // version and the linker's build id: equal for equal programs only

// Throws BadInput for a MPIFARM_TOKEN that is set and empty: it looks like a protection and is none.
void check_token();
// `run`: the run's id. The token is taken from the environment variable MPIFARM_TOKEN.
wire::Identity my_identity(std::uint64_t run);

// Why the two do not belong together, naming both values; empty when they do.
std::string identity_mismatch(const wire::Identity& mine, const wire::Identity& theirs);

}  // namespace mpifarm

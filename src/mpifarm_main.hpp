#pragma once
// Adds `int main(int c, char** v) { return mpifarm::main<MyJob>(c, v); }` to a job of one's own.

#include "app/main.hpp"
#include "mpifarm.hpp"

namespace mpifarm {

// Runs the command line with these jobs; returns the exit status.
template <class... Jobs>
int main(int argc, char** argv) {
  return app::main(argc, argv, {&job_type<Jobs>()...});
}

}  // namespace mpifarm

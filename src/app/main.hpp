#pragma once
// The command line of a program of jobs.

#include "node/jobs.hpp"

namespace mpifarm::app {

// Does what the arguments say with these jobs; returns the exit status.
int main(int argc, char** argv, const Jobs& jobs);

}  // namespace mpifarm::app

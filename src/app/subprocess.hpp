#pragma once
// Short programs that are asked something: squeue, scontrol, sbatch.

#include <chrono>
#include <string>
#include <vector>

namespace mpifarm::app {

struct Answer {
  int status = -1;     // exit status; -1: not started, ended by a signal, or too late
  std::string output;  // what it said to stdout and stderr together
  bool good() const { return status == 0; }
};

// Runs the program that `words` begins with, found in PATH, and waits for its end; after `patience` it is
// killed. Where MPI has begun, only before other threads.
Answer ask(const std::vector<std::string>& words, std::chrono::seconds patience = std::chrono::seconds{20});

}  // namespace mpifarm::app

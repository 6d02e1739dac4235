#pragma once
// Where the core-hours of a run went, and what to ask a cluster for next time.

#include <string>

#include "run/summary.hpp"

namespace mpifarm {

// What a job was granted.
struct Allocation {
  unsigned nodes = 1;
  unsigned ranks_per_node = 1;
  unsigned cores_per_rank = 1;
};

// Lines for people, without a newline at the end; empty when nothing was computed. A model of three terms:
// work is the same on any number of slots, what was not work (idle, waiting, in vain) grows with their number
// as it did here, and a node count is worth it while work is at least 80 % of all.
std::string advice(const Summary& summary, const Allocation& allocation);

}  // namespace mpifarm

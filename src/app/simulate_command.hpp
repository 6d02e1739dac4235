#pragma once
// `mpifarm simulate`: the real scheduler on a virtual cluster.

#include <string>

#include "sim/cluster.hpp"

namespace mpifarm::app {

struct SimulateCommand {
  sim::ClusterOptions cluster;  // all but `cost`
  std::string master_cost = "auto";
  double wanted = 0.95;  // efficiency, whose shortest mean is looked for; 0: none
  bool json = false;
};

void simulate(const SimulateCommand& command);

}  // namespace mpifarm::app

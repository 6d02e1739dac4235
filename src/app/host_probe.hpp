#pragma once
// Which hosts still start processes.

#include <string>
#include <vector>

#include "app/launch_plan.hpp"

namespace mpifarm::app {

// Those of `hosts` on which the plan's launcher cannot start a process within 20 s. Tries many at once.
std::vector<std::string> silent_hosts(const LaunchPlan& plan, const std::vector<std::string>& hosts);

}  // namespace mpifarm::app

#pragma once
// The command lines of what looks at runs that are there.

#include "app/arguments.hpp"

namespace mpifarm::app {

// Each takes what stands behind its command's name, and throws BadInput.
Command parse_stop(std::vector<std::string> arguments);
Command parse_list(std::vector<std::string> arguments);
Command parse_status(std::vector<std::string> arguments);
Command parse_output(std::vector<std::string> arguments);
Command parse_retry_line(std::vector<std::string> arguments);
Command parse_results(std::vector<std::string> arguments);
Command parse_merge(std::vector<std::string> arguments);

}  // namespace mpifarm::app

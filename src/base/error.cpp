#include "base/error.hpp"

#include <system_error>

namespace mpifarm {

std::string errno_text(int error) { return std::generic_category().message(error); }

}  // namespace mpifarm

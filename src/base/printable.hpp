#pragma once
// Text from elsewhere, for a message.

#include <string>
#include <string_view>

namespace mpifarm {

// On one line: control characters become `\xNN`, and what is beyond 2000 bytes "...".
std::string printable(std::string_view text);

}  // namespace mpifarm

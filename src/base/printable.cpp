#include "base/printable.hpp"

namespace mpifarm {

std::string printable(std::string_view text) {
  constexpr std::size_t most_bytes = 2000;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string line;
  for (const char c : text.substr(0, most_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f)
      line += c;
    else
      line.append("\\x").append({hex[byte >> 4], hex[byte & 15]});
  }
  return text.size() > most_bytes ? line + "..." : line;
}

}  // namespace mpifarm

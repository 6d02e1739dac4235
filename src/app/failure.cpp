#include "app/failure.hpp"

#include <cstdio>
#include <string>
#include <string_view>

#include "app/launcher.hpp"
#include "base/error.hpp"
#include "base/log.hpp"

namespace mpifarm::app {

namespace {

constexpr std::size_t most_bytes = 2000;

// On one line, whatever names and values are in it.
std::string printable(std::string_view text) {
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

}  // namespace

int tell(const std::exception& failure) {
  const bool bad_input = dynamic_cast<const BadInput*>(&failure) != nullptr;
  if (bad_input && !speaks_for_all()) return 0;  // mpirun would end rank 0 before it has said what is wrong
  log::set_footer({});
  std::fprintf(stderr, "mpifarm: %s\n", printable(failure.what()).c_str());
  return static_cast<int>(bad_input ? ExitStatus::bad_input : ExitStatus::machinery);
}

int tell_unknown() {
  return tell(MachineryFailure{"something was thrown that is no std::exception; look for it in the job"});
}

}  // namespace mpifarm::app

#include "app/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "app/launcher.hpp"

namespace mpifarm::app {
namespace {

bool is_set(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != '\0';
}

}  // namespace

std::optional<Terminal> Terminal::behind_stderr() {
  FileDescriptor file{dup(STDERR_FILENO)};
  if (!isatty(file.get()) && launched_as()) {
    const std::string launchers = "/proc/" + std::to_string(getppid()) + "/fd/2";
    file = FileDescriptor{::open(launchers.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  }
  if (!isatty(file.get())) return std::nullopt;
  return Terminal{std::move(file)};
}

unsigned Terminal::columns() const {
  constexpr unsigned usual = 80, least = 20;
  winsize size{};
  if (ioctl(file_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return std::max<unsigned>(size.ws_col, least);
}

bool Terminal::colours() const {
  const char* kind = std::getenv("TERM");
  return !is_set("NO_COLOR") && kind != nullptr && std::string_view{kind} != "dumb";
}

}  // namespace mpifarm::app

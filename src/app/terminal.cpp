#include "app/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
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
  const char* kind = std::getenv("TERM");
  if (kind != nullptr && std::string_view{kind} == "dumb") return std::nullopt;
  FileDescriptor file{dup(STDERR_FILENO)};
  struct stat status {};
  const bool is_pipe = fstat(file.get(), &status) == 0 && S_ISFIFO(status.st_mode);
  if (is_pipe && launched_as()) {
    const std::string launchers = "/proc/" + std::to_string(getppid()) + "/fd/2";
    file = FileDescriptor{::open(launchers.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  }
  if (!isatty(file.get())) return std::nullopt;
  return Terminal{std::move(file)};
}

unsigned Terminal::rows() const {
  constexpr unsigned usual = 24, least = 2;
  winsize size{};
  if (ioctl(file_.get(), TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return usual;
  return std::max<unsigned>(size.ws_row, least);
}

unsigned Terminal::columns() const {
  constexpr unsigned usual = 80, least = 20;
  winsize size{};
  if (ioctl(file_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return std::max<unsigned>(size.ws_col, least);
}

bool Terminal::colours() const { return !is_set("NO_COLOR") && is_set("TERM"); }

}  // namespace mpifarm::app

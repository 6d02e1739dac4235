#include "base/log.hpp"

#include <fcntl.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mpifarm::log {
namespace {

// stderr: lines, and a footer that stays below them.
class Screen {
 public:
  void set_least(Level least) { least_ = least; }

  void write(Level level, std::string_view text) {
    if (level < least_) return;
    const std::scoped_lock lock{mutex_};
    put(erasure() + "mpifarm: " + std::string{text} + "\n" + footer_);
  }
  void set_footer(std::string lines, unsigned columns) {
    const std::scoped_lock lock{mutex_};
    if (lines.empty() && footer_.empty()) return;
    if (!lines.empty()) columns_ = columns;
    const std::string before = erasure();
    footer_ = std::move(lines);
    put(before + footer_);
  }
  void keep_footer() {
    const std::scoped_lock lock{mutex_};
    if (!std::exchange(footer_, {}).empty()) put("\n");
  }

 private:
  // Escape sequences of ECMA-48: to the footer's first row, and clear from there on. A terminal that became
  // narrower has wrapped its lines.
  std::string erasure() const {
    if (footer_.empty()) return {};
    std::size_t rows = 0, width = 0;
    bool in_colour = false;
    for (const char c : footer_ + "\n") {
      if (c == '\n') {
        rows += 1 + (width == 0 ? 0 : (width - 1) / columns_);
        width = 0;
      } else if (in_colour || c == '\x1b') {
        in_colour = c != 'm';
      } else {
        ++width;
      }
    }
    std::string text = "\r";
    for (; rows > 1; --rows) text += "\x1b[A";
    return text + "\x1b[J";
  }
  static void put(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }

  std::mutex mutex_;
  Level least_ = Level::warning;
  std::string footer_;
  unsigned columns_ = 80;
};

Screen& screen() {
  static Screen only;
  return only;
}

std::shared_ptr<spdlog::logger>& file_logger() {
  static std::shared_ptr<spdlog::logger> only;
  return only;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    default:
      return spdlog::level::warn;
  }
}

}  // namespace

void configure(bool quiet, bool verbose) {
  screen().set_least(verbose ? Level::debug : (quiet ? Level::warning : Level::info));
}

void open_file(const std::filesystem::path& file) {
  std::shared_ptr<spdlog::logger>& logger = file_logger();
  // spdlog would make it as the umask says.
  const FileDescriptor made{::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  if (made.get() < 0) throw_errno(file, "opened");
  try {
    logger = std::make_shared<spdlog::logger>(
        "file", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()));
  } catch (const spdlog::spdlog_ex& error) {
    throw MachineryFailure{std::string{"the log cannot be written ("} + error.what() + ")"};
  }
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  logger->set_level(spdlog::level::debug);
  logger->flush_on(spdlog::level::debug);
}

void write(Level level, std::string_view text) {
  screen().write(level, text);
  if (file_logger()) file_logger()->log(spdlog_level(level), "{}", text);
}

void keep_footer() { screen().keep_footer(); }

void set_footer(std::string lines, unsigned columns) { screen().set_footer(std::move(lines), columns); }

void to_file(std::string_view text) {
  screen().write(Level::debug, text);
  if (file_logger()) file_logger()->info("{}", text);
}

}  // namespace mpifarm::log

#include "base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "base/error.hpp"

namespace mpifarm::log {
namespace {

struct Loggers {
  std::shared_ptr<spdlog::logger> screen =
      std::make_shared<spdlog::logger>("screen", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  std::shared_ptr<spdlog::logger> file;

  Loggers() {
    screen->set_pattern("mpifarm: %v");
    screen->set_level(spdlog::level::warn);
  }
};

Loggers& loggers() {
  static Loggers both;
  return both;
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
  const auto level = verbose ? spdlog::level::debug : (quiet ? spdlog::level::warn : spdlog::level::info);
  loggers().screen->set_level(level);
}

void open_file(const std::filesystem::path& file) {
  try {
    loggers().file = std::make_shared<spdlog::logger>(
        "file", std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()));
  } catch (const spdlog::spdlog_ex& error) {
    throw MachineryFailure{std::string{"the log cannot be written ("} + error.what() + ")"};
  }
  loggers().file->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  loggers().file->set_level(spdlog::level::debug);
  loggers().file->flush_on(spdlog::level::debug);
}

void write(Level level, std::string_view text) {
  loggers().screen->log(spdlog_level(level), "{}", text);
  if (loggers().file) loggers().file->log(spdlog_level(level), "{}", text);
}

void to_file(std::string_view text) {
  loggers().screen->debug("{}", text);
  if (loggers().file) loggers().file->info("{}", text);
}

}  // namespace mpifarm::log

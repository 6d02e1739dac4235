#include "run/shared_mark.hpp"

#include <fcntl.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/file.hpp"

namespace mpifarm {
namespace {

namespace fs = std::filesystem;

constexpr auto longest_delay = std::chrono::seconds{5};
constexpr auto look_every = std::chrono::milliseconds{50};

fs::path nearest_directory(const fs::path& run) {
  std::error_code ignored;
  fs::path path = fs::absolute(run, ignored).lexically_normal();
  while (path.has_relative_path() && !fs::is_directory(path, ignored)) path = path.parent_path();
  return path;
}

}  // namespace

SharedMark::SharedMark(const RunDirectory& run) {
  std::string name = nearest_directory(run.path) / ".seen-XXXXXX";
  const FileDescriptor file{mkostemp(name.data(), O_CLOEXEC)};
  if (file.get() >= 0) path_ = name;
}

SharedMark::~SharedMark() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove(path_, ignored);
}

bool sees_mark(const fs::path& mark) {
  std::error_code unseen;
  for (const TimePoint end = Clock::now() + longest_delay; !mark.empty() && !fs::exists(mark, unseen);
       std::this_thread::sleep_for(look_every))
    if (Clock::now() >= end) return false;
  return true;
}

}  // namespace mpifarm

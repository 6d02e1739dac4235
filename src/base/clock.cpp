#include "base/clock.hpp"

#include <sys/prctl.h>

#include <array>
#include <ctime>

namespace mpifarm {
namespace {

Nanos cpu_time(clockid_t clock) {
  timespec spent{};
  clock_gettime(clock, &spent);
  return std::chrono::seconds{spent.tv_sec} + Nanos{spent.tv_nsec};
}

std::string format_time(const char* format, const tm& time) {
  std::array<char, 40> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &time)};
}

}  // namespace

void sharpen_timers() { prctl(PR_SET_TIMERSLACK, 1000UL); }

Nanos thread_cpu_time() { return cpu_time(CLOCK_THREAD_CPUTIME_ID); }
Nanos process_cpu_time() { return cpu_time(CLOCK_PROCESS_CPUTIME_ID); }

std::string utc_timestamp() {
  const std::time_t now = std::time(nullptr);
  tm broken_down{};
  return format_time("%Y-%m-%dT%H:%M:%SZ", *gmtime_r(&now, &broken_down));
}

std::string name_timestamp() {
  const std::time_t now = std::time(nullptr);
  tm broken_down{};
  return format_time("%Y%m%d-%H%M%S", *localtime_r(&now, &broken_down));
}

}  // namespace mpifarm

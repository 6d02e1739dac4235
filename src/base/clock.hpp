#pragma once
// Time. Logic takes time points as arguments; only the loops read the clock.

#include <chrono>
#include <string>

namespace mpifarm {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Nanos = std::chrono::nanoseconds;

inline double seconds(Nanos duration) { return std::chrono::duration<double>(duration).count(); }

// Lets the calling thread's timed waits end within a microsecond of their time; by itself Linux takes 50
// more.
void sharpen_timers();

// CPU time used by the calling thread.
Nanos thread_cpu_time();
// CPU time used by the whole process, all threads.
Nanos process_cpu_time();

// The wall clock as 2026-11-20T12:34:56Z (for people), or 20261120-123456 (for names, local time).
std::string utc_timestamp();
std::string name_timestamp();

}  // namespace mpifarm

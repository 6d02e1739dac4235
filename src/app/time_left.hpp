#pragma once
// How long this start may still compute: said by the user, or by Slurm.

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace mpifarm::app {

// `--time-left auto|none|SECONDS`.
struct TimeLeft {
  enum class From { slurm, nobody, user };
  From from = From::slurm;
  Nanos given{};  // by the user
};

// Throws BadInput naming --time-left.
TimeLeft parse_time_left(const std::string& text);

// When the time is up, a little before it really is: what is then left suffices to seal the journal and end
// MPI. Nothing when there is no limit. Asks squeue inside a Slurm job, which may take some time: before MPI.
std::optional<TimePoint> end_of_time(const TimeLeft& time_left, TimePoint now);

// Less than this to the end: no task is begun any more.
inline constexpr Nanos least_time_to_start = std::chrono::seconds{1};

}  // namespace mpifarm::app

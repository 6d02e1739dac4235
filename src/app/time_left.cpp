#include "app/time_left.hpp"

#include <algorithm>

#include "app/slurm_job.hpp"
#include "base/error.hpp"
#include "base/numbers.hpp"

namespace mpifarm::app {
namespace {

constexpr Nanos longest_farewell = std::chrono::seconds{10};
constexpr int farewell_share = 10;  // of the time left, when that is less

}  // namespace

TimeLeft parse_time_left(const std::string& text) {
  if (text == "auto") return {};
  if (text == "none") return {.from = TimeLeft::From::nobody, .given = {}};
  constexpr double most = 1e8;
  double seconds = 0;
  if (!parse_number(text, seconds).empty() || !(seconds > 0 && seconds <= most))
    throw BadInput{"--time-left is no time (\"" + text +
                   "\"); give seconds, above 0 and at most 1e8, or auto, or none"};
  return {.from = TimeLeft::From::user,
          .given = std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{seconds})};
}

std::optional<TimePoint> end_of_time(const TimeLeft& time_left, TimePoint now) {
  if (time_left.from == TimeLeft::From::nobody) return std::nullopt;
  const std::optional<Nanos> left =
      time_left.from == TimeLeft::From::user ? std::optional{time_left.given} : slurm_time_left();
  if (!left) return std::nullopt;
  return now + *left - std::min<Nanos>(longest_farewell, *left / farewell_share);
}

}  // namespace mpifarm::app

#include "app/time_left.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"

namespace mpifarm::app {
namespace {

constexpr Nanos longest_farewell = std::chrono::seconds{10};
constexpr int farewell_share = 10;  // of the time left, when that is less

// The first line of what a command says; empty when there is none.
std::string first_line_of(const char* command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command, "r"), pclose};
  std::array<char, 256> line{};
  if (!pipe || std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()) == nullptr) return {};
  std::string text = line.data();
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::optional<Nanos> ask_slurm() {
  if (std::getenv("SLURM_JOB_ID") == nullptr) return std::nullopt;
  const std::string left = first_line_of("timeout 10 squeue -h -j \"$SLURM_JOB_ID\" -o %L 2>/dev/null");
  if (left.empty()) log::warning("squeue does not say how much time the Slurm job has left; see --time-left");
  return parse_slurm_time(left);
}

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

std::optional<Nanos> parse_slurm_time(std::string_view text) {
  std::int64_t days = 0;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    if (!parse_number(std::string{text.substr(0, dash)}, days).empty() || days < 0) return std::nullopt;
    text.remove_prefix(dash + 1);
  }
  std::int64_t seconds = 0;
  int parts = 0;
  for (std::size_t at = 0; at <= text.size(); ++parts) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    std::int64_t part = 0;
    if (!parse_number(std::string{text.substr(at, colon - at)}, part).empty() || part < 0) return std::nullopt;
    seconds = seconds * 60 + part;
    at = colon + 1;
  }
  if (parts < 2 || parts > 3) return std::nullopt;
  return std::chrono::seconds{seconds} + std::chrono::hours{24 * days};
}

std::optional<TimePoint> end_of_time(const TimeLeft& time_left, TimePoint now) {
  if (time_left.from == TimeLeft::From::nobody) return std::nullopt;
  const std::optional<Nanos> left =
      time_left.from == TimeLeft::From::user ? std::optional{time_left.given} : ask_slurm();
  if (!left) return std::nullopt;
  return now + *left - std::min<Nanos>(longest_farewell, *left / farewell_share);
}

}  // namespace mpifarm::app

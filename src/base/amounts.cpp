#include "base/amounts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "base/numbers.hpp"

namespace mpifarm {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

std::string counted(std::uint64_t number, const char* noun) {
  return grouped(number) + ' ' + noun + (number == 1 ? "" : "s");
}

std::string shortened(double number) {
  constexpr std::array units{"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  for (; number >= 999.5 && unit + 1 < units.size(); ++unit) number /= 1000;
  const int digits = unit == 0 || number >= 99.95 ? 0 : (number >= 9.995 ? 1 : 2);
  return fmt::format("{:.{}f}{}", number, digits, units[unit]);
}

std::string byte_text(std::uint64_t bytes) {
  const std::string number = shortened(static_cast<double>(bytes));
  return number + (number.back() >= '0' && number.back() <= '9' ? " B" : "B");
}

std::string duration_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 120) return fmt::format("{:.2f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string clock_text(double seconds) {
  constexpr double longest = 1e9;
  const auto whole = static_cast<std::uint64_t>(seconds < 0         ? 0
                                                : seconds > longest ? longest
                                                                    : seconds + 0.5);
  const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours >= 48) return fmt::format("{} d {:02} h", hours / 24, hours % 24);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

namespace {

// Adds up "[[D-]H:]M:S"; nothing when the text is no clock time.
std::optional<double> clock_seconds(std::string_view text) {
  double seconds = 0;
  if (const std::size_t dash = text.find('-'); dash != text.npos) {
    unsigned days = 0;
    if (!parse_number(text.substr(0, dash), days).empty()) return std::nullopt;
    seconds = days * 24.0;
    text.remove_prefix(dash + 1);
    if (std::ranges::count(text, ':') != 2) return std::nullopt;
  }
  int fields = 0;
  for (std::size_t at = 0; at <= text.size(); ++fields) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    unsigned field = 0;
    if (!parse_number(text.substr(at, colon - at), field).empty()) return std::nullopt;
    seconds = (fields == 0 ? seconds : seconds * 60) + field;
    at = colon + 1;
  }
  return fields == 2 || fields == 3 ? std::optional{seconds} : std::nullopt;
}

}  // namespace

double parse_duration(const std::string& flag, const std::string& text, double most) {
  using Unit = std::pair<std::string_view, double>;
  constexpr std::array<Unit, 4> units{Unit{"ms", 1e-3}, Unit{"s", 1}, Unit{"m", 60}, Unit{"h", 3600}};
  double seconds = -1;
  if (const auto clock = clock_seconds(text)) {
    seconds = *clock;
  } else {
    std::string_view number = text;
    const auto unit = std::ranges::find_if(units, [&](const Unit& one) { return text.ends_with(one.first); });
    if (unit != units.end()) number.remove_suffix(unit->first.size());
    if (double given = 0; parse_number(number, given).empty())
      seconds = given * (unit == units.end() ? 1 : unit->second);
  }
  if (!(seconds >= 0 && seconds <= most))
    throw BadInput{flag + " is no duration (\"" + text +
                   "\"); give seconds, or such as 500ms, 10m, 2h, 1-12:00:00"};
  return seconds;
}

std::uint64_t parse_bytes(const std::string& flag, const std::string& text) {
  constexpr std::string_view units = "KMGT";
  constexpr double most = 1e15;
  std::string number = text;
  if (number.ends_with('B')) number.pop_back();
  double factor = 1;
  if (const std::size_t unit = number.empty() ? units.npos : units.find(number.back()); unit != units.npos) {
    number.pop_back();
    for (std::size_t i = 0; i <= unit; ++i) factor *= 1024;
  }
  double bytes = 0;
  if (!parse_number(number, bytes).empty() || !(bytes * factor >= 1 && bytes * factor <= most))
    throw BadInput{flag + " is no number of bytes (\"" + text + "\"); use such as 500M or 2G"};
  return static_cast<std::uint64_t>(bytes * factor);
}

}  // namespace mpifarm

#include "base/amounts.hpp"

#include <fmt/format.h>

#include <array>

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

#include "exec/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/numbers.hpp"
#include "base/printable.hpp"

namespace mpifarm::exec {
namespace {

constexpr std::uint64_t most_values = 10'000'000;
constexpr unsigned most_decimals = 15;

[[noreturn]] void refuse(const std::string& flag, std::string_view text, const std::string& why) {
  throw BadInput{flag + " " + why + " (\"" + printable(text) +
                 "\"); use such as alpha=0:1:0.1, seed=1..100 or method=jacobi,sor"};
}

[[noreturn]] void refuse_long(const std::string& flag, std::string_view text) {
  refuse(flag, text, "has a range of more than 10 million values");
}

bool is_number(std::string_view text) {
  double number = 0;
  return parse_number(std::string{text}, number).empty();
}

// A decimal number as digits * 10^-decimals; nothing for one with an exponent or too many digits.
struct Decimal {
  std::int64_t digits = 0;
  unsigned decimals = 0;
};

std::optional<Decimal> decimal_of(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view fraction = point < text.size() ? text.substr(point + 1) : std::string_view{};
  Decimal decimal{0, static_cast<unsigned>(fraction.size())};
  const std::string digits = std::string{text.substr(0, point)} + std::string{fraction};
  const bool is_decimal = fraction.size() <= most_decimals && parse_number(digits, decimal.digits).empty();
  return is_decimal ? std::optional{decimal} : std::nullopt;
}

std::string text_of(Decimal decimal) {
  for (; decimal.decimals > 0 && decimal.digits % 10 == 0; --decimal.decimals) decimal.digits /= 10;
  const auto magnitude = decimal.digits < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(decimal.digits)
                                            : static_cast<std::uint64_t>(decimal.digits);
  std::string text = fmt::format("{:0{}}", magnitude, decimal.decimals + 1);
  if (decimal.decimals > 0) text.insert(text.size() - decimal.decimals, ".");
  return decimal.digits < 0 ? "-" + text : text;
}

// To `decimals`, if that fits.
bool scale(Decimal& decimal, unsigned decimals) {
  for (; decimal.decimals < decimals; ++decimal.decimals)
    if (__builtin_mul_overflow(decimal.digits, std::int64_t{10}, &decimal.digits)) return false;
  return true;
}

// `from` and `step` have as many decimals; no value overflows.
AxisValues decimal_range(Decimal from, Decimal step, std::uint64_t count) {
  return {count, [=](std::uint64_t i) {
            return text_of({from.digits + step.digits * static_cast<std::int64_t>(i), from.decimals});
          }};
}

// How many steps lead from `from` to `to`; both ends belong to the range.
std::uint64_t count_steps(const std::string& flag, std::string_view text, double from, double to,
                          double step) {
  if (!std::isfinite(from) || !std::isfinite(to) || !std::isfinite(step) || step == 0)
    refuse(flag, text, "has a range without end");
  const double steps = std::floor((to - from) / step * (1 + 1e-12) + 1e-9);
  if (steps < 0) refuse(flag, text, "has an empty range");
  if (steps >= static_cast<double>(most_values)) refuse_long(flag, text);
  return static_cast<std::uint64_t>(steps) + 1;
}

AxisValues stepped_range(const std::string& flag, std::string_view text,
                         const std::vector<std::string>& parts) {
  std::vector<double> numbers(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (!parse_number(parts[i], numbers[i]).empty()) refuse(flag, text, "has a range that is not of numbers");
  const std::uint64_t count = count_steps(flag, text, numbers[0], numbers[1], numbers[2]);
  auto from = decimal_of(parts[0]), step = decimal_of(parts[2]);
  std::int64_t last = 0;
  if (from && step && scale(*from, step->decimals) && scale(*step, from->decimals) &&
      !__builtin_mul_overflow(step->digits, static_cast<std::int64_t>(count), &last) &&
      !__builtin_add_overflow(from->digits, last, &last))
    return decimal_range(*from, *step, count);
  return {count, [=](std::uint64_t i) {
            return fmt::format("{:.15g}", numbers[0] + static_cast<double>(i) * numbers[2]);
          }};
}

// With zeros in front of one end, every value has as many digits as the longer one.
std::size_t digits_wanted(const std::string& from, const std::string& to) {
  const auto is_padded = [](const std::string& text) { return text.size() > 1 && text[0] == '0'; };
  return is_padded(from) || is_padded(to) ? std::max(from.size(), to.size()) : 1;
}

AxisValues integer_range(const std::string& flag, std::string_view text, const std::string& from_text,
                         const std::string& to_text) {
  std::int64_t from = 0, to = 0;
  if (!parse_number(from_text, from).empty() || !parse_number(to_text, to).empty())
    refuse(flag, text, "has a range that is not of integers");
  const std::int64_t step = to < from ? -1 : 1;
  const std::uint64_t steps =
      static_cast<std::uint64_t>(step) * (static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from));
  if (steps >= most_values) refuse_long(flag, text);
  return {steps + 1, [=, digits = digits_wanted(from_text, to_text)](std::uint64_t i) {
            return fmt::format("{:0{}}", from + step * static_cast<std::int64_t>(i), digits);
          }};
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts{{}};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == separator)
      parts.back() += text[++at];
    else if (text[at] == separator)
      parts.emplace_back();
    else
      parts.back() += text[at];
  }
  return parts;
}

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && is_letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

}  // namespace

Axis parse_axis(const std::string& flag, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || !is_name(text.substr(0, equals)))
    refuse(flag, text, "does not say which field it is for");
  const std::string_view given = text.substr(equals + 1);
  Axis axis{std::string{text.substr(0, equals)}, {}};
  const std::vector<std::string> parts = split(given, ':');  // "\\:" is no range's
  const std::size_t dots = given.find("..");
  if (parts.size() == 3 && is_number(parts[0]))
    axis.values = stepped_range(flag, text, parts);
  else if (dots != given.npos && is_number(given.substr(0, dots)))
    axis.values =
        integer_range(flag, text, std::string{given.substr(0, dots)}, std::string{given.substr(dots + 2)});
  else
    axis.values = AxisValues{split(given, ',')};
  return axis;
}

Sweep::Sweep(std::vector<Axis> axes, bool linked) : axes_{std::move(axes)}, linked_{linked} {
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const Axis& axis = axes_[i];
    if (std::ranges::count(axes_, axis.name, &Axis::name) > 1)
      throw BadInput{"the field " + axis.name + " is given more than once; give it once"};
    if (linked_ && axis.values.size() != axes_[0].values.size())
      throw BadInput{"--link needs fields with as many values each (" + axes_[0].name + " has " +
                     std::to_string(axes_[0].values.size()) + ", " + axis.name + " has " +
                     std::to_string(axis.values.size()) + "); leave it out for all combinations"};
    if (i == 0)
      size_ = axis.values.size();
    else if (!linked_ && __builtin_mul_overflow(size_, axis.values.size(), &size_))
      size_ = std::numeric_limits<std::uint64_t>::max();
    if (size_ > std::uint64_t{1} << 63)
      throw BadInput{"there are too many combinations (more than 2^63); leave a field out"};
  }
}

Values Sweep::at(std::uint64_t i) const {
  Values values;
  for (auto axis = axes_.rbegin(); axis != axes_.rend(); ++axis) {
    const std::uint64_t count = axis->values.size();
    values[axis->name] = axis->values[linked_ ? i : i % count];
    if (!linked_) i /= count;
  }
  return values;
}

}  // namespace mpifarm::exec

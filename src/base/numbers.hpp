#pragma once
// Text to numbers and back, over the whole range and nothing beyond it.

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace mpifarm {

// Why a text is not a T, ready for a message; empty when it was one.
template <class T>
requires std::integral<T> || std::floating_point<T> std::string parse_number(std::string_view text,
                                                                             T& value) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') ++begin;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) return "out of range";
  if (std::unsigned_integral<T> && text.starts_with('-')) return "negative";
  if (error != std::errc{} || stop != end) return std::integral<T> ? "not a whole number" : "not a number";
  return {};
}

// The shortest text that reads back as the same number; "nan", "inf", "-inf".
template <class T>
requires std::integral<T> || std::floating_point<T>
void append_number(std::string& out, T value) {
  char text[40];
  const auto result = std::to_chars(text, text + sizeof text, value);
  out.append(text, result.ptr);
}

}  // namespace mpifarm

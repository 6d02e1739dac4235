#pragma once
// JSON as an owned tree, and as text.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"

namespace mpifarm::describe {

struct Value {
  using List = std::vector<Value>;
  using Object = std::vector<std::pair<std::string, Value>>;  // in the order written

  Value() = default;
  Value(std::nullptr_t) {}
  Value(std::same_as<bool> auto flag) : data{flag} {}
  Value(std::floating_point auto number) : data{static_cast<double>(number)} {}
  Value(const char* text) : data{std::string{text}} {}
  Value(std::string_view text) : data{std::string{text}} {}
  Value(std::string text) : data{std::move(text)} {}
  Value(List items) : data{std::move(items)} {}
  Value(Object fields) : data{std::move(fields)} {}
  // An integer is held as int64 wherever it fits, so that equal numbers are equal values.
  template <std::integral T>
  requires(!std::same_as<T, bool>) Value(T number) {
    if (std::in_range<std::int64_t>(number))
      data = static_cast<std::int64_t>(number);
    else
      data = static_cast<std::uint64_t>(number);
  }

  template <class T>
  const T* as() const {
    return std::get_if<T>(&data);
  }
  bool is_null() const { return data.index() == 0; }
  // The field of an object, or null when this is no object or has no such field.
  const Value* find(std::string_view key) const;

  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, List, Object> data =
      nullptr;
};

bool operator==(const Value& a, const Value& b);

// Says what becomes of a number: a value, or its text as it stands.
enum class JsonNumbers : std::uint8_t { values, texts };

// Throws BadInput, saying line, column and reason, unless `text` is one JSON value in UTF-8. Integers of 64
// bits are kept exactly, other numbers are doubles, read exactly; or every number is a text.
Value parse_json(std::string_view text, JsonNumbers numbers = JsonNumbers::values);

// With `indent` 0 on one line without spaces, otherwise for people to read. A double that is whole is
// written, and so read back, as an integer.
std::string to_json(const Value& value, unsigned indent = 0);
void append_json(Bytes& out, const Value& value);

// A JSON string; each byte that is not UTF-8 becomes U+FFFD.
void append_json_string(Bytes& out, std::string_view text);
// The shortest text that reads back as the same number; JSON has no such numbers as "nan", "inf" and "-inf",
// so these are strings.
void append_json_number(Bytes& out, double number);
void append_json_number(Bytes& out, float number);

}  // namespace mpifarm::describe

#pragma once
// Scalars as text and back; and the wording of every refusal of this floor.

#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/nearest.hpp"
#include "base/numbers.hpp"
#include "describe/fields.hpp"

namespace mpifarm::describe {

// `text` as a JSON string, cut to some 60 characters: for messages.
std::string excerpt(std::string_view text);
std::string joined(std::span<const std::string> texts, std::string_view separator);

// Throws BadInput `WHERE is REASON (SHOWN); ADVICE`.
[[noreturn]] void refuse(std::string_view where, std::string_view reason, std::string_view shown,
                         std::string_view advice);

// "did you mean NEAREST?", or all the names when none is near.
std::string name_advice(std::string_view typed, std::span<const std::string> names,
                        std::string_view what_names_are);

// Why `text` is no truth value, or empty. Takes true, yes, 1, false, no, 0 in any case.
std::string parse_bool(std::string_view text, bool& value);

template <DescribedEnum Enum>
std::vector<std::string> enumerator_names() {
  std::vector<std::string> names;
  for_each_enumerator<Enum>([&](std::string_view name, Enum) { names.emplace_back(name); });
  return names;
}

// The name of an enumerator; the number of a value without name.
template <DescribedEnum Enum>
void append_enum(std::string& out, Enum value) {
  bool named = false;
  for_each_enumerator<Enum>([&](std::string_view name, Enum candidate) {
    if (named || candidate != value) return;
    out += name;
    named = true;
  });
  if (!named) append_number(out, +static_cast<std::underlying_type_t<Enum>>(value));
}

template <DescribedEnum Enum>
std::string parse_enum(std::string_view text, Enum& value) {
  bool known = false;
  for_each_enumerator<Enum>([&](std::string_view name, Enum candidate) {
    if (known || name != text) return;
    value = candidate;
    known = true;
  });
  return known ? std::string{} : "none of " + joined(enumerator_names<Enum>(), ", ");
}

// Numbers read back exactly.
template <Scalar T>
void append_scalar(std::string& out, const T& value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::floating_point<T>) {
    if (std::isnan(value))
      out += "nan";  // whatever its sign
    else
      append_number(out, value);
  } else if constexpr (Number<T>) {
    append_number(out, value);
  } else if constexpr (DescribedEnum<T>) {
    append_enum(out, value);
  } else if constexpr (std::same_as<T, std::string>) {
    out += value;
  } else {
    out += value.native();
  }
}

// Why `text` is no T, as in "-3 is REASON", or empty on success; then, and only then, `value` is set.
template <Scalar T>
std::string parse_scalar(std::string_view text, T& value) {
  if constexpr (std::same_as<T, bool>) {
    return parse_bool(text, value);
  } else if constexpr (Number<T>) {
    T number{};
    std::string reason = parse_number(text, number);
    if (reason.empty()) value = number;
    return reason;
  } else if constexpr (DescribedEnum<T>) {
    return parse_enum(text, value);
  } else {
    value = std::string{text};
    return {};
  }
}

// What a T is, in a word or two, for help texts. Of an optional: what it holds; of a vector as a flag: what
// each item is.
template <class T>
std::string type_name() {
  if constexpr (Optional<T>)
    return type_name<Element<T>>();
  else if constexpr (std::same_as<T, bool>)
    return "yes|no";
  else if constexpr (Integer<T>)
    return "integer";
  else if constexpr (Number<T>)
    return "number";
  else if constexpr (DescribedEnum<T>)
    return "one of " + joined(enumerator_names<T>(), "|");
  else if constexpr (std::same_as<T, std::filesystem::path>)
    return "path";
  else if constexpr (Scalar<T>)
    return "text";
  else
    return Vector<T> || Array<T> ? "JSON list" : "JSON object";
}

// What to give where a T is wanted.
template <class T>
std::string expected() {
  if constexpr (Integer<T>)
    return "an integer from " + std::to_string(std::numeric_limits<T>::min()) + " to " +
           std::to_string(std::numeric_limits<T>::max());
  else if constexpr (Number<T>)
    return std::same_as<T, float> ? "a number of magnitude below 3.5e38"
                                  : "a number of magnitude below 1.8e308";
  else if constexpr (std::same_as<T, bool>)
    return "true or false";
  else if constexpr (DescribedEnum<T>)
    return "one of " + joined(enumerator_names<T>(), ", ");
  else if constexpr (Scalar<T>)
    return "text";
  else if constexpr (Optional<T>)
    return expected<Element<T>>();
  else
    return Vector<T> || Array<T> ? "a list" : "an object";
}

// "did you mean jacobi?", "give an integer from 0 to 255".
template <class T>
std::string advice_for(std::string_view text) {
  if constexpr (DescribedEnum<T>) {
    if (const std::string name = nearest_name(text, enumerator_names<T>()); !name.empty())
      return "did you mean " + name + "?";
  } else if constexpr (Optional<T>) {
    return advice_for<Element<T>>(text);
  }
  return "give " + expected<T>();
}

}  // namespace mpifarm::describe

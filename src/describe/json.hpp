#pragma once
// Described values to JSON text and back, by the walk over their fields. No JSON library is included here.

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "describe/fields.hpp"
#include "describe/scalar.hpp"
#include "describe/value.hpp"

namespace mpifarm::describe {

// Where in a tree a value stands. It borrows the place around it and the key.
struct Place {
  const Place* around = nullptr;
  std::string_view key;
  std::size_t index = npos;  // in a list, else npos

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);

  std::string text() const;   // "params.levels[2].x"
  std::string where() const;  // the same, or "the value" for one that has no name
};

// Errors of from_value, all thrown as BadInput.
[[noreturn]] void refuse_value(const Place& place, std::string_view reason, const Value& value,
                               std::string_view advice);
[[noreturn]] void refuse_key(const Place& place, std::string_view key, std::span<const std::string> names);
[[noreturn]] void refuse_repeated(const Place& place);
[[noreturn]] void refuse_count(const Place& place, std::size_t given, std::size_t wanted);

// Appends compact JSON. NaN and the infinities are the strings "nan", "inf" and "-inf"; an empty optional is
// null.
template <class T>
void append_json(Bytes& out, const T& value) {
  const auto append_all = [&out](const auto& items, const auto& append_one) {
    bool first = true;
    for (auto&& item : items) {
      if (!std::exchange(first, false)) out += ',';
      append_one(item);
    }
  };
  if constexpr (Described<T>) {
    out += '{';
    bool first = true;
    for_each_field(value, [&](std::string_view name, const auto& member) {
      out += std::exchange(first, false) ? "\"" : ",\"";
      out += name;
      out += "\":";
      append_json(out, member);
    });
    out += '}';
  } else if constexpr (Optional<T>) {
    if (value)
      append_json(out, *value);
    else
      out += "null";
  } else if constexpr (Vector<T> || Array<T>) {
    out += '[';
    append_all(value, [&](const Element<T>& item) { append_json(out, item); });
    out += ']';
  } else if constexpr (TextMap<T>) {
    out += '{';
    append_all(value, [&](const auto& entry) {
      append_json_string(out, entry.first);
      out += ':';
      append_json(out, entry.second);
    });
    out += '}';
  } else if constexpr (std::floating_point<T>) {
    append_json_number(out, value);
  } else if constexpr (Integer<T> || std::same_as<T, bool>) {
    append_scalar(out, value);
  } else {
    std::string text;
    append_scalar(text, value);
    append_json_string(out, text);
  }
}

template <class T>
std::string json_of(const T& value) {
  std::string out;
  append_json(out, value);
  return out;
}

template <class T>
Value to_value(const T& value) {
  return parse_json(json_of(value));
}

namespace detail {

template <Integer T>
std::string read_number(const Value& value, T& number) {
  const auto take = [&](auto given) -> std::string {
    if (!std::in_range<T>(given))
      return std::unsigned_integral<T> && std::cmp_less(given, 0) ? "negative" : "out of range";
    number = static_cast<T>(given);
    return {};
  };
  if (const auto* given = value.as<std::int64_t>()) return take(*given);
  if (const auto* given = value.as<std::uint64_t>()) return take(*given);
  // Only a whole number beyond 64 bits becomes a double of such size.
  if (const auto* given = value.as<double>(); given != nullptr && std::abs(*given) >= 0x1p63)
    return "out of range";
  return "not a whole number";
}

// A float is read from the digits that were written: rounding a double once more may miss it by a unit in the
// last place.
template <std::floating_point T>
std::string read_number(const Value& value, T& number) {
  if (const auto* given = value.as<std::int64_t>()) return number = static_cast<T>(*given), std::string{};
  if (const auto* given = value.as<std::uint64_t>()) return number = static_cast<T>(*given), std::string{};
  std::string text;
  if (const auto* given = value.as<double>())
    append_scalar(text, *given);
  else if (const auto* word = value.as<std::string>(); word != nullptr)
    text = *word == "nan" || *word == "inf" || *word == "-inf" ? *word : std::string{};
  return parse_scalar(text, number);
}

template <class T>
void read_value(const Value& value, T& out, const Place& place);

template <Described T>
void read_fields(const Value::Object& object, T& out, const Place& place) {
  std::array<bool, field_count<T>> seen{};
  for (const auto& [key, item] : object) {
    bool known = false;
    std::size_t index = 0;
    for_each_field(out, [&, &key = key, &item = item](std::string_view name, auto& member) {
      const std::size_t i = index++;
      if (name != key) return;
      const Place inside{&place, key};
      if (std::exchange(seen[i], true)) refuse_repeated(inside);
      read_value(item, member, inside);
      known = true;
    });
    if (!known) refuse_key(place, key, field_names<T>());
  }
}

template <TextMap T>
void read_fields(const Value::Object& object, T& out, const Place& place) {
  out.clear();
  for (const auto& [key, item] : object) {
    const Place inside{&place, key};
    const auto [entry, added] = out.try_emplace(key);
    if (!added) refuse_repeated(inside);
    read_value(item, entry->second, inside);
  }
}

template <class T>
void read_items(const Value::List& items, T& out, const Place& place) {
  if constexpr (Array<T>) {
    if (items.size() != out.size()) refuse_count(place, items.size(), out.size());
  } else {
    out.clear();
    out.reserve(items.size());
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    Element<T> item{};
    read_value(items[i], item, Place{&place, {}, i});
    if constexpr (Array<T>)
      out[i] = std::move(item);
    else
      out.push_back(std::move(item));
  }
}

template <Scalar T>
std::string read_scalar(const Value& value, T& out) {
  if constexpr (std::same_as<T, bool>) {
    if (const bool* flag = value.as<bool>()) return out = *flag, std::string{};
    return "neither true nor false";
  } else if constexpr (Number<T>) {
    return read_number(value, out);
  } else {
    const auto* text = value.as<std::string>();
    return text != nullptr ? parse_scalar(*text, out) : "not a string";
  }
}

template <class T>
void read_value(const Value& value, T& out, const Place& place) {
  if constexpr (Described<T> || TextMap<T>) {
    if (const auto* object = value.as<Value::Object>()) return read_fields(*object, out, place);
    refuse_value(place, "not an object", value, "give " + expected<T>());
  } else if constexpr (Vector<T> || Array<T>) {
    if (const auto* items = value.as<Value::List>()) return read_items(*items, out, place);
    refuse_value(place, "not a list", value, "give " + expected<T>());
  } else if constexpr (Optional<T>) {
    if (value.is_null()) return out.reset();
    Element<T> held{};
    read_value(value, held, place);
    out = std::move(held);
  } else {
    const std::string reason = read_scalar(value, out);
    if (reason.empty()) return;
    const auto* text = value.as<std::string>();
    refuse_value(place, reason, value, advice_for<T>(text != nullptr ? *text : std::string{}));
  }
}

}  // namespace detail

// Sets `out` from `value`. A field that is absent stays as it is; a vector or map is replaced whole. Throws
// BadInput naming the field, under `path`, for a key that is no field, a key given twice, a wrong type and a
// number out of range; `out` is then partly set.
template <class T>
void from_value(const Value& value, T& out, std::string_view path = {}) {
  detail::read_value(value, out, Place{nullptr, path});
}

template <class T>
T from_json(std::string_view text, std::string_view path = {}) {
  T out{};
  from_value(parse_json(text), out, path);
  return out;
}

}  // namespace mpifarm::describe

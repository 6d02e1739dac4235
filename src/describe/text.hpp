#pragma once
// Any field as one piece of text: a cell of a table, the value of a flag.
//
// A scalar is written plainly, an empty optional as nothing, everything else as JSON. So an optional text
// that holds "" reads back empty: text has no way to tell them apart.

#include <string>
#include <string_view>

#include "describe/fields.hpp"
#include "describe/json.hpp"
#include "describe/scalar.hpp"

namespace mpifarm::describe {

template <class T>
inline constexpr bool is_plain = Scalar<T>;
template <Scalar T>
inline constexpr bool is_plain<std::optional<T>> = true;

template <class T>
void append_text(std::string& out, const T& value) {
  if constexpr (Scalar<T>) {
    append_scalar(out, value);
  } else if constexpr (Optional<T>) {
    if (value) append_text(out, *value);
  } else {
    append_json(out, value);
  }
}

template <class T>
std::string text_of(const T& value) {
  std::string out;
  append_text(out, value);
  return out;
}

// Why `text` is no T, as in `"12x" is REASON`, or empty on success: "not a whole number", "negative", "out of
// range", "none of jacobi, sor". Whole range, nothing saturates.
template <class T>
std::string parse_text(std::string_view text, T& value) {
  if constexpr (Scalar<T>) {
    return parse_scalar(text, value);
  } else if constexpr (Optional<T>) {
    if (text.empty()) return value.reset(), std::string{};
    Element<T> held{};
    std::string reason = parse_text(text, held);
    if (reason.empty()) value = std::move(held);
    return reason;
  } else {
    try {
      value = from_json<T>(text);
      return {};
    } catch (const BadInput& error) {
      return std::string{error.what()}.starts_with("not ") ? error.what()
                                                           : std::string{"wrong: "} + error.what();
    }
  }
}

// Sets `value` from `text`, or throws BadInput naming `where`, the reason and the text.
template <class T>
void read_text(std::string_view text, T& value, std::string_view where) {
  const std::string reason = parse_text(text, value);
  if (!reason.empty()) refuse(where, reason, excerpt(text), advice_for<T>(text));
}

}  // namespace mpifarm::describe

#pragma once
// The fields of a struct as typed cells, for tables that know types.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "describe/fields.hpp"
#include "describe/text.hpp"

namespace mpifarm::describe {

// Takes cells one by one. The views are valid during the call.
class CellTaker {
 public:
  virtual ~CellTaker() = default;
  virtual void null() = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void number(double value) = 0;  // not NaN
  virtual void text(std::string_view value) = 0;
};

// A field as one cell: an empty optional is null, a bool 0 or 1, an integer beyond 63 bits and a NaN text,
// everything nested JSON.
template <class T>
void give_cell(const T& value, CellTaker& taker) {
  if constexpr (Optional<T> && is_plain<T>) {
    if (value)
      give_cell(*value, taker);
    else
      taker.null();
  } else if constexpr (Integer<T> || std::same_as<T, bool>) {
    if (std::in_range<std::int64_t>(+value))
      taker.integer(static_cast<std::int64_t>(value));
    else
      taker.text(text_of(value));
  } else if constexpr (std::floating_point<T>) {
    if (std::isnan(value))
      taker.text("nan");
    else
      taker.number(static_cast<double>(value));
  } else {
    taker.text(text_of(value));
  }
}

template <Described T>
void give_cells(const T& value, CellTaker& taker) {
  for_each_field(value, [&](std::string_view, const auto& member) { give_cell(member, taker); });
}

}  // namespace mpifarm::describe

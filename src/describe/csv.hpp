#pragma once
// Described structs as rows of comma-separated values (RFC 4180), written and read. Lines end in LF.

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "describe/fields.hpp"
#include "describe/text.hpp"

namespace mpifarm::describe {

// Appends `text`, in quotes when it has to be.
void append_csv_cell(Bytes& out, std::string_view text);

template <Described T>
std::vector<std::string> columns() {
  return field_names<T>();
}

// Whether every field is a scalar or an optional one, so that no cell is JSON.
template <Described T>
consteval bool is_flat() {
  bool flat = true;
  for_each_field_type<T>(
      [&](auto, auto member) { flat = flat && is_plain<typename decltype(member)::type>; });
  return flat;
}

// Appends the cell of one field.
template <class T>
void append_csv_field(Bytes& out, const T& value) {
  if constexpr (Number<T> || std::same_as<T, bool> || DescribedEnum<T>) {
    append_scalar(out, value);  // never has anything to quote
  } else if constexpr (std::same_as<T, std::string>) {
    append_csv_cell(out, value);
  } else if constexpr (Optional<T> && is_plain<T>) {
    if (value) append_csv_field(out, *value);
  } else {
    append_csv_cell(out, text_of(value));
  }
}

// Appends the cells without a line end, for a line that has other cells as well; each follows a comma, but
// not the first when `starts_line`.
template <Described T>
void append_csv_names(Bytes& out, bool starts_line) {
  for_each_field_type<T>([&](std::string_view name, auto) {
    if (!std::exchange(starts_line, false)) out += ',';
    out += name;
  });
}

template <Described T>
void append_csv_cells(Bytes& out, const T& value, bool starts_line) {
  for_each_field(value, [&](std::string_view, const auto& member) {
    if (!std::exchange(starts_line, false)) out += ',';
    append_csv_field(out, member);
  });
}

// Append a whole line. That of a struct with one field, empty, is `""`, as readers skip empty lines.
template <Described T>
void append_csv_header(Bytes& out) {
  append_csv_names<T>(out, true);
  out += '\n';
}

template <Described T>
void append_csv_row(Bytes& out, const T& value) {
  const std::size_t start = out.size();
  append_csv_cells(out, value, true);
  if (out.size() == start && field_count<T> == 1) out += "\"\"";
  out += '\n';
}

// For each of `names` its column, or `no_column`. Throws BadInput for a column that is no name, with the
// nearest, or that comes twice.
inline constexpr std::size_t no_column = static_cast<std::size_t>(-1);
std::vector<std::size_t> match_columns(std::span<const std::string> header,
                                       std::span<const std::string> names);
// Throws BadInput unless a row has as many cells as the header.
void check_width(std::size_t cells, std::size_t columns);

// The columns of one table, matched to the fields of T by the header.
template <Described T>
class CsvColumns {
 public:
  explicit CsvColumns(std::span<const std::string> header)
      : width_{header.size()}, column_of_field_{match_columns(header, field_names<T>())} {}

  // Sets the fields that have a column; the others stay. Throws BadInput naming column and value, or the
  // number of cells; the caller knows file and line.
  void read(std::span<const std::string> cells, T& value) const {
    check_width(cells.size(), width_);
    std::size_t field = 0;
    for_each_field(value, [&](std::string_view name, auto& member) {
      const std::size_t column = column_of_field_[field++];
      if (column == no_column) return;
      const std::string reason = parse_text(cells[column], member);
      if (reason.empty()) return;
      using Member = std::remove_reference_t<decltype(member)>;
      refuse("column " + std::string{name}, reason, excerpt(cells[column]),
             advice_for<Member>(cells[column]));
    });
  }

 private:
  std::size_t width_;
  std::vector<std::size_t> column_of_field_;
};

// The same for a single row.
template <Described T>
void row_to_struct(std::span<const std::string> header, std::span<const std::string> cells, T& value) {
  CsvColumns<T>{header}.read(cells, value);
}

}  // namespace mpifarm::describe

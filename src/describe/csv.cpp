#include "describe/csv.hpp"

#include <algorithm>

namespace mpifarm::describe {

void append_csv_cell(Bytes& out, std::string_view text) {
  const auto special = [](char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; };
  const bool looks_like_mark = text.starts_with("\xef\xbb\xbf");  // a byte order mark, if it began the file
  if (!looks_like_mark && std::ranges::none_of(text, special)) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::vector<std::size_t> match_columns(std::span<const std::string> header,
                                       std::span<const std::string> names) {
  std::vector<std::size_t> column_of(names.size(), no_column);
  for (std::size_t column = 0; column < header.size(); ++column) {
    const auto name = std::ranges::find(names, header[column]);
    const std::string number = "column " + std::to_string(column + 1);
    if (name == names.end())
      refuse(number, "none that is known", excerpt(header[column]),
             name_advice(header[column], names, "columns"));
    std::size_t& of_field = column_of[static_cast<std::size_t>(name - names.begin())];
    if (of_field != no_column)
      refuse(number, "the same as column " + std::to_string(of_field + 1), excerpt(header[column]),
             "give each column once");
    of_field = column;
  }
  return column_of;
}

void check_width(std::size_t cells, std::size_t columns) {
  if (cells == columns) return;
  refuse("the row", cells < columns ? "too short" : "too long",
         std::to_string(cells) + (cells == 1 ? " cell" : " cells"),
         "give " + std::to_string(columns) + " as in the header");
}

}  // namespace mpifarm::describe

// CSV: the first byte says how it comes in. However that is, the rows or the refusal are the same; rows
// written again read back the same, and so do those that fit a struct.

#include "describe/csv.hpp"

#include "base/error.hpp"
#include "describe/csv_reader.hpp"
#include "require.hpp"
#include "samples.hpp"

namespace {

using namespace mpifarm;
using namespace mpifarm::describe;
using fuzz::require;

struct Table {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::uint64_t> lines;
  std::string refusal;
  bool operator==(const Table&) const = default;
};

Table read(BytesView text, std::size_t chunk_bytes) {
  constexpr std::size_t longest_row = 500;  // so that short inputs reach it
  CsvReader reader{"t.csv", longest_row};
  Table table;
  CsvRow row;
  const auto keep = [&] {
    table.rows.push_back(row.cells);
    table.lines.push_back(row.line);
  };
  try {
    while (!text.empty()) {
      BytesView chunk = text.substr(0, chunk_bytes);
      text.remove_prefix(chunk.size());
      while (reader.read(chunk, row)) keep();
      require(chunk.empty(), "a chunk is used up");
    }
    if (reader.finish(row)) keep();
  } catch (const BadInput& error) {
    table.refusal = error.what();
    require(!table.refusal.empty(), "a refusal says why");
  }
  return table;
}

using Rows = std::vector<std::vector<std::string>>;

void check_written(const Rows& rows, const char* what) {
  Bytes out;
  for (const auto& row : rows) {
    const std::size_t begin = out.size();
    for (const std::string& cell : row) {
      if (&cell != &row.front()) out += ',';
      append_csv_cell(out, cell);
    }
    if (out.size() == begin) out += "\"\"";  // an empty line would be no row
    out += '\n';
  }
  CsvReader reader{"again.csv"};
  CsvRow row;
  Rows again;
  for (BytesView left = out; reader.read(left, row);) again.push_back(row.cells);
  require(again == rows, what);
}

// Two rows of the cells that zeros part.
void check_cells(BytesView text) {
  std::vector<std::string> cells{""};
  for (const char c : text) {
    if (c == '\0')
      cells.emplace_back();
    else
      cells.back() += c;
  }
  check_written({cells, {cells.back()}}, "any cells that are written are read");
}

template <class T>
void check_structs(const Table& table) {
  if (table.rows.empty()) return;
  try {
    const CsvColumns<T> columns{table.rows.front()};
    for (std::size_t i = 1; i < table.rows.size(); ++i) {
      T value;
      columns.read(table.rows[i], value);
      Bytes out;
      append_csv_header<T>(out);
      append_csv_row(out, value);
      CsvReader reader{"struct.csv"};
      CsvRow header, row;
      BytesView left = out;
      require(reader.read(left, header) && reader.read(left, row), "a struct is written as a row");
      T again;
      row_to_struct(header.cells, row.cells, again);
      Bytes second;
      append_csv_header<T>(second);
      append_csv_row(second, again);
      require(second == out, "a struct reads back the same");
    }
  } catch (const BadInput& error) {
    require(error.what()[0] != '\0', "a refusal says why");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const char* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView text{data + 1, size - 1};
  const Table whole = read(text, text.npos);
  require(read(text, 1 + static_cast<unsigned char>(data[0]) % 16) == whole,
          "however the text is cut into chunks, the rows are the same");
  check_written(whole.rows, "rows written again read back the same");
  check_cells(text);
  check_structs<samples::Flat>(whole);
  check_structs<samples::Deep>(whole);
  return 0;
}

#pragma once
// Comma-separated values (RFC 4180) taken apart, as they come in.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace mpifarm::describe {

struct CsvRow {
  std::vector<std::string> cells;
  std::uint64_t line = 0;  // where it begins, from 1; a quoted cell may hold line ends
  bool quoted = false;     // one of the cells at least

  // Whether it is what spreadsheets leave below a table: cells that are all empty, none of them in quotes.
  bool is_blank() const;
};

// Takes LF, CRLF and CR as line ends, skips a byte order mark and empty lines. However the text is cut into
// chunks, the rows are the same. Throws BadInput with `name`, line and column for broken quoting and for a
// row of more than `max_row_bytes`; after that it must not be used. One thread.
//
//   CsvRow row;
//   while (next chunk) while (reader.read(chunk, row)) use(row);
//   if (reader.finish(row)) use(row);
class CsvReader {
 public:
  static constexpr std::size_t default_max_row_bytes = 16 << 20;

  explicit CsvReader(std::string name, std::size_t max_row_bytes = default_max_row_bytes);

  // Takes bytes off the front of `chunk` until a row is whole. False when the chunk is used up before.
  bool read(BytesView& chunk, CsvRow& row);
  // The input has ended. True when a last row without line end was left.
  bool finish(CsvRow& row);

 private:
  enum class State { cell_start, plain, quoted, quote_seen };
  struct Position {
    std::uint64_t line = 1, column = 1;  // columns are characters of UTF-8
  };

  BytesView skip_mark(BytesView& chunk);
  bool read_rows(BytesView& chunk, CsvRow& row);
  std::size_t take_run(BytesView chunk);
  bool take(char c);
  void take_quote();
  void take_plain(char c);
  bool end_line();
  void end_cell();
  void advance(char c);
  std::string& cell();
  bool hand_over(CsvRow& row);
  [[noreturn]] void refuse(Position at, const std::string& reason, const std::string& advice) const;

  std::string name_;
  std::size_t max_row_bytes_;
  State state_ = State::cell_start;
  bool after_cr_ = false;
  Position here_;
  Position quote_;              // of the quote that opened the cell
  std::size_t mark_bytes_ = 0;  // of the byte order mark, seen so far
  bool mark_done_ = false;
  CsvRow row_;
  std::size_t cells_ = 0;  // of `row_` in use; the rest keep their memory
  std::size_t row_bytes_ = 0;
};

}  // namespace mpifarm::describe

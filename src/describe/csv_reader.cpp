#include "describe/csv_reader.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace mpifarm::describe {
namespace {

constexpr BytesView byte_order_mark = "\xef\xbb\xbf";

}  // namespace

bool CsvRow::is_blank() const {
  return cells.size() > 1 && !quoted &&
         std::ranges::all_of(cells, [](const auto& cell) { return cell.empty(); });
}

CsvReader::CsvReader(std::string name, std::size_t max_row_bytes)
    : name_{std::move(name)}, max_row_bytes_{max_row_bytes} {}

bool CsvReader::read(BytesView& chunk, CsvRow& row) {
  BytesView not_a_mark = skip_mark(chunk);
  read_rows(not_a_mark, row);  // shorter than a mark, and without line ends
  return read_rows(chunk, row);
}

bool CsvReader::finish(CsvRow& row) {
  BytesView cut_mark = mark_done_ ? BytesView{} : byte_order_mark.substr(0, mark_bytes_);
  mark_done_ = true;
  read_rows(cut_mark, row);
  if (state_ == State::quoted)
    refuse(quote_, "a quoted cell has no closing quote", "close it, and double every quote inside it");
  return end_line() && hand_over(row);
}

// Takes a byte order mark off the front of the input; gives back the bytes taken so far when they turn out to
// be none.
BytesView CsvReader::skip_mark(BytesView& chunk) {
  while (!mark_done_ && !chunk.empty()) {
    if (chunk.front() != byte_order_mark[mark_bytes_]) {
      mark_done_ = true;
      return byte_order_mark.substr(0, mark_bytes_);
    }
    chunk.remove_prefix(1);
    mark_done_ = ++mark_bytes_ == byte_order_mark.size();
  }
  return {};
}

bool CsvReader::read_rows(BytesView& chunk, CsvRow& row) {
  while (!chunk.empty()) {
    if (const std::size_t run = take_run(chunk); run > 0) {
      chunk.remove_prefix(run);
      continue;
    }
    const char c = chunk.front();
    chunk.remove_prefix(1);
    if (std::exchange(after_cr_, false) && c == '\n') continue;
    const bool whole = take(c);
    advance(after_cr_ ? '\n' : c);
    if (row_bytes_ > max_row_bytes_)
      refuse({row_.line, 1}, "the row is longer than " + std::to_string(max_row_bytes_) + " bytes",
             "see whether a closing quote is missing");
    if (whole) return hand_over(row);
  }
  return false;
}

// Appends at once the characters at the front that only make the cell longer; returns how many.
std::size_t CsvReader::take_run(BytesView chunk) {
  if (after_cr_ || (state_ != State::plain && state_ != State::quoted)) return 0;
  const bool quoted = state_ == State::quoted;
  const std::size_t room = max_row_bytes_ - std::min(row_bytes_, max_row_bytes_);
  const auto ends = [quoted](char c) { return c == '"' || c == '\n' || c == '\r' || (c == ',' && !quoted); };
  const BytesView run =
      chunk.substr(0, static_cast<std::size_t>(std::ranges::find_if(chunk, ends) - chunk.begin()))
          .substr(0, room);
  cell() += run;
  row_bytes_ += run.size();
  for (const char c : run) advance(c);
  return run.size();
}

// Whether `c` ends a row.
bool CsvReader::take(char c) {
  if (cells_ == 0 && state_ == State::cell_start) row_.line = here_.line;
  ++row_bytes_;
  if (state_ == State::quoted) {
    if (c == '"')
      state_ = State::quote_seen;
    else
      cell() += c;
    return false;
  }
  if (c == '\n' || c == '\r') {
    after_cr_ = c == '\r';
    return end_line();
  }
  if (c == ',')
    end_cell();
  else if (c == '"')
    take_quote();
  else
    take_plain(c);
  return false;
}

void CsvReader::take_quote() {
  if (state_ == State::plain)
    refuse(here_, "a quote stands inside an unquoted cell",
           "put the cell in quotes and double every quote inside it");
  if (state_ == State::quote_seen) {
    cell() += '"';
  } else {
    cell().clear();
    quote_ = here_;
    row_.quoted = true;
  }
  state_ = State::quoted;
}

void CsvReader::take_plain(char c) {
  if (state_ == State::quote_seen)
    refuse(here_, "a quoted cell goes on after its closing quote", "double every quote inside it");
  if (state_ == State::cell_start) cell().clear();
  cell() += c;
  state_ = State::plain;
}

bool CsvReader::end_line() {
  const bool empty = cells_ == 0 && state_ == State::cell_start;
  if (empty)
    row_bytes_ = 0;
  else
    end_cell();
  return !empty;
}

void CsvReader::end_cell() {
  if (state_ == State::cell_start) cell().clear();
  ++cells_;
  state_ = State::cell_start;
}

void CsvReader::advance(char c) {
  if (c == '\n') {
    ++here_.line;
    here_.column = 1;
  } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
    ++here_.column;
  }
}

std::string& CsvReader::cell() {
  if (cells_ == row_.cells.size()) row_.cells.emplace_back();
  return row_.cells[cells_];
}

bool CsvReader::hand_over(CsvRow& row) {
  row_.cells.resize(cells_);
  std::swap(row, row_);
  row_.quoted = false;
  cells_ = row_bytes_ = 0;
  return true;
}

void CsvReader::refuse(Position at, const std::string& reason, const std::string& advice) const {
  throw BadInput{name_ + " is not valid CSV (line " + std::to_string(at.line) + ", column " +
                 std::to_string(at.column) + ": " + reason + "); " + advice};
}

}  // namespace mpifarm::describe

#pragma once
// Lines, as they come in: the counterpart of CsvReader for JSON Lines.

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace mpifarm::describe {

// Takes LF and CRLF as line ends. However the text is cut into chunks, the lines are the same. Throws
// BadInput with `name` and line for one of more than `most_bytes`. One thread; used as CsvReader is.
class LineReader {
 public:
  LineReader(std::string name, std::size_t most_bytes) : name_{std::move(name)}, most_bytes_{most_bytes} {}

  // Takes bytes off the front of `chunk` until a line is whole; `line`, without its end, is valid until the
  // next call and as long as the chunk. False when the chunk is used up before.
  bool read(BytesView& chunk, BytesView& line);
  // The input has ended. True when a last line without line end was left.
  bool finish(BytesView& line);

  std::uint64_t number() const { return number_; }  // of the line handed over last, from 1

 private:
  bool hand_over(BytesView text, BytesView& line);
  void keep(BytesView part);

  std::string name_;
  std::size_t most_bytes_;
  Bytes kept_;  // the beginning of a line that was cut
  bool kept_is_whole_ = false;
  std::uint64_t number_ = 0;
};

}  // namespace mpifarm::describe

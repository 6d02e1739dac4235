#include "describe/line_reader.hpp"

#include <utility>

#include "base/error.hpp"

namespace mpifarm::describe {

void LineReader::keep(BytesView part) {
  if (kept_.size() + part.size() > most_bytes_)
    throw BadInput{name_ + ", line " + std::to_string(number_ + 1) + " is longer than " +
                   std::to_string(most_bytes_) + " bytes; see whether a line end is missing"};
  kept_ += part;
}

bool LineReader::hand_over(BytesView text, BytesView& line) {
  ++number_;
  if (text.ends_with('\r')) text.remove_suffix(1);
  line = text;
  return true;
}

bool LineReader::read(BytesView& chunk, BytesView& line) {
  if (std::exchange(kept_is_whole_, false)) kept_.clear();
  const std::size_t size = chunk.find('\n');
  const BytesView part = chunk.substr(0, size);
  const bool whole = size != chunk.npos;
  chunk.remove_prefix(whole ? size + 1 : chunk.size());
  if (whole && kept_.empty() && part.size() <= most_bytes_) return hand_over(part, line);
  keep(part);
  kept_is_whole_ = whole;
  return whole && hand_over(kept_, line);
}

bool LineReader::finish(BytesView& line) {
  if (std::exchange(kept_is_whole_, true)) kept_.clear();
  return !kept_.empty() && hand_over(kept_, line);
}

}  // namespace mpifarm::describe

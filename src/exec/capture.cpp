#include "exec/capture.hpp"

#include <algorithm>

#include "base/printable.hpp"

namespace mpifarm::exec {
namespace {

constexpr std::size_t most_chunk_bytes = 256 << 10;
constexpr std::size_t most_tail_bytes = 4096;
constexpr std::size_t most_line_bytes = 300;

}  // namespace

void Capture::take(Stream kind, BytesView bytes) {
  Kept& kept = this->kept(kind);
  if (kind == Stream::standard_error) {
    tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), most_tail_bytes)));
    if (tail_.size() > 2 * most_tail_bytes) tail_.erase(0, tail_.size() - most_tail_bytes);
  }
  const std::uint64_t room = limit_ - std::min(limit_, kept.stream.bytes);
  kept.stream.bytes += bytes.size();
  kept.waiting += bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
  if (kept.waiting.size() >= most_chunk_bytes) write(kind);
}

void Capture::finish() {
  write(Stream::standard_output);
  write(Stream::standard_error);
}

void Capture::write(Stream kind) {
  Kept& kept = this->kept(kind);
  if (kept.waiting.empty() || pack_ == nullptr) return;
  pack_->append(task_, kind, kept.stream, kept.waiting);
  kept.waiting.clear();
}

std::string Capture::last_line() const {
  const std::size_t end = tail_.find_last_not_of(" \t\r\n");
  if (end == tail_.npos) return {};
  const std::size_t before = tail_.find_last_of('\n', end);
  const std::size_t begin = before == tail_.npos ? 0 : before + 1;
  return printable(std::string_view{tail_}.substr(begin, std::min(end + 1 - begin, most_line_bytes)));
}

}  // namespace mpifarm::exec

#include "exec/capture.hpp"

#include <algorithm>

#include "base/printable.hpp"

namespace mpifarm::exec {
namespace {

constexpr std::size_t most_chunk_bytes = 256 << 10;
constexpr std::size_t most_tail_bytes = 4096;
constexpr std::size_t most_line_bytes = 300;
constexpr std::size_t most_whole_line_bytes = 64 << 10;  // what is longer is handed on in pieces

}  // namespace

Capture::Capture(OutputKeeper* keeper, TaskId task, CaptureOptions options)
    : keeper_{keeper}, task_{task}, options_{options} {
  if (keeper_ != nullptr) keeper_->begin(task_);
}

void Capture::take(Stream kind, BytesView bytes) {
  Kept& kept = this->kept(kind);
  if (kind == Stream::standard_error) {
    tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), most_tail_bytes)));
    if (tail_.size() > 2 * most_tail_bytes) tail_.erase(0, tail_.size() - most_tail_bytes);
  }
  const std::uint64_t room = options_.limit - std::min(options_.limit, kept.stream.bytes);
  kept.stream.bytes += bytes.size();
  kept.waiting += bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
  if (options_.by_lines && kept.stream.bytes > options_.limit)  // no line is torn by the limit
    kept.waiting.resize(kept.waiting.rfind('\n') + 1);
  if (options_.by_lines)
    hand_on_lines(kind);
  else if (kept.waiting.size() >= most_chunk_bytes)
    hand_on(kind, kept.waiting.size());
}

void Capture::finish() {
  for (const Stream kind : {Stream::standard_output, Stream::standard_error})
    hand_on(kind, kept(kind).waiting.size());
  if (keeper_ != nullptr) keeper_->finish(task_);
}

void Capture::hand_on_lines(Stream kind) {
  const Bytes& waiting = kept(kind).waiting;
  while (!waiting.empty()) {
    const std::size_t end = BytesView{waiting}.substr(0, most_whole_line_bytes + 1).rfind('\n');
    if (end != waiting.npos)
      hand_on(kind, end + 1);
    else if (waiting.size() > most_whole_line_bytes)
      hand_on(kind, most_whole_line_bytes);
    else
      return;
  }
}

void Capture::hand_on(Stream kind, std::size_t bytes) {
  Kept& kept = this->kept(kind);
  if (bytes == 0) return;
  if (keeper_ != nullptr) keeper_->append(task_, kind, kept.stream, BytesView{kept.waiting}.substr(0, bytes));
  kept.waiting.erase(0, bytes);
}

std::string Capture::last_line() const {
  const std::size_t end = tail_.find_last_not_of(" \t\r\n");
  if (end == tail_.npos) return {};
  const std::size_t before = tail_.find_last_of('\n', end);
  const std::size_t begin = before == tail_.npos ? 0 : before + 1;
  return printable(std::string_view{tail_}.substr(begin, std::min(end + 1 - begin, most_line_bytes)));
}

}  // namespace mpifarm::exec

#include "app/output_stream.hpp"

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "base/error.hpp"
#include "base/log.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look_interval = std::chrono::milliseconds{50};
constexpr auto wait_interval = std::chrono::milliseconds{5};

// Not by stdio, whose lock a reader that does not read would keep from everybody.
void show(int descriptor, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      throw MachineryFailure{(descriptor == STDOUT_FILENO ? "stdout" : "stderr") +
                             std::string{" cannot be written ("} + errno_text(errno) + ")"};
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void show_lines(exec::Stream kind, BytesView lines) {
  const int descriptor = kind == exec::Stream::standard_error ? STDERR_FILENO : STDOUT_FILENO;
  show(descriptor, lines);
  if (!lines.ends_with('\n')) show(descriptor, "\n");
}

}  // namespace

OutputStream::OutputStream(const OutputStreamOptions& options)
    : follower_{options.run, options.start, options.ranks},
      keeps_packs_{options.keeps_packs},
      thread_{[this](const std::stop_token& over) { follow(over); }} {}

void OutputStream::follow(const std::stop_token& over) {
  std::mutex mutex;
  std::condition_variable_any nothing;  // the wait ends by time, or by `over`
  while (!over.stop_requested()) {
    read(false);
    std::unique_lock lock{mutex};
    nothing.wait_for(lock, over, look_interval, [] { return false; });
  }
  read(true);
  if (!keeps_packs_) follower_.remove_packs();
  shown_ = true;
}

void OutputStream::finish(const std::function<bool()>& give_up) {
  thread_.request_stop();
  while (!shown_ && !give_up()) std::this_thread::sleep_for(wait_interval);
}

void OutputStream::read(bool rest) {
  if (ended_) return;
  try {
    rest ? follower_.read_rest(show_lines) : follower_.read_on(show_lines);
  } catch (const MachineryFailure& failure) {
    ended_ = true;
    log::warning("lines are shown no more: " + std::string{failure.what()});
  }
}

}  // namespace mpifarm::app

#include "app/output_stream.hpp"

#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "base/error.hpp"
#include "base/log.hpp"

namespace mpifarm::app {
namespace {

constexpr auto look_interval = std::chrono::milliseconds{50};

}  // namespace

OutputStream::OutputStream(const OutputStreamOptions& options)
    : follower_{options.run, options.start, options.ranks},
      keeps_packs_{options.keeps_packs},
      thread_{[this](const std::stop_token& over) {
        std::mutex mutex;
        std::condition_variable_any nothing;  // the wait ends by time, or by `over`
        while (!over.stop_requested()) {
          read(false);
          std::unique_lock lock{mutex};
          nothing.wait_for(lock, over, look_interval, [] { return false; });
        }
      }} {}

void OutputStream::finish() {
  thread_.request_stop();
  thread_.join();
  read(true);
  if (!keeps_packs_) follower_.remove_packs();
}

void OutputStream::read(bool rest) {
  if (ended_) return;
  try {
    const auto show = [this](exec::Stream kind, BytesView lines) { this->show(kind, lines); };
    rest ? follower_.read_rest(show) : follower_.read_on(show);
    if (std::fflush(stdout) != 0)
      throw MachineryFailure{"stdout cannot be written (" + errno_text(errno) + ")"};
  } catch (const MachineryFailure& failure) {
    ended_ = true;
    log::warning("lines are shown no more: " + std::string{failure.what()});
  }
}

void OutputStream::show(exec::Stream kind, BytesView lines) {
  std::FILE* to = kind == exec::Stream::standard_error ? stderr : stdout;
  std::fwrite(lines.data(), 1, lines.size(), to);
  if (!lines.ends_with('\n')) std::fputc('\n', to);
}

}  // namespace mpifarm::app

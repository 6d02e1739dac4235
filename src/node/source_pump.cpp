#include "node/source_pump.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace mpifarm {
namespace {

constexpr std::size_t most_ready = 8192;           // descriptors pulled ahead of the scheduler
constexpr std::size_t most_ready_bytes = 4 << 20;  // or this many bytes of them
constexpr auto not_yet_nap = std::chrono::milliseconds{10};
constexpr auto patience = std::chrono::milliseconds{500};

}  // namespace

SourcePump::SourcePump(std::unique_ptr<TaskSource> source, Waker& waker)
    : source_{std::move(source)}, waker_{waker}, thread_{[this] { serve(); }} {}

SourcePump::~SourcePump() {
  close();
  thread_.join();
}

bool SourcePump::close() {
  std::unique_lock lock{mutex_};
  closing_ = true;
  room_.notify_one();
  return left_.wait_for(lock, patience, [this] { return closed_; });
}

bool SourcePump::take(std::size_t most, std::vector<Bytes>& items) {
  const std::scoped_lock lock{mutex_};
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, ready_.size()));
  for (auto item = ready_.begin(); item != ready_.begin() + count; ++item) ready_bytes_ -= item->size();
  std::move(ready_.begin(), ready_.begin() + count, std::back_inserter(items));
  ready_.erase(ready_.begin(), ready_.begin() + count);
  if (count > 0) room_.notify_one();
  if (failure_ && ready_.empty() && items.empty()) std::rethrow_exception(failure_);
  return ended_ && ready_.empty() && !failure_;
}

bool SourcePump::wait_for_room() {
  std::unique_lock lock{mutex_};
  room_.wait(lock,
             [this] { return closing_ || (ready_.size() < most_ready && ready_bytes_ < most_ready_bytes); });
  return !closing_;
}

void SourcePump::serve() {
  try {
    pull_all();
  } catch (...) {
    const std::scoped_lock lock{mutex_};
    failure_ = std::current_exception();
  }
  {
    const std::scoped_lock lock{mutex_};
    ended_ = true;
    closed_ = true;
  }
  left_.notify_all();
  waker_.wake();
}

void SourcePump::pull_all() {
  Bytes descriptor;
  while (wait_for_room()) {
    const TaskSource::Pull pulled = source_->pull(descriptor);
    if (pulled == TaskSource::Pull::end) return;
    if (pulled == TaskSource::Pull::not_yet) {
      std::this_thread::sleep_for(not_yet_nap);
      continue;
    }
    const std::scoped_lock lock{mutex_};
    ready_bytes_ += descriptor.size();
    if (ready_.empty()) waker_.wake();
    ready_.push_back(descriptor);
  }
}

}  // namespace mpifarm

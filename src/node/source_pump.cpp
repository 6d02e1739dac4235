#include "node/source_pump.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace mpifarm {
namespace {

constexpr std::size_t most_ready = 8192;           // descriptors pulled ahead of the scheduler
constexpr std::size_t most_ready_bytes = 4 << 20;  // or this many bytes of them
constexpr auto not_yet_nap = std::chrono::milliseconds{10};

}  // namespace

SourcePump::SourcePump(const AnyJob& job, Waker& waker)
    : waker_{waker}, thread_{[this, &job] { serve(job); }} {}

SourcePump::~SourcePump() {
  {
    const std::scoped_lock lock{mutex_};
    closing_ = true;
  }
  room_.notify_one();
  thread_.join();
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

void SourcePump::serve(const AnyJob& job) {
  try {
    const std::unique_ptr<TaskSource> source = job.open_source();
    Bytes descriptor;
    while (wait_for_room()) {
      const TaskSource::Pull pulled = source->pull(descriptor);
      if (pulled == TaskSource::Pull::not_yet) {
        std::this_thread::sleep_for(not_yet_nap);
        continue;
      }
      const std::scoped_lock lock{mutex_};
      if (pulled == TaskSource::Pull::end) {
        ended_ = true;
        break;
      }
      ready_bytes_ += descriptor.size();
      if (ready_.empty()) waker_.wake();
      ready_.push_back(descriptor);
    }
  } catch (...) {
    const std::scoped_lock lock{mutex_};
    failure_ = std::current_exception();
    ended_ = true;
  }
  waker_.wake();
}

}  // namespace mpifarm

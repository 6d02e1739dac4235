#pragma once
// Pulls a sequential source on a thread of its own, so that a slow listing never holds up the loop.

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/waker.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

class SourcePump {
 public:
  // Borrows the waker, which is woken when items are there.
  SourcePump(std::unique_ptr<TaskSource> source, Waker& waker);
  ~SourcePump();
  SourcePump(const SourcePump&) = delete;
  SourcePump& operator=(const SourcePump&) = delete;

  // Moves at most `most` descriptors to `items`; returns true when the source has ended and all have been
  // taken. Rethrows what the source threw, after the items before it. The loop's thread.
  bool take(std::size_t most, std::vector<Bytes>& items);
  // After take() has returned true: what a shard's source was a part of.
  std::optional<WholeFacts> whole() const { return source_->whole(); }
  // Ends the pulling. False when the source has not come back within half a second: the destructor would wait
  // for it.
  bool close();

 private:
  void serve();
  void pull_all();
  bool wait_for_room();

  std::unique_ptr<TaskSource> source_;
  Waker& waker_;
  std::mutex mutex_;
  std::condition_variable room_, left_;
  std::vector<Bytes> ready_;
  std::size_t ready_bytes_ = 0;
  bool ended_ = false;
  bool closing_ = false;
  bool closed_ = false;  // the thread is about to end
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace mpifarm

#pragma once
// Pulls a sequential source on a thread of its own, so that a slow listing never holds up the loop.

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/waker.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

class SourcePump {
 public:
  // Borrows the job and the waker, which is woken when items are there.
  SourcePump(const AnyJob& job, Waker& waker);
  ~SourcePump();
  SourcePump(const SourcePump&) = delete;
  SourcePump& operator=(const SourcePump&) = delete;

  // Moves at most `most` descriptors to `items`; returns true when the source has ended and all have been
  // taken. Rethrows what the source threw, after the items before it. The loop's thread.
  bool take(std::size_t most, std::vector<Bytes>& items);

 private:
  void serve(const AnyJob& job);
  bool wait_for_room();

  Waker& waker_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<Bytes> ready_;
  std::size_t ready_bytes_ = 0;
  bool ended_ = false;
  bool closing_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace mpifarm

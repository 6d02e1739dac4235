#pragma once
// Brings committed outcomes into task order while the run goes on, and feeds them to the sinks on a thread of
// its own.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/order.hpp"
#include "journal/records.hpp"
#include "run/sink.hpp"

namespace mpifarm {

// For fifo order, from task 0.
class Folder {
 public:
  // `sinks` are borrowed; until finish() only the folder's thread calls them. `window_bytes`: outcomes that
  // may wait for an earlier one; beyond it the folder stops for good, and the rest is read back from the
  // journal.
  Folder(std::vector<OutcomeSink*> sinks, std::size_t window_bytes, const Order& order = {});
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  // One thread, the committer's.
  void submit(journal::Outcomes outcomes);
  // Bytes submitted and not looked at yet. Any thread.
  std::size_t backlog_bytes() const;
  // Bytes that wait for an earlier task's outcome. Any thread.
  std::size_t early_bytes() const { return early_bytes_.load(std::memory_order_relaxed); }
  // Folds what was submitted, ends the thread, and returns how many tasks the sinks have seen.
  // Rethrows what a sink threw.
  std::uint64_t finish();

 private:
  void serve();
  void fold(journal::Outcomes outcomes);
  void feed(const journal::Outcomes& outcomes);

  std::vector<OutcomeSink*> sinks_;
  Order order_;
  std::size_t window_bytes_;

  std::uint64_t next_ = 0;                            // position of the task that the sinks want next
  std::map<std::uint64_t, journal::Outcomes> early_;  // by first position
  std::atomic<std::size_t> early_bytes_ = 0;
  bool overflowed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<journal::Outcomes> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool closing_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace mpifarm

#pragma once
// Makes accepted outcomes count: writes them to the journal in groups on a thread of its own, adds up the
// digest, and passes them on to the folder. The loop never waits for it.

#include <atomic>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/order.hpp"
#include "base/waker.hpp"
#include "job/any_job.hpp"
#include "journal/records.hpp"
#include "journal/writer.hpp"
#include "node/folder.hpp"
#include "run/failures.hpp"

namespace mpifarm {

// sync: on stable storage before an outcome counts. batch: in the kernel before it counts, on stable storage
// within a second, so that only a crash of rank 0's node loses the last second's work. none: no journal.
enum class Durability : std::uint8_t { sync, batch, none };

// Throws BadInput unless `text` is sync, batch or none.
Durability parse_durability(std::string_view text);
std::string_view to_string(Durability durability);

// Of committed outcomes.
struct OutcomeTotals {
  Digest digest;
  Failures failures;
  std::uint64_t left_running = 0;  // tasks that left processes behind which were ended

  void add(const journal::Outcomes& outcomes, const Order& order, const JobType& type);
  void add(const OutcomeTotals& other);
};

struct CommitterOptions {
  std::optional<journal::Writer> journal;  // nothing: Durability::none
  Durability durability = Durability::batch;
  const JobType* type = nullptr;
  Folder* folder = nullptr;  // borrowed; may be null
  Waker* waker = nullptr;    // borrowed; woken when something was committed
  // Called by the committer's thread before the journal is synced: makes durable what its records refer to.
  std::function<void()> before_sync{};
};

class Committer {
 public:
  struct Counts {
    std::uint64_t succeeded = 0, failed = 0;
  };

  explicit Committer(CommitterOptions options);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // The loop's thread. `order` must be able to map the positions in `records`.
  void submit(std::vector<journal::Record> records, const Order& order);
  // What was committed since the last call. Throws MachineryFailure when the journal cannot be written.
  Counts take_committed();
  // Of what was committed so far in this start.
  Failures failures() const;
  // Bytes that wait to be committed.
  std::size_t backlog_bytes() const;
  // Bytes of committed outcomes that wait for an earlier task's, to be folded.
  std::size_t early_bytes() const { return options_.folder == nullptr ? 0 : options_.folder->early_bytes(); }
  // Replaces `file` by `text` when there is time; the last of several wins.
  void post_status(std::filesystem::path file, std::string text);
  // Commits everything, ends the segment, ends the thread. `complete`: nothing of the run is left. Throws as
  // take_committed.
  void seal(bool complete);
  // Of everything committed; after seal().
  const OutcomeTotals& totals() const { return totals_; }

 private:
  struct Group {
    std::vector<journal::Record> records;
    Order order;
    std::size_t bytes = 0;
  };

  void serve();
  bool wait_for_group(Group& group, std::optional<std::pair<std::filesystem::path, std::string>>& status);
  void commit(Group group);
  void sync();

  CommitterOptions options_;
  OutcomeTotals totals_;
  std::optional<TimePoint> sync_due_;  // while something was written since the last sync

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  Group waiting_;
  std::size_t backlog_ = 0;
  std::optional<std::pair<std::filesystem::path, std::string>> status_;
  Counts committed_;
  Failures failures_;  // a copy of those of totals_
  std::exception_ptr failure_;
  bool closing_ = false;
  bool complete_ = false;
  std::thread thread_;
};

}  // namespace mpifarm

#pragma once
// --stream: what commands write goes to rank 0's stdout and stderr while the run goes on.

#include <atomic>
#include <functional>
#include <thread>

#include "exec/output_follower.hpp"

namespace mpifarm::app {

struct OutputStreamOptions {
  std::filesystem::path run;
  std::uint64_t start = 1;
  unsigned ranks = 1;
  bool keeps_packs = true;  // else they are removed at the end
};

// Follows on a thread of its own: a reader that is slow holds up nobody but itself.
class OutputStream {
 public:
  explicit OutputStream(const OutputStreamOptions& options);

  // When every command has ended: waits until the rest is shown, or `give_up` says so. A stdout that cannot
  // be written ended the showing before.
  void finish(const std::function<bool()>& give_up);
  // If not, the reader still holds up the thread, and would hold up the destructor.
  bool finished() const { return shown_; }

 private:
  void follow(const std::stop_token& over);
  void read(bool rest);

  exec::OutputFollower follower_;
  bool keeps_packs_;
  bool ended_ = false;  // by a failure
  std::atomic<bool> shown_{false};
  std::jthread thread_;
};

}  // namespace mpifarm::app

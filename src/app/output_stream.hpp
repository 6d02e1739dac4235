#pragma once
// --stream: what commands write goes to rank 0's stdout and stderr while the run goes on.

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

  // When every command has ended: shows the rest. A stdout that cannot be written ended the showing before.
  void finish();

 private:
  void show(exec::Stream kind, BytesView lines);
  void read(bool rest);

  exec::OutputFollower follower_;
  bool keeps_packs_;
  bool ended_ = false;  // by a failure
  std::jthread thread_;
};

}  // namespace mpifarm::app

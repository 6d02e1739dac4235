#pragma once
// Ranks within one process: a run without a launcher is a world of one, and tests make worlds of several.

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "transport/transport.hpp"

namespace mpifarm {

class LoopbackWorld {
 public:
  explicit LoopbackWorld(int size);

  int size() const { return static_cast<int>(inboxes_->size()); }
  // The end of `rank`; any number of threads may use different ends. Ends may outlive the world.
  std::unique_ptr<Transport> endpoint(int rank);

 private:
  class Endpoint;
  struct Inbox {
    std::mutex mutex;
    std::deque<Envelope> envelopes;
  };
  std::shared_ptr<std::vector<Inbox>> inboxes_;
};

}  // namespace mpifarm

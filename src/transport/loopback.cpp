#include "transport/loopback.hpp"

#include <set>
#include <utility>

namespace mpifarm {

class LoopbackWorld::Endpoint final : public Transport {
 public:
  Endpoint(std::shared_ptr<std::vector<Inbox>> inboxes, int rank)
      : inboxes_{std::move(inboxes)}, rank_{rank} {}

  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(inboxes_->size()); }
  void send(int to, Channel channel, Bytes bytes) override {
    Inbox& inbox = inboxes_->at(static_cast<std::size_t>(to));
    if (forgotten_.contains(to)) return;
    const std::scoped_lock lock{inbox.mutex};
    inbox.envelopes.push_back({rank_, channel, std::move(bytes)});
  }
  std::optional<Envelope> receive() override {
    Inbox& inbox = (*inboxes_)[static_cast<std::size_t>(rank_)];
    const std::scoped_lock lock{inbox.mutex};
    while (!inbox.envelopes.empty()) {
      Envelope envelope = std::move(inbox.envelopes.front());
      inbox.envelopes.pop_front();
      if (!forgotten_.contains(envelope.peer)) return envelope;
    }
    return std::nullopt;
  }
  std::size_t unsent_bytes() const override { return 0; }
  std::optional<pid_t> process_of(int) const override { return std::nullopt; }  // its ranks share this one
  void forget(int peer) override { forgotten_.insert(peer); }

 private:
  std::shared_ptr<std::vector<Inbox>> inboxes_;
  int rank_;
  std::set<int> forgotten_;
};

LoopbackWorld::LoopbackWorld(int size)
    : inboxes_{std::make_shared<std::vector<Inbox>>(static_cast<std::size_t>(size))} {}

std::unique_ptr<Transport> LoopbackWorld::endpoint(int rank) {
  return std::make_unique<Endpoint>(inboxes_, rank);
}

}  // namespace mpifarm

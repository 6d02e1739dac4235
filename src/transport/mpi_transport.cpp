#include "transport/mpi_transport.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/mpi/collectives/all_gather.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/mpi/exception.hpp>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "transport/process_watch.hpp"

namespace mpifarm {
namespace {

namespace mpi = boost::mpi;

constexpr std::size_t receives_posted = 4;  // for each peer, so that a burst finds its buffers waiting
constexpr std::size_t sends_posted = 64;    // at most, for each peer: what a dead one never takes stays ours

// What a frame's tag says of it.
constexpr int for_worker = 1;
constexpr int last_frame = 2;

// A slice of a message, which all its slices keep alive.
struct Frame {
  std::shared_ptr<const Bytes> message;
  BytesView part;
  int tag = 0;
};

// One direction of talk with one peer: frames in the order they were posted, since MPI matches them in that
// order.
struct Peer {
  int rank = 0;
  bool forgotten = false;
  std::array<mpi::request, receives_posted> receives;
  std::array<Bytes, receives_posted> buffers;
  std::size_t next_receive = 0;
  Bytes partial;                // frames of a message whose last has not come
  std::size_t usual_bytes = 0;  // of a message

  std::deque<Frame> queued;  // frames MPI does not know of
  std::deque<std::pair<mpi::request, Frame>> posted;
};

// Peers: the workers for the master, the master for a worker.
class MpiTransport final : public Transport {
 public:
  explicit MpiTransport(std::size_t frame_bytes)
      : world_{MPI_COMM_WORLD, mpi::comm_duplicate}, frame_bytes_{frame_bytes} {
    tell_processes();
    const int first = rank() == 0 ? 1 : 0;
    const int last = rank() == 0 ? size() - 1 : 0;
    peers_.reserve(static_cast<std::size_t>(size()));  // MPI keeps addresses inside
    for (int peer = first; peer <= last; ++peer) {
      peers_.emplace_back();
      peers_.back().rank = peer;
      for (std::size_t i = 0; i < receives_posted; ++i) post_receive(peers_.back(), i);
    }
  }

  // What was to go to or come from a forgotten peer may never end; MPI goes on using its memory.
  ~MpiTransport() override {
    if (std::ranges::any_of(peers_, [](const Peer& peer) { return peer.forgotten; })) {
      static_cast<void>(owned_peers_.release());
      return;
    }
    for (Peer& peer : peers_)
      for (mpi::request& receive : peer.receives) {
        receive.cancel();
        receive.wait();
      }
  }
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  int rank() const override { return world_.rank(); }
  int size() const override { return world_.size(); }

  void send(int to, Channel channel, Bytes bytes) override {
    if (to == rank()) {
      own_.push_back({to, channel, std::move(bytes)});
      return;
    }
    Peer& peer = this->peer(to);
    if (peer.forgotten) return;
    const int direction = channel == Channel::to_worker ? for_worker : 0;
    const auto message = std::make_shared<const Bytes>(std::move(bytes));
    BytesView rest = *message;
    do {
      const BytesView part = rest.substr(0, frame_bytes_);
      rest.remove_prefix(part.size());
      unsent_ += part.size();
      peer.queued.push_back({message, part, direction | (rest.empty() ? last_frame : 0)});
    } while (!rest.empty());
    push_sends(peer);
  }

  std::optional<Envelope> receive() override {
    if (!own_.empty()) {
      Envelope envelope = std::move(own_.front());
      own_.pop_front();
      return envelope;
    }
    for (std::size_t tried = 0; tried < peers_.size(); ++tried) {
      Peer& peer = peers_[next_peer_];
      if (!peer.forgotten) {
        push_sends(peer);
        if (auto envelope = receive_from(peer)) return envelope;
      }
      next_peer_ = (next_peer_ + 1) % peers_.size();  // a peer is heard until it pauses, then the next
    }
    return std::nullopt;
  }

  std::size_t unsent_bytes() const override { return unsent_; }

  std::optional<pid_t> process_of(int peer) const override {
    const pid_t process = processes_.at(static_cast<std::size_t>(peer));
    return process > 0 ? std::optional{process} : std::nullopt;
  }

  void forget(int rank) override {
    Peer& peer = this->peer(rank);
    peer.forgotten = true;
    for (const auto& [request, frame] : peer.posted) unsent_ -= frame.part.size();
    for (const Frame& frame : peer.queued) unsent_ -= frame.part.size();
    peer.queued.clear();
  }

 private:
  Peer& peer(int rank) { return peers_.at(static_cast<std::size_t>(this->rank() == 0 ? rank - 1 : rank)); }

  // Collective, at the start alone.
  void tell_processes() {
    const std::array<std::uint64_t, 2> mine{hash64(process_space()), static_cast<std::uint64_t>(getpid())};
    std::vector<std::uint64_t> all;
    mpi::all_gather(world_, mine.data(), static_cast<int>(mine.size()), all);
    for (std::size_t i = 0; i < all.size(); i += mine.size())
      processes_.push_back(all[i] == mine[0] ? static_cast<pid_t>(all[i + 1]) : 0);
  }

  void post_receive(Peer& peer, std::size_t i) {
    peer.buffers[i].resize(frame_bytes_);
    peer.receives[i] =
        world_.irecv(peer.rank, mpi::any_tag, peer.buffers[i].data(), static_cast<int>(frame_bytes_));
  }

  std::optional<Envelope> receive_from(Peer& peer) {
    while (const auto status = peer.receives[peer.next_receive].test()) {
      const auto count = status->count<char>();
      if (!count)
        throw MachineryFailure{"MPI delivered a frame without a size from rank " + std::to_string(peer.rank)};
      const int flags = status->tag();
      if (peer.partial.empty() && (flags & last_frame) == 0) peer.partial.reserve(peer.usual_bytes);
      peer.partial.append(peer.buffers[peer.next_receive], 0, static_cast<std::size_t>(*count));
      post_receive(peer, peer.next_receive);
      peer.next_receive = (peer.next_receive + 1) % receives_posted;
      if ((flags & last_frame) != 0) {
        const Channel channel = (flags & for_worker) != 0 ? Channel::to_worker : Channel::to_master;
        peer.usual_bytes = peer.partial.size();
        return Envelope{peer.rank, channel, std::exchange(peer.partial, {})};
      }
    }
    return std::nullopt;
  }

  void push_sends(Peer& peer) {
    while (!peer.posted.empty() && peer.posted.front().first.test()) {
      unsent_ -= peer.posted.front().second.part.size();
      peer.posted.pop_front();
    }
    while (!peer.queued.empty() && peer.posted.size() < sends_posted) {
      peer.posted.emplace_back(mpi::request{}, std::move(peer.queued.front()));
      peer.queued.pop_front();
      auto& [request, frame] = peer.posted.back();
      request = world_.isend(peer.rank, frame.tag, frame.part.data(), static_cast<int>(frame.part.size()));
    }
  }

  mpi::communicator world_;
  std::size_t frame_bytes_;
  std::vector<pid_t> processes_;  // by rank; 0: not on this host
  std::unique_ptr<std::vector<Peer>> owned_peers_ = std::make_unique<std::vector<Peer>>();
  std::vector<Peer>& peers_ = *owned_peers_;
  std::size_t next_peer_ = 0;
  std::deque<Envelope> own_;
  std::size_t unsent_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_mpi_transport(std::size_t frame_bytes) {
  return std::make_unique<MpiTransport>(frame_bytes);
}

}  // namespace mpifarm

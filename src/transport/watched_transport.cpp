#include "transport/watched_transport.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace mpifarm {
namespace {

constexpr auto process_look = std::chrono::milliseconds{1};  // between two looks at processes
constexpr Nanos last_words = std::chrono::milliseconds{20};  // may be on their way when a process has ended
constexpr int looks_a_beat = 10;                             // for silence
constexpr Nanos longest_turn = std::chrono::milliseconds{100};  // what is longer was a pause of our own

std::string whole_seconds(Nanos duration) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", seconds(duration));
  return text.data();
}

}  // namespace

WatchedTransport::WatchedTransport(Transport& below, Heartbeat heartbeat)
    : below_{below}, heartbeat_{heartbeat}, peers_(static_cast<std::size_t>(below.size())) {
  for (int peer = 0; peer < size(); ++peer) {
    if ((rank() == 0) == (peer == 0)) continue;
    peers_[static_cast<std::size_t>(peer)].watched = true;
    if (const auto process = below.process_of(peer)) processes_.add(peer, *process);
  }
}

void WatchedTransport::send(int to, Channel channel, Bytes bytes) {
  Peer& peer = peers_.at(static_cast<std::size_t>(to));
  if (peer.lost) return;
  peer.sent = watched_;
  below_.send(to, channel, std::move(bytes));
}

std::optional<Envelope> WatchedTransport::receive() {
  while (auto envelope = below_.receive()) {
    Peer& peer = peers_[static_cast<std::size_t>(envelope->peer)];
    peer.heard = watched_;
    peer.was_heard = true;
    if (!peer.lost && !envelope->bytes.empty()) return envelope;
  }
  return std::nullopt;
}

void WatchedTransport::forget(int peer) {
  peers_.at(static_cast<std::size_t>(peer)).lost = true;
  lost_any_ = true;
  below_.forget(peer);
}

void WatchedTransport::turn(TimePoint now) {
  if (last_turn_ == TimePoint{}) last_turn_ = now;
  if (now - last_turn_ < process_look) return;
  turns_.fetch_add(1, std::memory_order_relaxed);
  watched_ += std::min<Nanos>(now - std::exchange(last_turn_, now), longest_turn);
  look_at_processes();
  if (watched_ >= next_look_) {
    next_look_ = watched_ + heartbeat_.beat / looks_a_beat;
    look_for_silence();
  }
}

void WatchedTransport::look_at_processes() {
  for (const int rank : processes_.ended()) {
    peers_[static_cast<std::size_t>(rank)].ended = watched_;
    ended_.push_back(rank);
  }
  std::erase_if(ended_, [this](int rank) {
    if (watched_ - *peers_[static_cast<std::size_t>(rank)].ended < last_words) return false;
    lose(rank, true, "its process ended");
    return true;
  });
}

void WatchedTransport::look_for_silence() {
  for (int rank = 0; rank < size(); ++rank) {
    const Peer& peer = peers_[static_cast<std::size_t>(rank)];
    if (!peer.watched || peer.lost) continue;
    if (watched_ - peer.sent >= heartbeat_.beat) send(rank, channel_to_others(), {});
    const Nanos patience =
        peer.was_heard ? heartbeat_.patience : std::max(heartbeat_.patience, heartbeat_.first_patience);
    if (watched_ - peer.heard < patience) continue;
    if (heartbeat_.kills) processes_.kill(rank);
    lose(rank, false, "nothing was heard of it for " + whole_seconds(patience));
  }
}

void WatchedTransport::lose(int peer, bool process_ended, std::string why) {
  const Peer& lost = peers_[static_cast<std::size_t>(peer)];
  if (lost.lost) return;
  forget(peer);
  losses_.push_back({peer, lost.was_heard, process_ended, std::move(why)});
}

}  // namespace mpifarm

#pragma once
// A transport that knows which peers live. Every message is a sign of life; where none is sent for a while,
// an empty one, a beat, is. A peer that is silent for too long, or whose process has ended, is lost: nothing
// more is sent to it, and what it still says is dropped.

#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "transport/process_watch.hpp"
#include "transport/transport.hpp"

namespace mpifarm {

struct Loss {
  int peer = 0;
  bool was_heard = false;      // ever
  bool process_ended = false;  // else it was silent
  std::string why;             // "its process ended", "nothing was heard of it for 10 s"
};

struct Heartbeat {
  Nanos beat = std::chrono::milliseconds{500};      // at least this often something is sent
  Nanos patience = std::chrono::seconds{30};        // so long a silence is a loss; several beats
  Nanos first_patience = std::chrono::seconds{60};  // the same before a peer was ever heard, if that is more
  bool kills = false;  // the master kills a hung process of its host, which would hold up the launcher's end
};

// One thread, that of the transport below. The master watches all others, they watch the master.
class WatchedTransport final : public Transport {
 public:
  // `below` is borrowed and must outlive it.
  explicit WatchedTransport(Transport& below, Heartbeat heartbeat = {});

  int rank() const override { return below_.rank(); }
  int size() const override { return below_.size(); }
  void send(int to, Channel channel, Bytes bytes) override;
  std::optional<Envelope> receive() override;
  std::size_t unsent_bytes() const override { return below_.unsent_bytes(); }
  std::optional<pid_t> process_of(int peer) const override { return below_.process_of(peer); }
  void forget(int peer) override;

  void set_heartbeat(Heartbeat heartbeat) { heartbeat_ = heartbeat; }
  // Once a turn of the loop, which must come round several times a beat: sends what beats are due and looks
  // who is lost. Time in which the caller itself stood still is nobody's silence.
  void turn(TimePoint now);
  // Those that turn() has found lost since this was last asked.
  std::vector<Loss> take_losses() { return std::exchange(losses_, {}); }
  bool lost_any() const { return lost_any_; }
  // Grows with every turn(); any thread may look.
  const std::atomic<std::uint64_t>& turns() const { return turns_; }

 private:
  struct Peer {
    Nanos sent{}, heard{};       // when, by watched_
    std::optional<Nanos> ended;  // its process, by watched_; what it said before is still to be heard
    bool watched = false;
    bool was_heard = false;
    bool lost = false;
  };

  void look_at_processes();
  void look_for_silence();
  void lose(int peer, bool process_ended, std::string why);
  Channel channel_to_others() const { return rank() == 0 ? Channel::to_worker : Channel::to_master; }

  Transport& below_;
  Heartbeat heartbeat_;
  ProcessWatch processes_;
  std::vector<Peer> peers_;  // by rank
  std::atomic<std::uint64_t> turns_ = 0;
  TimePoint last_turn_{};
  Nanos watched_{};  // time in which this side was awake
  Nanos next_look_{};
  std::vector<int> ended_;    // whose processes have, and who are not lost yet
  std::vector<Loss> losses_;  // not taken yet
  bool lost_any_ = false;
};

}  // namespace mpifarm

#pragma once
// Tells a host where everything fails from tasks that fail everywhere.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mpifarm::sched {

// A host is suspected when so many attempts in a row have failed there as it has slots, and at least ten:
// then it is given nothing more until it is known how other hosts fare from then on. When some of theirs
// fail too, the tasks are at fault, and it goes on. When they succeed, it is given one task after the other:
// the first success there frees it, three failures fence it for the rest of the start. The last host is
// never kept waiting. O(1), but for suspects O(hosts). One thread.
class HostWatch {
 public:
  // `host`: any small number, from 0.
  void on_joined(std::size_t host, unsigned slots);
  void on_lost(std::size_t host, unsigned slots);
  // Attempts that ended there.
  void on_attempts(std::size_t host, std::uint64_t succeeded, std::uint64_t failed);

  // Nothing may be handed out to it, now.
  bool is_barred(std::size_t host) const { return barred_ > 0 && hosts_[host].state != State::trusted; }
  // But one task may, now, to see what becomes of it; then on_probe().
  bool wants_probe(std::size_t host) const {
    return barred_ > 0 && hosts_[host].state == State::probed && !hosts_[host].probe_is_out;
  }
  void on_probe(std::size_t host) { hosts_[host].probe_is_out = true; }
  // Those that were fenced since the last call.
  std::vector<std::size_t> take_fenced();

 private:
  enum class State : std::uint8_t { trusted, suspected, probed, fenced };
  struct Host {
    std::uint64_t slots = 0;
    State state = State::trusted;
    std::uint64_t failed_in_a_row = 0;
    std::uint64_t succeeded = 0, failed = 0;                // there
    std::uint64_t succeeded_before = 0, failed_before = 0;  // of other hosts, when it came to be suspected
    bool probe_is_out = false;
    unsigned failed_probes = 0;
  };

  void suspect(Host& host);
  void judge(Host& host);
  void on_probe_end(Host& host, bool failed);
  void trust(Host& host);
  void trust_all_if_none_is_left();

  std::vector<Host> hosts_;
  std::vector<std::size_t> fenced_;
  std::size_t barred_ = 0;
  std::uint64_t succeeded_ = 0, failed_ = 0;  // of all hosts
};

}  // namespace mpifarm::sched

#include "exec/leftover.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "base/backoff.hpp"
#include "base/processes.hpp"
#include "compute/family.hpp"

namespace mpifarm::exec {
namespace {

constexpr Nanos instant = std::chrono::milliseconds{100};
constexpr Nanos longest_turn = std::chrono::milliseconds{100};  // what is longer was a suspension
constexpr Nanos shortest_nap = std::chrono::milliseconds{1}, longest_nap = std::chrono::milliseconds{20};

// Reaps those that have ended. True while a child lives.
bool has_children() {
  pid_t reaped = 0;
  do reaped = waitpid(-1, nullptr, WNOHANG);
  while (reaped > 0 || (reaped < 0 && errno == EINTR));
  return reaped == 0;
}

// True also for a process that may not be looked at, such as one of another user.
bool reads_a_pipe(pid_t process) {
  struct stat input {};
  if (stat(("/proc/" + std::to_string(process) + "/fd/0").c_str(), &input) != 0) return errno == EACCES;
  return S_ISFIFO(input.st_mode);
}

// Listens to the streams for one nap. Returns how long that took, as far as this process was awake.
Nanos rest(CommandStreams& streams, Nanos nap) {
  std::array<pollfd, 2> events{};
  streams.watch(events.data());
  const TimePoint begun = Clock::now();
  const timespec patience{0, nap.count()};
  if (ppoll(events.data(), events.size(), &patience, nullptr) > 0) streams.take_in(events.data());
  return std::min<Nanos>(Clock::now() - begun, longest_turn);
}

void end_all(const CommandStreams& streams, Leftover& leftover) {
  const std::vector<pid_t> left = living_descendants();
  leftover.ended = static_cast<unsigned>(left.size());
  const auto holder = std::ranges::find_if(left, [&](pid_t process) { return streams.held_by(process); });
  if (!left.empty()) leftover.process = process_name(holder == left.end() ? left.front() : *holder);
  kill_descendants([](pid_t) { return false; });
}

}  // namespace

Leftover clear_up(CommandStreams& streams, Nanos most, const std::function<bool()>& stop) {
  Leftover leftover;
  streams.drain();
  const std::uint64_t bytes_before = streams.bytes();
  Nanos waited{}, idle{};  // idle: since something was last seen that may be finishing output
  Backoff nap{shortest_nap, longest_nap};
  while (true) {
    const bool children = has_children();
    if (!children && !streams.any_open()) return leftover;
    const auto may_finish = [&] {
      return streams.any_open() || std::ranges::any_of(living_descendants(), reads_a_pipe);
    };
    const bool waits = most > Nanos{} && may_finish();
    if (waits) idle = Nanos{};
    if (waited >= most || idle >= instant) {
      leftover.waited = waits;
      leftover.in_vain = waits && streams.bytes() == bytes_before;
      break;
    }
    leftover.stopped = stop && stop();
    if (leftover.stopped) break;
    const Nanos rested = rest(streams, nap.next());
    waited += rested;
    idle += rested;
  }
  end_all(streams, leftover);
  streams.drain();
  if (streams.any_open() && leftover.ended == 0) {
    leftover.ended = 1;  // none of the command's own, so it lives on
    leftover.process = "a process that is not its child";
  }
  return leftover;
}

}  // namespace mpifarm::exec

#pragma once
// How far a run is, for people: a bar at the foot of a terminal, lines elsewhere.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/terminal.hpp"
#include "base/clock.hpp"

namespace mpifarm::app {

enum class ProgressMode : std::uint8_t { automatic, bar, log, none };

// Throws BadInput unless `text` is auto, bar, log or none.
ProgressMode parse_progress(std::string_view text);

struct RankView {
  int rank = 0;
  std::string host;
  std::uint64_t tasks = 0;
  double busy = 0;  // part of its slots' time, 0 to 1
};

// What is shown.
struct ProgressView {
  std::string job;
  std::uint64_t done = 0, failed = 0, running = 0;
  std::optional<std::uint64_t> total;  // when the source says
  double wall_seconds = 0;
  double per_second = 0;
  std::vector<RankView> ranks;  // shown where there are any

  std::optional<double> seconds_left() const;
};

// One line of less than `columns`: what matters less is left out where there is no room.
// Below it, at most `rank_lines` lines about ranks.
std::string progress_bar(const ProgressView& view, unsigned columns, bool colours,
                         std::size_t rank_lines = 16);
// The same in words, and with the ranks.
std::string progress_text(const ProgressView& view);

// Tasks a second, lately.
class Speed {
 public:
  void observe(TimePoint now, std::uint64_t done);
  double per_second() const;

 private:
  std::deque<std::pair<TimePoint, std::uint64_t>> samples_;  // of the window, and the last before it
};

// One thread.
class ProgressDisplay {
 public:
  // Looks for a terminal when the mode asks for one.
  explicit ProgressDisplay(ProgressMode mode);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  bool due(TimePoint now) const { return now >= next_; }
  void show(TimePoint now, const ProgressView& view);
  // The last word: a bar stays where it is.
  void finish(const ProgressView& view);

 private:
  void draw(const ProgressView& view) const;

  ProgressMode mode_;
  std::optional<Terminal> terminal_;  // with a bar on it
  TimePoint next_{};
};

}  // namespace mpifarm::app

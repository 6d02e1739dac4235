#pragma once
// How long tasks take, as seen so far: a histogram whose classes grow by a quarter of an octave or less.

#include <array>
#include <cstdint>

#include "base/clock.hpp"

namespace mpifarm::sched {

class Durations {
 public:
  // So many tasks took `busy` together.
  void observe(std::uint64_t tasks, Nanos busy);
  // So long that this share (0 to 1) of the tasks seen took no longer: at most a quarter more than the truth;
  // 0 when none was seen.
  Nanos covering(double share) const;

 private:
  // Below 4 ns each a class; above, four to an octave: the two bits behind the highest tell them apart.
  static constexpr std::size_t classes = 252;  // 63 octaves

  std::array<std::uint64_t, classes> tasks_{};
  std::uint64_t seen_ = 0;
};

}  // namespace mpifarm::sched

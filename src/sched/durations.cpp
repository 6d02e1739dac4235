#include "sched/durations.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mpifarm::sched {
namespace {

std::size_t class_of(std::uint64_t nanos) {
  if (nanos < 4) return nanos;
  const auto octave = static_cast<std::size_t>(std::bit_width(nanos)) - 1;  // from 2
  return 4 * (octave - 1) + (nanos >> (octave - 2) & 3);
}

// The least that belongs to the next class.
std::uint64_t end_of(std::size_t index) {
  if (index < 4) return index + 1;
  const std::size_t octave = index / 4 + 1;
  return (std::uint64_t{5} + index % 4) << (octave - 2);
}

}  // namespace

void Durations::observe(std::uint64_t tasks, Nanos busy) {
  if (tasks == 0) return;
  const auto nanos = static_cast<std::uint64_t>(std::max<Nanos::rep>(busy.count(), 0));
  tasks_[class_of(tasks == 1 ? nanos : nanos / tasks)] += tasks;
  seen_ += tasks;
}

Nanos Durations::covering(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(seen_)));
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < classes && seen_ > 0; ++i) {
    below += tasks_[i];
    if (below >= wanted && tasks_[i] > 0) return Nanos{static_cast<Nanos::rep>(end_of(i))};
  }
  return Nanos{0};
}

}  // namespace mpifarm::sched

#pragma once
// How long a task takes, of late: what a queue lasts follows from it.

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"

namespace mpifarm {

class TaskTime {
 public:
  // `tasks` > 0 took `busy` in one slot.
  void observe(std::uint64_t tasks, Nanos busy) {
    constexpr double few = 8;  // tasks that say little about the next
    const auto count = static_cast<double>(tasks);
    const double weight = seconds_ > 0 ? count / (few + count) : 1;
    seconds_ += weight * (seconds(busy) / count - seconds_);
  }
  // How long so many tasks keep so many slots busy.
  Nanos lasts(std::uint64_t tasks, unsigned slots) const {
    constexpr double longest = 1e18;
    const double nanos = static_cast<double>(tasks) * seconds_ * 1e9 / slots;
    return Nanos{static_cast<Nanos::rep>(std::min(nanos, longest))};
  }

 private:
  double seconds_ = 0;
};

}  // namespace mpifarm

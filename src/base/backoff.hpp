#pragma once
// How long an idle loop naps: at once at first, then in steps that grow up to a ceiling. Each nap is about a
// fifth of the time since the first, so that what comes soon is answered soon.

#include <algorithm>

#include "base/clock.hpp"

namespace mpifarm {

class Backoff {
 public:
  Backoff(Nanos first, Nanos longest) : first_{first}, longest_{longest}, next_{first} {}

  void reset() { next_ = first_; }
  Nanos next() {
    const Nanos nap = next_;
    next_ = std::min(next_ * 5 / 4, longest_);
    return nap;
  }

 private:
  Nanos first_, longest_, next_;
};

}  // namespace mpifarm

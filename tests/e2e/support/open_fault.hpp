#pragma once
// Tests of faults that are known and not mended yet.

#include <gtest/gtest.h>

namespace mpifarm::e2e {

// Says that a fault is still there. It fails as soon as the right outcome is seen: whoever mends the fault
// turns the call into a plain expectation of that outcome.
inline void expect_still_open(const char* id, bool right_outcome) {
  EXPECT_FALSE(right_outcome) << id << " is mended: expect the right outcome here from now on";
}

}  // namespace mpifarm::e2e

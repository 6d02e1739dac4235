#pragma once
// What consumes a run's outcomes in task order: the job's reduce, the results file.

#include "journal/ordered.hpp"

namespace mpifarm {

// One thread at a time.
class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  // The next task in task order, none left out. Throws MachineryFailure, or what a job's reduce throws.
  virtual void take(const journal::TaskOutcome& outcome) = 0;
};

}  // namespace mpifarm

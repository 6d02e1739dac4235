#pragma once
// What a run's journal says, of a live run or a dead one.

#include <cstdint>

#include "base/order.hpp"
#include "job/any_job.hpp"
#include "run/failures.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {

struct JournalCounts {
  std::uint64_t succeeded = 0, failed = 0, known = 0;
  bool source_ended = false, complete = false;
  unsigned starts = 0;
  Failures failures;  // where a job was given
};

// `type`: the job's, to group failures; `order` maps their positions.
JournalCounts count_journal(const RunDirectory& run, const JobType* type = nullptr, const Order& order = {});

}  // namespace mpifarm::app

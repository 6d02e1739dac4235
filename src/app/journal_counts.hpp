#pragma once
// What a run's journal says, of a live run or a dead one.

#include <cstdint>

#include "run/run_directory.hpp"

namespace mpifarm::app {

struct JournalCounts {
  std::uint64_t succeeded = 0, failed = 0, known = 0;
  bool source_ended = false, complete = false;
  unsigned starts = 0;
};

JournalCounts count_journal(const RunDirectory& run);

}  // namespace mpifarm::app

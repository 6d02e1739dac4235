#pragma once
// How many slots each rank gets: the cores it was granted, divided only among ranks of a host whose affinity
// masks overlap.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mpifarm {

struct RankCores {
  std::string host;
  std::vector<std::uint32_t> cpus;  // affinity mask
  double quota = 0;                 // cores of CPU time its control group allows; 0 for no limit
  std::uint32_t online = 0;         // CPUs of the host; 0: not known
};

struct AllotmentOptions {
  std::optional<unsigned> threads;       // of every rank; nothing: automatic
  std::optional<unsigned> master_slots;  // of rank 0; nothing: as every rank
  unsigned slots_per_task = 1;
};

struct Allotment {
  std::vector<unsigned> tasks;        // at once, by rank: each takes --slots-per-task of its slots
  std::vector<bool> fills_cores;      // by rank: its slots, with those of ranks beside it, leave no core free
  std::vector<std::string> warnings;  // for the user
};

// `ranks` by rank, at least one. Automatic: at least one slot a rank. Throws BadInput when no rank has slots
// for a task.
Allotment allot_slots(const std::vector<RankCores>& ranks, const AllotmentOptions& options);

}  // namespace mpifarm

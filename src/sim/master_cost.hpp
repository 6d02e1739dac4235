#pragma once
// What rank 0 spends on messages, leases and tasks.

#include <string>
#include <string_view>

namespace mpifarm::sim {

// Seconds. The loop's thread moves messages, schedules and encodes; the committer's hashes and writes.
struct MasterCost {
  double message = 0;  // the loop, each way, whatever is in it
  double lease = 0;    // the loop, from hand-out to outcome
  double task = 0;     // the loop, of a lease with many
  double commit = 0;   // the committer, a task

  std::string text() const;  // microseconds, as parse_master_cost takes them
};

// Drives the real scheduler, codec, journal writer and digest on this machine for about half a second. What
// MPI adds to a message is a constant, from tests/bench/README.md.
MasterCost measure_master_cost();

// "auto", or MESSAGE,LEASE,TASK,COMMIT in microseconds. Throws BadInput.
MasterCost parse_master_cost(std::string_view text);

}  // namespace mpifarm::sim

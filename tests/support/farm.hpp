#pragma once
// A whole farm without a run directory: rank 0's master and worker, and the other ranks' workers, driven as
// the application drives them. In threads over loopback, or one rank a process.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "journal/storage.hpp"
#include "node/master.hpp"
#include "run/sink.hpp"

namespace mpifarm::support {

struct FarmOptions {
  const JobType* type = nullptr;
  Bytes params;
  sched::Options scheduler;  // source and count are filled in
  AllotmentOptions allotment{.threads = 2, .master_slots = std::nullopt};
  std::function<std::unique_ptr<journal::Storage>()> storage;  // of the journal; nothing: none
  std::uint64_t drain_after = ~std::uint64_t{0};               // committed outcomes
  Heartbeat heartbeat;
  std::vector<OutcomeSink*> sinks;  // fed by a folder, fifo only
};

struct FarmResult {
  bool finished = false;
  std::uint64_t known = 0, committed = 0, succeeded = 0, failed = 0;
  std::string digest;
  std::map<int, sched::WorkerTally> tallies;
  std::string source_failure;  // its reason
  std::string conclusion;      // of the job, when the run was folded
};

// Packed params of `type` from flags.
Bytes params_of(const JobType& type, const std::vector<describe::GivenFlag>& flags);

// Rank 0's part; the others are told to leave however it ends.
FarmResult be_master(Transport& below, const Jobs& jobs, FarmOptions options);
void be_worker(Transport& below, const Jobs& jobs);

// All ranks in threads of this process. Rethrows what the master threw.
FarmResult run_in_threads(int ranks, const Jobs& jobs, const FarmOptions& options);

// The digest and the conclusion of computing everything in one thread, in task order.
FarmResult run_serially(const FarmOptions& options);

}  // namespace mpifarm::support

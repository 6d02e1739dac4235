#pragma once
// The Slurm job that this process belongs to: what Slurm says of it, and the job that is to come after it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "run/advice.hpp"

namespace mpifarm::app {

// A job's script or shell, where srun can start ranks; not a rank that srun started.
bool in_slurm_job();

// Its hosts; empty when Slurm does not say.
std::vector<std::string> slurm_hosts();

// False when srun says that it has no PMIx, without which each rank would take itself for the only one.
bool srun_has_pmix();

// Until its time limit; nothing when there is none, no job, or no answer.
std::optional<Nanos> slurm_time_left();

// Of squeue's %L: "1-02:03:04", "02:03:04", "03:04"; nothing for UNLIMITED and the like.
std::optional<Nanos> parse_slurm_time(std::string_view text);

// What the job was granted, for a run on so many ranks with so many slots in all; nothing without a job.
std::optional<Allocation> slurm_allocation(int ranks, unsigned slots);

// How many jobs may still be submitted after this one, when the first of them was to have `most`.
unsigned chain_left(unsigned most);

// Submits the job's script again, to start when this job has ended and to carry `run` on, with `left` more
// behind it. The script finds the run's absolute path in MPIFARM_RUN. Returns the new job's id; throws
// MachineryFailure when Slurm refuses.
std::string submit_continuation(const std::string& run, unsigned left);

}  // namespace mpifarm::app

#pragma once
// The source of a run's tasks, and what earlier starts left: compared, before anything is computed.

#include <memory>
#include <string>

#include "app/run_plan.hpp"

namespace mpifarm::app {

// Digests an indexed source: its size, and the descriptors that the hello compares too.
std::string source_digest(const AnyJob& job);

// Leaves a shard's tasks of a sequential source; null stays null.
std::unique_ptr<TaskSource> of_shard(std::unique_ptr<TaskSource> source, Shard shard);

// Opens the plan's source. A list that is a file is read to its end before anything runs.
void open_source(RunPlan& plan);

// Throws BadInput, naming what changed, unless the source is that of the run. A complete run needs its source
// no more: with `given_again` it has to be the same, else a change is said.
void check_source(RunPlan& plan, bool given_again);

// Makes outcomes void whose files in the run directory are not whole, as a crash of a host or a full disk may
// leave them: their tasks are computed anew.
void find_lost_files(RunPlan& plan);

// Makes void what failed, so that a run that was complete is not.
void redo_failed(journal::Survey& survey);

// "5 tasks", or "a pipe" when they are not counted.
std::string task_count(std::optional<std::uint64_t> tasks);

}  // namespace mpifarm::app

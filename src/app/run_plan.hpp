#pragma once
// From a command to a run that can begin: what is to be computed, where, and what earlier starts left.

#include <memory>
#include <optional>

#include "app/arguments.hpp"
#include "journal/survey.hpp"
#include "run/manifest.hpp"
#include "run/run_directory.hpp"
#include "sched/scheduler.hpp"

namespace mpifarm::app {

struct RunPlan {
  RunDirectory directory;
  Manifest manifest;
  bool has_default_name = false;  // the directory's: another will do as well
  const JobType* type = nullptr;
  Bytes params;
  std::unique_ptr<AnyJob> job;            // rank 0's own instance: source and checks
  std::unique_ptr<TaskSource> source;     // of a sequential run that is not complete
  std::unique_ptr<RunLock> lock;          // of a new run: once it is created
  std::optional<journal::Survey> survey;  // of earlier starts; nothing at the first
  bool takes_over = false;                // of manifest.reuse, before anything is computed

  bool is_new() const { return lock == nullptr; }
  // A new run: makes its directory and takes its lock. Throws BadInput when that cannot be.
  void create();

  TaskOrigin origin() const { return manifest.tasks_from.empty() ? TaskOrigin::job : TaskOrigin::list; }
  // The new run's source once more, from the first task of the shard; sequential ones.
  std::unique_ptr<TaskSource> reopened_source() const;
  bool sequential() const { return origin() == TaskOrigin::list || !type->indexed(); }
  bool journaled() const { return manifest.durability != "none"; }
  ResultsFormat results() const { return parse_results_format("--results", manifest.results); }
  // Whether something wants the outcomes in task order.
  bool has_sinks() const { return results() != ResultsFormat::none || type->has_reduce(); }
  // Gives the files that results have beside them in the run directory; null: there are none.
  std::unique_ptr<KeptFiles> kept_files() const {
    return type->kept_files({directory.path, params, manifest.working_directory});
  }
  sched::Options scheduler_options(const sched::BatchingOptions& batching) const;
};

// Each throws BadInput when the input is not good, before anything is computed. `ranks`: of this start, for
// the manifest.
RunPlan plan_run(const RunCommand& command, std::uint32_t ranks);
// How a run is carried on.
struct ResumeOptions {
  LimitOptions limits;
  bool redo_failed = false;  // what failed for good is computed anew
  bool force = false;        // the lock of another host is that of a dead master
  bool given_again =
      false;  // the whole command was: its source has to be that of the run, even of a complete one
};
RunPlan plan_resume(const std::filesystem::path& run, const ResumeOptions& options, const Jobs& jobs);

// Takes the next task of a source, waiting for it; false at the end.
bool pull_item(TaskSource& source, Bytes& descriptor);

// What a run would do, for --dry-run.
std::string describe_plan(const RunCommand& command, int ranks);

}  // namespace mpifarm::app

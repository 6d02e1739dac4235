#pragma once
// What the command line asks for, checked as far as text can be. No MPI, no files.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/launch_command.hpp"
#include "app/limits.hpp"
#include "app/progress.hpp"
#include "app/simulate_command.hpp"
#include "app/time_left.hpp"
#include "base/clock.hpp"
#include "base/order.hpp"
#include "base/surroundings.hpp"
#include "describe/flags.hpp"
#include "node/committer.hpp"
#include "node/jobs.hpp"
#include "run/results.hpp"
#include "sched/batching.hpp"

namespace mpifarm::app {

// How this start computes; none of it is part of what the run is.
struct StartOptions {
  std::optional<unsigned> threads;       // nothing: automatic
  std::optional<unsigned> master_slots;  // nothing: as every rank
  sched::BatchingOptions batching;
  std::optional<int> nice;  // of what computes; nothing: as is best
  Surroundings surroundings;
  double grace_seconds = 30;
  double heartbeat_seconds = 10;  // of silence, after which a rank counts as lost
  TimeLeft time_left;
  std::optional<TimePoint> ends_at;  // rank 0, from time_left
  bool quiet = false, verbose = false;
  ProgressMode progress = ProgressMode::automatic;
  LimitOptions limits;
};

// What the run is; nothing: the default, or what the run to be continued has.
struct RunOptions {
  std::optional<OrderKind> order;
  std::optional<std::uint64_t> seed;
  std::optional<Shard> shard;
  std::optional<unsigned> retries;
  std::optional<double> retry_delay_seconds;
  std::optional<Durability> durability;
  std::optional<ResultsFormat> results;
};

struct RunCommand {
  const JobType* type = nullptr;
  std::vector<describe::GivenFlag> job_flags;
  std::string tasks_from;  // a list's absolute path, or "-"; empty: the job's own source
  RunOptions run;
  StartOptions start;
  std::string directory;  // empty: the default
  std::string reuse;      // a run's absolute path; empty: none
  bool continues = false;
  bool force = false;  // as ResumeCommand's
  bool dry_run = false;
  int dry_ranks = 1;                 // on so many
  std::vector<std::string> command;  // as typed, for the manifest

  TaskOrigin origin() const { return tasks_from.empty() ? TaskOrigin::job : TaskOrigin::list; }
};

struct ResumeCommand {
  std::string directory;
  StartOptions start;
  bool redo_failed = false;
  bool force = false;  // a lock of another host is that of a dead master
};

struct StopCommand {
  std::string directory;
};
struct ListCommand {};
struct DescribeCommand {
  const JobType* type = nullptr;
};
struct StatusCommand {
  std::string directory;
  bool json = false;
  bool watch = false;
};
struct ResultsCommand {
  std::vector<std::string> directories;  // at least one
  std::optional<ResultsFormat> format;   // nothing: what fits the job's results
  bool joblog = false;                   // as GNU parallel's, of commands
  std::optional<std::string> status;     // succeeded, failed, timed out, crashed
  std::string output;                    // empty: stdout
};
// How to run one by hand.
struct RetryLineCommand {
  std::string directory;
  std::uint64_t task = 0;
};
// What commands wrote.
struct OutputCommand {
  std::string directory;
  std::optional<std::uint64_t> task;  // nothing: all
  bool error_stream = false;
  bool failed = false;  // only of tasks that failed
};
// Shards become one run.
struct MergeCommand {
  std::vector<std::string> directories;  // of the shards; at least one
  std::string run;                       // the directory to be made
  std::vector<std::string> command;      // as typed, for the manifest
};
// Text to be printed, for --help and --version.
struct PrintCommand {
  std::string text;
};

using Command = std::variant<RunCommand, ResumeCommand, StopCommand, ListCommand, DescribeCommand,
                             StatusCommand, ResultsCommand, OutputCommand, RetryLineCommand, MergeCommand,
                             SimulateCommand, LaunchCommand, PrintCommand>;

// Throws BadInput for anything that is not understood.
Command parse_arguments(const std::vector<std::string>& arguments, const Jobs& jobs);

}  // namespace mpifarm::app

#pragma once
// A job with its types erased: what everything but the job's own file works with. Tasks, results and params
// are packed bytes here.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "describe/cells.hpp"
#include "describe/flags.hpp"
#include "describe/value.hpp"
#include "job/context.hpp"

namespace mpifarm {

// All the tasks of a source of which a shard takes a part.
struct WholeFacts {
  std::uint64_t tasks = 0;
  std::string digest;  // of their descriptors in their order
};

// The tasks of a sequential source, pulled one by one. One thread.
class TaskSource {
 public:
  enum class Pull { item, not_yet, end };

  virtual ~TaskSource() = default;
  // On `item`, `descriptor` is the next packed Task. Throws what the job throws.
  virtual Pull pull(Bytes& descriptor) = 0;
  // At the end of a shard's source: what it was a part of.
  virtual std::optional<WholeFacts> whole() const { return std::nullopt; }
};

// One instance of a job. It throws what the job throws.
class AnyJob {
 public:
  virtual ~AnyJob() = default;

  // What a user had better know before the run begins, in whole sentences. Rank 0's host.
  virtual std::vector<std::string> warnings() const { return {}; }
  // Number of tasks of an indexed source; nothing for a sequential one, such as a list.
  virtual std::optional<std::uint64_t> size() const = 0;
  // Indexed sources: replaces `descriptor` by the packed task `id`. Any thread.
  virtual void make_task(TaskId id, Bytes& descriptor) const = 0;
  // The job's own sequential source, from the first task; null for others. The job must outlive it.
  virtual std::unique_ptr<TaskSource> open_source() const = 0;

  // Computes the context's task and appends its OutcomeEntry. A throw becomes a failed attempt with its
  // message. Many threads at once. `descriptor` is ignored by indexed sources.
  virtual void compute(BytesView descriptor, Context& context, Bytes& entries) const = 0;

  // Is given every successful task once, in task order. One thread, on an instance that computes nothing.
  virtual void reduce(TaskId id, BytesView descriptor, BytesView result) = 0;
  // What goes to stdout at the end of a complete run.
  virtual std::string conclude(const std::filesystem::path& run_directory) = 0;
};

// The columns of a table of tasks, matched to the fields of a Task.
class TaskColumns {
 public:
  virtual ~TaskColumns() = default;
  // Replaces `descriptor` by the packed task of a row. Throws BadInput naming column and value, or the number
  // of cells.
  virtual void read(std::span<const std::string> cells, Bytes& descriptor) const = 0;
};

// Where the tasks of a run come from: the job's own source, or a list that the user gives, which is
// sequential.
enum class TaskOrigin : std::uint8_t { job, list };

// What a job knows of a failed attempt beside its message.
struct FailureFacts {
  std::string cause;  // failures with different ones are told apart, whatever their messages
  std::string host;   // where it was; empty: not known
};

// Things that the summary counts of outcomes, beside how they ended.
struct OutcomeNotes {
  bool left_running = false;  // the task left processes behind that were ended
};

// What tells tasks apart, for a run that takes over what another one did.
class TaskKeys {
 public:
  virtual ~TaskKeys() = default;
  // Equal for tasks with equal results.
  virtual Bytes key(BytesView descriptor, [[maybe_unused]] TaskId id) const { return Bytes{descriptor}; }
};

// A run, for one that takes over from it or that it takes over from.
struct RunFacts {
  std::filesystem::path run;
  Bytes params;                   // packed
  std::string working_directory;  // that relative paths mean
};

// What of a result is not in the result, such as files in the run directory. One thread.
class ResultTaker {
 public:
  virtual ~ResultTaker() = default;
  // Takes over what belongs to a success of another run, there the task `before`, here `now` with its
  // descriptor. Returns the packed result as it is here; nothing when it is damaged there, or no success
  // here. Throws MachineryFailure when it cannot be kept here.
  virtual std::optional<Bytes> take(BytesView result, [[maybe_unused]] TaskId before,
                                    [[maybe_unused]] TaskId now, [[maybe_unused]] BytesView descriptor) {
    return Bytes{result};
  }
};

// Files in the run directory that results refer to, such as what commands wrote. One thread at a time.
class KeptFiles {
 public:
  virtual ~KeptFiles() = default;
  // Makes durable what ranks have written there in start `start` so far, as far as this host has written it:
  // `rank`'s alone, or what there is of every rank. Throws MachineryFailure when a file system says, late,
  // that it is lost.
  virtual void sync(std::uint64_t start, std::optional<std::uint32_t> rank) = 0;
  // Whether what the packed Result of `task` refers to is there.
  virtual bool holds(TaskId task, BytesView result) = 0;
};

// A kind of job: its facts, and how to make an instance. Immutable; lives as long as the program; any thread.
class JobType {
 public:
  virtual ~JobType() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view summary() const = 0;
  virtual bool indexed() const = 0;
  virtual bool repeatable() const = 0;  // false: no second copy may race the first
  virtual bool isolated() const = 0;    // computed in child processes alone, and ends tasks in time by itself
  virtual bool has_reduce() const = 0;
  virtual bool has_conclude() const = 0;
  virtual std::span<const std::string> measured() const = 0;  // Result fields outside the digest

  virtual std::vector<describe::FlagInfo> flags() const = 0;
  virtual std::vector<std::string> task_columns() const = 0;
  virtual std::vector<describe::FieldInfo> task_fields() const = 0;
  virtual std::vector<std::string> result_columns() const = 0;
  virtual bool flat_result() const = 0;  // every Result field fits a CSV cell

  // Packed params: the defaults with `flags` set (name with its dashes, text). Throws BadInput.
  virtual Bytes params_from_flags(std::span<const describe::GivenFlag> flags) const = 0;
  virtual Bytes params_from_value(const describe::Value& value) const = 0;
  virtual describe::Value params_to_value(BytesView params) const = 0;

  // Throws BadInput for params that do not fit together, and for whatever else the job's constructor throws
  // but MachineryFailure.
  virtual std::unique_ptr<AnyJob> make(BytesView params, TaskOrigin origin = TaskOrigin::job) const = 0;

  // One task of a list: throws BadInput for what is no field, with the nearest, and for a value that does not
  // fit. A field that is missing has its default. `params` are the job's, packed.
  virtual std::unique_ptr<TaskColumns> match_task_columns(BytesView params,
                                                          std::span<const std::string> header) const = 0;
  virtual void read_task(BytesView params, std::string_view json, Bytes& descriptor) const = 0;
  // Whether a list has a task a line, in the job's own form.
  virtual bool reads_lines([[maybe_unused]] BytesView params) const { return false; }
  // False when the line is no task, such as a comment.
  virtual bool read_line([[maybe_unused]] BytesView line, [[maybe_unused]] Bytes& descriptor) const {
    return false;
  }

  // Params that say only which tasks there are.
  virtual std::vector<std::string> source_fields() const { return {}; }
  // Whether keys say all that a result depends on, so that no param has to be equal.
  virtual bool keys_have_params() const { return false; }
  virtual std::unique_ptr<TaskKeys> task_keys([[maybe_unused]] const RunFacts& run) const {
    return std::make_unique<TaskKeys>();
  }
  virtual std::unique_ptr<ResultTaker> result_taker([[maybe_unused]] const RunFacts& from,
                                                    [[maybe_unused]] const RunFacts& to) const {
    return std::make_unique<ResultTaker>();
  }

  // Gives the files that results have beside them in the run directory; null: there are none.
  virtual std::unique_ptr<KeptFiles> kept_files([[maybe_unused]] const RunFacts& run) const {
    return nullptr;
  }

  // Of the packed Result that was kept of a failure.
  virtual FailureFacts failure_facts([[maybe_unused]] BytesView kept_result) const { return {}; }

  // Reads what the summary counts of a packed Result; only when has_notes().
  virtual bool has_notes() const { return false; }
  virtual OutcomeNotes notes([[maybe_unused]] BytesView result) const { return {}; }

  // The part of a packed result that the digest hashes; may use `scratch`, and is valid as long as both.
  virtual BytesView digest_view(BytesView result, Bytes& scratch) const = 0;
  // Appends the result's cells, a comma before each; or one JSON object.
  virtual void append_result_csv(Bytes& out, BytesView result) const = 0;
  virtual void append_result_json(Bytes& out, BytesView result) const = 0;
  virtual void give_result_cells(describe::CellTaker& taker, BytesView result) const = 0;
  virtual void append_task_json(Bytes& out, BytesView descriptor) const = 0;
};

// How long a task that was asked to stop may take to heed it, beyond an instant.
inline Nanos time_to_stop(const JobType& type) {
  return type.isolated() ? Nanos{std::chrono::milliseconds{5500}} : Nanos{};
}

}  // namespace mpifarm

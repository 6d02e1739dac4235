#include "app/output_command.hpp"

#include <unistd.h>

#include <cerrno>

#include "app/merged_outcomes.hpp"
#include "app/run_files.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "exec/exec_job.hpp"
#include "exec/output_pack.hpp"

namespace mpifarm::app {
namespace {

void write_out(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("stdout", "written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

Manifest manifest_of_commands(const RunDirectory& run) {
  Manifest manifest = read_manifest(run);
  if (manifest.job != exec_job().name())
    throw BadInput{"the run has no output of commands (" + run.path.string() + " is of the job " +
                   manifest.job + "); `mpifarm results` has its results"};
  if (manifest.durability == "none")
    throw BadInput{"the run kept no journal (" + run.path.string() +
                   " ran with --durability none, or was merged); name a run that has one, such as a shard"};
  return manifest;
}

[[noreturn]] void refuse_task(const RunDirectory& run, std::uint64_t task) {
  throw BadInput{"task " + std::to_string(task) + " has no outcome (in " + run.path.string() +
                 "); `mpifarm results` lists those that have"};
}

}  // namespace

void output(const OutputCommand& command) {
  const RunDirectory run{command.directory};
  const Manifest manifest = manifest_of_commands(run);
  MergedOutcomes outcomes;
  outcomes.add(run, manifest);
  bool found = false;
  for (journal::TaskOutcome outcome; outcomes.next(outcome);) {
    if (command.task && outcome.id.value != *command.task) continue;
    found = true;
    const bool succeeded = outcome.outcome == Outcome::succeeded;
    if (succeeded && command.failed) continue;
    const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
    if (result.empty()) continue;  // its process died before it could say
    const exec::KeptOutput kept = exec::kept_output(result);
    const bool error = command.error_stream;
    exec::read_output(exec::pack_path(run.path, kept.pack), outcome.id,
                      error ? exec::Stream::standard_error : exec::Stream::standard_output,
                      error ? kept.stderr_at : kept.stdout_at, write_out);
    if (command.task) return;
  }
  if (command.task && !found) refuse_task(run, *command.task);
}

void retry_line(const RetryLineCommand& command) {
  const RunDirectory run{command.directory};
  const Manifest manifest = manifest_of_commands(run);
  MergedOutcomes outcomes;
  outcomes.add(run, manifest);
  for (journal::TaskOutcome outcome; outcomes.next(outcome);) {
    if (outcome.id.value != command.task) continue;
    const Bytes params = exec_job().params_from_value(manifest.params);
    write_out(exec::retry_line(params, outcome.descriptor, outcome.id, manifest.working_directory,
                               std::filesystem::absolute(run.path).string()) +
              "\n");
    return;
  }
  refuse_task(run, command.task);
}

}  // namespace mpifarm::app

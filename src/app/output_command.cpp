#include "app/output_command.hpp"

#include <unistd.h>

#include <cerrno>

#include "app/merged_outcomes.hpp"
#include "app/run_files.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "exec/exec_job.hpp"

namespace mpifarm::app {
namespace {

// No more can be shown; the run itself may be well.
struct Unwritable : MachineryFailure {
  using MachineryFailure::MachineryFailure;
};

void write_out(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const std::string why = errno_text(errno);
      throw Unwritable{output_name(STDOUT_FILENO) + " could not be written (" + why +
                       "); make room, or try again"};
    }
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
  const exec::OutputPolicy policy = exec::output_policy(exec_job().params_from_value(manifest.params));
  if (policy.output == "none")
    return log::warning("the run kept no output (--output none): " + run.path.string());
  const exec::Stream kind =
      command.error_stream ? exec::Stream::standard_error : exec::Stream::standard_output;
  MergedOutcomes outcomes;
  outcomes.add(run, manifest);
  bool found = false;
  std::uint64_t cut = 0;
  std::string damage;
  for (journal::TaskOutcome outcome; outcomes.next(outcome);) {
    if (command.task && outcome.id.value != *command.task) continue;
    found = true;
    const bool succeeded = outcome.outcome == Outcome::succeeded;
    if (command.failed && succeeded) continue;
    const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
    if (result.empty()) continue;  // its process died with it
    const exec::KeptOutput kept = exec::kept_output(result, kind);
    cut += kept.bytes > policy.limit ? 1 : 0;
    try {
      exec::read_kept_output(run.path, outcome.id, kind, kept, write_out);
    } catch (const Unwritable&) {
      throw;
    } catch (const MachineryFailure& failure) {  // the others are well
      if (damage.empty()) damage = failure.what();
    }
    if (command.task) break;
  }
  if (command.task && !found) refuse_task(run, *command.task);
  if (cut > 0) log::warning("cut by --output-limit: what " + counted(cut, "command") + " wrote");
  if (!damage.empty()) throw MachineryFailure{damage};
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

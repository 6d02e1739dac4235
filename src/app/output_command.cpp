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

}  // namespace

void output(const OutputCommand& command) {
  const RunDirectory run{command.directory};
  const Manifest manifest = read_manifest(run);
  if (manifest.job != exec_job().name())
    throw BadInput{"the run has no output of commands (" + command.directory + " is of the job " +
                   manifest.job + "); `mpifarm results` has its results"};
  if (manifest.durability == "none")
    throw BadInput{"the run kept no journal (" + command.directory +
                   " ran with --durability none, or was merged); name a run that has one, such as a shard"};
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
  if (command.task && !found)
    throw BadInput{"task " + std::to_string(*command.task) + " has no outcome (in " + command.directory +
                   "); `mpifarm results` lists those that have"};
}

}  // namespace mpifarm::app

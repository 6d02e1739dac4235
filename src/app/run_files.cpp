#include "app/run_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

namespace mpifarm::app {

Manifest read_manifest(const RunDirectory& run) {
  require_run(run);
  return parse_manifest(read_file(run.manifest()), run.manifest().string());
}

journal::Survey inspect_journal(const RunDirectory& run) {
  journal::Survey survey = journal::inspect(run.path);
  std::error_code ignored;
  const bool begun =
      std::filesystem::exists(run.status(), ignored) || std::filesystem::exists(run.summary(), ignored);
  if (survey.segments.empty() && !survey.torn_segment && begun)
    throw MachineryFailure{
        (run.path / "journal").string() +
        " is missing, though the run has begun; restore it from a copy, or start a new run"};
  return survey;
}

std::string how_to_carry_on(const RunDirectory& run, const Manifest& manifest) {
  if (manifest.durability == "none")
    return "it keeps no journal (--durability none), so it cannot be resumed";
  const bool piped = !manifest.tasks_from.empty() && !manifest.tasks;
  return std::string{piped ? "give it the same rows and carry it on with: " : "carry it on with: "} +
         "mpifarm resume " + run.name();
}

}  // namespace mpifarm::app

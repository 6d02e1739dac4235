#pragma once
// What the commands read of a run's directory.

#include <string>

#include "journal/survey.hpp"
#include "run/manifest.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {

// Throws BadInput unless there is a run with a manifest.
Manifest read_manifest(const RunDirectory& run);

// The journal of a run that keeps one. Throws MachineryFailure when it is damaged, or gone though the run has
// begun.
journal::Survey inspect_journal(const RunDirectory& run);

// What a user can do about an unfinished run.
std::string how_to_carry_on(const RunDirectory& run, const Manifest& manifest);

}  // namespace mpifarm::app

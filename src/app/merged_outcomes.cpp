#include "app/merged_outcomes.hpp"

#include <unistd.h>

#include <algorithm>

#include "app/journal_counts.hpp"
#include "app/run_files.hpp"

namespace mpifarm::app {
namespace {

// Where results are sorted: beside the run, or in the system's place when that cannot be written.
std::filesystem::path scratch_directory(const RunDirectory& run) {
  return access(run.path.c_str(), W_OK) == 0 ? run.path : std::filesystem::temp_directory_path();
}

}  // namespace

void MergedOutcomes::add(const RunDirectory& run, const Manifest& manifest) {
  const journal::Survey survey = inspect_journal(run);
  const JournalCounts counts = count_journal(run);
  const Order order = manifest.hand_out_order(
      manifest.tasks.value_or(counts.source_ended ? counts.known : Order::unknown_count));
  Source source;
  source.outcomes = std::make_unique<journal::OrderedOutcomes>(survey, order, scratch_directory(run));
  if (source.outcomes->next(source.head)) sources_.push_back(std::move(source));
}

bool MergedOutcomes::next(journal::TaskOutcome& outcome) {
  if (taken_ < sources_.size() && !sources_[taken_].outcomes->next(sources_[taken_].head))
    sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(taken_));
  if (sources_.empty()) return false;
  const auto least =
      std::ranges::min_element(sources_, {}, [](const Source& source) { return source.head.id; });
  taken_ = static_cast<std::size_t>(least - sources_.begin());
  outcome = least->head;
  return true;
}

}  // namespace mpifarm::app

#include "app/outputs.hpp"

#include <malloc.h>

#include <limits>

#include "base/error.hpp"
#include "journal/ordered.hpp"

namespace mpifarm::app {
namespace {

constexpr std::size_t fold_window_bytes = 16 << 20;  // more than the slots of a workstation hold

}  // namespace

Outputs::Outputs(const RunPlan& plan, bool live) : plan_{plan} {
  const Shard shard = shard_of(plan.manifest);
  const bool concludes = shard.is_whole();  // the shards do together, once they are merged
  if (concludes && (plan.type->has_reduce() || plan.type->has_conclude()))
    job_ = plan.type->make(plan.params, plan.origin());
  if (plan.results() != ResultsFormat::none) {
    const auto file = plan.directory.results(to_string(plan.results()));
    auto results = create_results(file, *plan.type, plan.results());
    results_ = results.get();
    sinks_.push_back(std::move(results));
  }
  if (concludes && plan.type->has_reduce()) sinks_.push_back(std::make_unique<Reduction>(*job_));
  if (!live || sinks_.empty()) return;
  std::vector<OutcomeSink*> sinks;
  for (const auto& sink : sinks_) sinks.push_back(sink.get());
  const std::size_t window = plan.journaled() ? fold_window_bytes : std::numeric_limits<std::size_t>::max();
  folder_ = std::make_unique<Folder>(std::move(sinks), window, Order::in_task_order(shard));
}

std::string Outputs::results_name() const {
  if (plan_.results() == ResultsFormat::none) return {};
  return plan_.directory.results(to_string(plan_.results())).filename().string();
}

std::string Outputs::finish(std::uint64_t known, const Order& order) {
  malloc_trim(0);  // what the run had in flight is not needed any more
  const std::uint64_t folded = folder_ ? folder_->finish() : 0;
  if (!sinks_.empty() && folded < known) feed_from_journal(folded, known, order);
  if (results_ != nullptr) results_->finish();
  if (!job_) return {};
  return job_->conclude(plan_.directory.for_people_and_jobs());
}

void Outputs::feed_from_journal(std::uint64_t from, std::uint64_t known, const Order& order) {
  journal::OrderedOutcomes outcomes{journal::inspect(plan_.directory.path), order, plan_.directory.path};
  const TaskId first = order.id_of_index(from);
  std::uint64_t found = 0;
  for (journal::TaskOutcome outcome; outcomes.next(outcome); ++found) {
    if (outcome.id < first) continue;
    for (const auto& sink : sinks_) sink->take(outcome);
  }
  if (found != known)
    throw MachineryFailure{"the journal in " + plan_.directory.path.string() + " has " +
                           std::to_string(found) + " of " + std::to_string(known) +
                           " outcomes; restore it from a copy, or start a new run"};
}

}  // namespace mpifarm::app

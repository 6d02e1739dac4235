#include "app/journal_counts.hpp"

#include "base/outcome.hpp"
#include "journal/reader.hpp"

namespace mpifarm::app {
namespace {

void add_failures(const OutcomeBlock& block, const JobType& type, const Order& order, Failures& failures) {
  BytesView entries = block.entries;
  for (std::uint64_t i = 0; i < block.count; ++i)
    if (const OutcomeEntry entry = take_entry(entries); entry.outcome != Outcome::succeeded)
      failures.add(order.id({block.first.value + i}), entry.outcome, failure_message(entry.payload),
                   type.failure_facts(kept_result(entry.payload)));
}

// Reads a run that is not live: what later starts made void is left out.
Failures failures_on_record(const RunDirectory& run, const JobType& type, const Order& order) {
  Failures failures;
  journal::Reader reader{journal::inspect(run.path), journal::mask_of<journal::Outcomes>()};
  for (journal::Record record; reader.next(record);)
    add_failures(std::get<journal::Outcomes>(record).block, type, order, failures);
  return failures;
}

}  // namespace

JournalCounts count_journal(const RunDirectory& run, const JobType* type, const Order& order) {
  using namespace journal;
  JournalCounts counts;
  bool redone = false;
  Follower follower{run.path, mask_of<Outcomes, SourceItems, Started, Sealed, Redo, Lost>()};
  for (Record record; follower.next(record);) {
    if (const auto* outcomes = std::get_if<Outcomes>(&record)) {
      counts.succeeded += outcomes->block.succeeded;
      counts.failed += outcomes->block.count - outcomes->block.succeeded;
      if (type != nullptr && outcomes->block.count > outcomes->block.succeeded)
        add_failures(outcomes->block, *type, order, counts.failures);
    } else if (const auto* items = std::get_if<SourceItems>(&record)) {
      counts.known = items->first.value + items->keys.size();
      counts.source_ended = counts.source_ended || items->end;
    } else if (const auto* sealed = std::get_if<Sealed>(&record)) {
      counts.complete = sealed->complete;
    } else if (const auto* redo = std::get_if<Redo>(&record)) {
      for (const Interval& positions : redo->positions) counts.failed -= positions.size();
      redone = redone || !redo->positions.empty();
    } else if (const auto* lost = std::get_if<Lost>(&record)) {
      for (const Interval& positions : lost->positions) counts.succeeded -= positions.size();
    } else {
      ++counts.starts;
      counts.complete = false;
    }
  }
  if (redone && type != nullptr) counts.failures = failures_on_record(run, *type, order);
  return counts;
}

}  // namespace mpifarm::app

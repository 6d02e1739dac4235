#include "app/journal_counts.hpp"

#include "journal/reader.hpp"

namespace mpifarm::app {

JournalCounts count_journal(const RunDirectory& run) {
  using namespace journal;
  JournalCounts counts;
  Follower follower{run.path, mask_of<Outcomes, SourceItems, Started, Sealed, Redo>()};
  for (Record record; follower.next(record);) {
    if (const auto* outcomes = std::get_if<Outcomes>(&record)) {
      counts.succeeded += outcomes->block.succeeded;
      counts.failed += outcomes->block.count - outcomes->block.succeeded;
    } else if (const auto* items = std::get_if<SourceItems>(&record)) {
      counts.known = items->first.value + items->keys.size();
      counts.source_ended = counts.source_ended || items->end;
    } else if (const auto* sealed = std::get_if<Sealed>(&record)) {
      counts.complete = sealed->complete;
    } else if (const auto* redo = std::get_if<Redo>(&record)) {
      for (const Interval& positions : redo->positions) counts.failed -= positions.size();
    } else {
      ++counts.starts;
      counts.complete = false;
    }
  }
  return counts;
}

}  // namespace mpifarm::app

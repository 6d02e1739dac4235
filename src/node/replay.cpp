#include "node/replay.hpp"

#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "journal/reader.hpp"
#include "node/committer.hpp"

namespace mpifarm {
namespace {

void add(journal::Spent& sum, const journal::Spent& spent) {
  sum.wall += spent.wall;
  sum.busy += spent.busy;
  sum.cpu += spent.cpu;
}

}  // namespace

Replayed replay(const journal::Survey& survey, const JobType& type, const sched::Options& options,
                sched::Scheduler& scheduler) {
  Replayed replayed;
  journal::Spent spent;  // of the start that stands
  Order order = scheduler.order();
  journal::Reader reader{survey};
  for (journal::Record record; reader.next(record);) {
    const auto* outcomes = std::get_if<journal::Outcomes>(&record);
    if (outcomes != nullptr && !options.sequential &&
        outcomes->block.first.value + outcomes->block.count > options.count)
      throw MachineryFailure{
          reader.file().string() + " has outcomes of tasks that the run does not have (at byte " +
          std::to_string(reader.offset()) + "); restore the run directory from a copy, or start a new run"};
    try {
      scheduler.on_replayed(record);
    } catch (const CorruptData& error) {
      throw journal::Damaged{reader.file(), reader.offset(), error.what()};
    }
    if (const auto* items = std::get_if<journal::SourceItems>(&record); items != nullptr && items->end)
      order = order.with_count(items->first.value + items->keys.size());
    if (outcomes != nullptr) replayed.totals.add(*outcomes, order, type);
    if (const auto* so_far = std::get_if<journal::Spent>(&record)) spent = *so_far;
    if (std::holds_alternative<journal::Started>(record)) add(replayed.spent, std::exchange(spent, {}));
  }
  add(replayed.spent, spent);
  return replayed;
}

CheckedSource::CheckedSource(const journal::Survey& survey, std::unique_ptr<TaskSource> source,
                             const JobType& type, std::string advice)
    : source_{std::move(source)},
      type_{type},
      advice_{std::move(advice)},
      reader_{survey, journal::mask_of<journal::SourceItems>()} {}

TaskSource::Pull CheckedSource::pull(Bytes& descriptor) {
  const Pull pulled = source_->pull(descriptor);
  if (pulled == Pull::not_yet) return pulled;
  if (known_follows()) {
    if (pulled == Pull::end) refuse("is no longer there");
    if (hash64(descriptor) != keys_[next_key_++]) refuse("is now ", descriptor);
  } else if (pulled == Pull::item && end_known_) {
    refuse("is new: ", descriptor);
  }
  ++task_;
  return pulled;
}

void CheckedSource::check_all() {
  Bytes descriptor;
  while (known_follows() || end_known_)
    if (pull(descriptor) == Pull::end) return;
}

bool CheckedSource::known_follows() {
  for (journal::Record record; next_key_ == keys_.size() && reader_.next(record);) {
    auto& items = std::get<journal::SourceItems>(record);
    keys_ = std::move(items.keys);
    next_key_ = 0;
    end_known_ = end_known_ || items.end;
  }
  return next_key_ < keys_.size();
}

void CheckedSource::refuse(const std::string& how) const {
  throw BadInput{"the source changed since the run began (task " + std::to_string(task_) + " " + how + "); " +
                 advice_};
}

void CheckedSource::refuse(std::string how, BytesView descriptor) const {
  type_.append_task_json(how, descriptor);
  refuse(how);
}

}  // namespace mpifarm

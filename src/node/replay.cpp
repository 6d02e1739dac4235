#include "node/replay.hpp"

#include <string>

#include "base/error.hpp"
#include "journal/reader.hpp"
#include "node/committer.hpp"

namespace mpifarm {
namespace {

[[noreturn]] void refuse_source(std::uint64_t task, const std::string& how) {
  throw BadInput{"the source changed since the run began (task " + std::to_string(task) + " " + how +
                 "); bring it back as it was, or start a new run"};
}

}  // namespace

Digest replay(const journal::Survey& survey, const JobType& type, const sched::Options& options,
              sched::Scheduler& scheduler) {
  Digest digest;
  Order order = scheduler.order();
  journal::Reader reader{survey};
  for (journal::Record record; reader.next(record);) {
    const auto* outcomes = std::get_if<journal::Outcomes>(&record);
    if (outcomes != nullptr && !options.sequential &&
        outcomes->block.first.value + outcomes->block.count > options.count)
      throw MachineryFailure{
          reader.file().string() + " has outcomes of tasks that the run does not have (at byte " +
          std::to_string(reader.offset()) + "); restore the run directory from a copy, or start a new run"};
    scheduler.on_replayed(record);
    if (const auto* items = std::get_if<journal::SourceItems>(&record); items != nullptr && items->end)
      order = {options.order, items->first.value + items->keys.size(), options.seed, options.window};
    if (outcomes != nullptr) add_to_digest(digest, *outcomes, order, type);
  }
  return digest;
}

void check_sequential_source(const journal::Survey& survey, const AnyJob& job, const JobType& type) {
  const std::unique_ptr<TaskSource> source = job.open_source();
  journal::Reader reader{survey, journal::mask_of<journal::SourceItems>()};
  Bytes descriptor;
  std::uint64_t task = 0;
  for (journal::Record record; reader.next(record);) {
    const auto& items = std::get<journal::SourceItems>(record);
    for (const std::uint64_t key : items.keys) {
      if (source->pull(descriptor) != TaskSource::Pull::item) refuse_source(task, "is no longer there");
      if (hash64(descriptor) != key) {
        std::string now = "is now ";
        type.append_task_json(now, descriptor);
        refuse_source(task, now);
      }
      ++task;
    }
    if (items.end && source->pull(descriptor) != TaskSource::Pull::end) {
      std::string now = "is new: ";
      type.append_task_json(now, descriptor);
      refuse_source(task, now);
    }
  }
}

}  // namespace mpifarm

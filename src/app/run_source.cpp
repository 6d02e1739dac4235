#include "app/run_source.hpp"

#include "app/journal_counts.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "journal/reader.hpp"
#include "node/master.hpp"
#include "node/replay.hpp"
#include "run/shard_source.hpp"
#include "run/task_file.hpp"

namespace mpifarm::app {
namespace {

std::string advice_for_changed_source(const RunPlan& plan) {
  const bool piped = plan.manifest.tasks_from == "-";
  return std::string{piped ? "give the same rows, or write them to a file and start"
                           : "bring it back as it was, or start"} +
         " a new run that takes over what is equal: --run NEW --reuse " + plan.directory.name();
}

// Compares what can be read twice, before anything is computed.
void compare_source(RunPlan& plan) {
  const Manifest before = plan.manifest;
  const std::string advice = advice_for_changed_source(plan);
  if (plan.sequential()) {
    open_source(plan);
    plan.source = std::make_unique<CheckedSource>(*plan.survey, std::move(plan.source), *plan.type, advice);
    if (plan.origin() == TaskOrigin::job) {
      CheckedSource{*plan.survey, of_shard(plan.job->open_source(), shard_of(plan.manifest)), *plan.type,
                    advice}
          .check_all();
      return;
    }
  } else {
    plan.manifest.tasks = shard_of(plan.manifest).share(*plan.job->size());
    plan.manifest.source_digest = source_digest(*plan.job);
  }
  const std::string source = plan.origin() == TaskOrigin::list ? before.tasks_from : "the source";
  if (plan.manifest.tasks != before.tasks)
    throw BadInput{source + " changed since the run began (" + task_count(before.tasks) + " -> " +
                   task_count(plan.manifest.tasks) + "); " + advice};
  if (plan.manifest.source_digest != before.source_digest)
    throw BadInput{source + " changed since the run began (as many tasks, but other ones); " + advice};
}

// A complete run needs its source no more: one that was given again has to be the same; else a change is
// said.
void compare_source_of_complete(RunPlan& plan, bool given_again) {
  const bool piped = plan.origin() == TaskOrigin::list && !plan.manifest.tasks;
  if (piped && !given_again) return;
  const Manifest manifest = plan.manifest;
  try {
    compare_source(plan);
    if (piped)
      CheckedSource{*plan.survey, std::move(plan.source), *plan.type, advice_for_changed_source(plan)}
          .check_all();
  } catch (const std::exception& refusal) {
    if (given_again) throw;
    log::warning("the run is complete, but " + std::string{refusal.what()});
  }
  plan.manifest = manifest;
  plan.source.reset();
}

}  // namespace

std::string task_count(std::optional<std::uint64_t> tasks) {
  return tasks ? std::to_string(*tasks) + (*tasks == 1 ? " task" : " tasks") : "a pipe";
}

std::string source_digest(const AnyJob& job) {
  Digest digest;
  Bytes descriptor;
  const std::uint64_t size = job.size().value_or(0);
  for (const std::uint64_t id : sample_ids(size)) {
    job.make_task({id}, descriptor);
    digest.add_success(id, descriptor);
  }
  return digest.hex();
}

std::unique_ptr<TaskSource> of_shard(std::unique_ptr<TaskSource> source, Shard shard) {
  return !source || shard.is_whole() ? std::move(source)
                                     : std::make_unique<ShardSource>(std::move(source), shard);
}

void open_source(RunPlan& plan) {
  const Shard shard = shard_of(plan.manifest);
  if (plan.origin() == TaskOrigin::job) {
    plan.source = of_shard(plan.job->open_source(), shard);
    return;
  }
  auto list = std::make_unique<TaskFile>(*plan.type, plan.params, plan.manifest.tasks_from);
  if (list->is_file()) {
    const TaskListFacts facts = survey_tasks(*plan.type, plan.params, plan.manifest.tasks_from);
    plan.manifest.tasks = shard.share(facts.tasks);
    plan.manifest.source_digest = facts.digest;
    list->expect(facts.tasks);
  }
  plan.source = of_shard(std::move(list), shard);
}

void check_source(RunPlan& plan, bool given_again) {
  if (plan.sequential() && plan.survey->complete)
    compare_source_of_complete(plan, given_again);
  else
    compare_source(plan);
}

void find_lost_files(RunPlan& plan) {
  const auto files = plan.kept_files();
  if (!files) return;
  const JournalCounts counts = count_journal(plan.directory);
  const Order order = plan.manifest.hand_out_order(
      plan.manifest.tasks.value_or(counts.source_ended ? counts.known : Order::unknown_count));
  std::uint64_t tasks = 0;
  journal::Reader reader{*plan.survey, journal::mask_of<journal::Outcomes>()};
  for (journal::Record record; reader.next(record);) {
    const OutcomeBlock& block = std::get<journal::Outcomes>(record).block;
    BytesView entries = block.entries;
    for (std::uint64_t i = 0; i < block.count; ++i) {
      const OutcomeEntry entry = take_entry(entries);
      const Position position{block.first.value + i};
      const bool succeeded = entry.outcome == Outcome::succeeded;
      const BytesView result = succeeded ? entry.payload : kept_result(entry.payload);
      if (result.empty() || files->holds(order.id(position), result)) continue;
      ++tasks;
      IntervalSet& voided = succeeded ? plan.survey->lost : plan.survey->redo;
      voided.insert({position.value, position.value + 1});
    }
  }
  if (tasks == 0) return;
  if (plan.survey->complete && plan.origin() == TaskOrigin::list && !plan.manifest.tasks) {
    plan.survey->lost = plan.survey->redo = {};
    return log::warning("what " + counted(tasks, "task") + " wrote is not whole any more in " +
                        (plan.directory.path / "output").string() +
                        "; their rows came by a pipe: run them anew to have it again");
  }
  plan.survey->complete = false;
  log::warning("what " + counted(tasks, "task") + " wrote is not whole any more in " +
               (plan.directory.path / "output").string() + ", so it is computed anew");
}

void redo_failed(journal::Survey& survey) {
  journal::Reader reader{survey, journal::mask_of<journal::Outcomes>()};
  for (journal::Record record; reader.next(record);) {
    const OutcomeBlock& block = std::get<journal::Outcomes>(record).block;
    if (block.succeeded == block.count) continue;
    BytesView entries = block.entries;
    for (std::uint64_t i = 0; i < block.count; ++i)
      if (take_entry(entries).outcome != Outcome::succeeded)
        survey.redo.insert({block.first.value + i, block.first.value + i + 1});
  }
  if (survey.redo.empty())
    log::info("no task has failed: there is none to compute anew");
  else
    survey.complete = false;
}

}  // namespace mpifarm::app

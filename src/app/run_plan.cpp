#include "app/run_plan.hpp"

#include <random>

#include "app/journal_counts.hpp"
#include "app/reuse.hpp"
#include "app/run_files.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "journal/reader.hpp"
#include "node/identity.hpp"
#include "node/master.hpp"
#include "node/replay.hpp"
#include "run/shard_source.hpp"
#include "run/task_file.hpp"

namespace mpifarm::app {
namespace {

constexpr std::uint64_t stream_window = 4096;  // tasks of a stream that lifo and shuffle permute

std::uint64_t random_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

// Of an indexed source: its size and the descriptors that the hello compares too.
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

ResultsFormat results_format(const RunCommand& command) {
  const ResultsFormat fitting = command.type->flat_result() ? ResultsFormat::csv : ResultsFormat::jsonl;
  const ResultsFormat format = command.run.results.value_or(fitting);
  if (format == ResultsFormat::csv) ResultsText{*command.type, format};  // refuses a nested Result
  return format;
}

// Some jobs are computed in processes alone.
void require_isolation(const JobType& type, Manifest& manifest) {
  if (!type.isolated()) return;
  if (manifest.isolate == "thread")
    throw BadInput{std::string{type.name()} +
                   " is computed in processes alone (--isolate thread); leave --isolate out"};
  manifest.isolate = "process";
}

Manifest make_manifest(const RunCommand& command, const AnyJob& job, BytesView params, std::uint32_t ranks) {
  Manifest m;
  m.job = command.type->name();
  m.params = command.type->params_to_value(params);
  if (command.type->params_from_value(m.params) != params)
    throw BadInput{
        "a param cannot be kept in run.json (" + describe::to_json(m.params) +
        " is not what was given: is it UTF-8?), so the run could not be resumed; give it another way"};
  m.run_id = random_id();
  m.tasks_from = command.tasks_from;
  const Shard shard = command.run.shard.value_or(Shard{});
  if (!shard.is_whole()) m.shard = shard.text();
  if (job.size()) m.tasks = shard.share(*job.size());
  if (job.size()) m.source_digest = source_digest(job);
  std::error_code removed;
  m.working_directory = std::filesystem::current_path(removed).string();
  m.order = to_string(command.run.order.value_or(OrderKind::fifo));
  m.window = job.size() ? 0 : stream_window;
  m.seed = command.run.seed.value_or(0);
  m.retries = command.run.retries.value_or(0);
  m.retry_delay_seconds = command.run.retry_delay_seconds.value_or(0);
  take_limits(command.start.limits, m);
  require_isolation(*command.type, m);
  m.results = to_string(results_format(command));
  m.durability = to_string(command.run.durability.value_or(Durability::batch));
  m.version = version();
  m.build = build_id();
  m.created = utc_timestamp();
  m.command = command.command;
  m.reuse = command.reuse;
  m.ranks = ranks;
  return m;
}

// Without a journal the outcomes can only be folded as they come.
void check_order_needs_journal(const RunPlan& plan) {
  if (!plan.journaled() && plan.manifest.order != "fifo" && plan.has_sinks())
    throw BadInput{"--order " + plan.manifest.order +
                   " needs a journal to bring the results into task order (--durability none keeps none); "
                   "leave one of the two out"};
}

std::string number_text(double number) {
  std::string text;
  append_number(text, number);
  return text;
}

// `--seed` and the like, given again for a run that has them already.
void check_same(const std::string& flag, const std::string& before, const std::optional<std::string>& now) {
  if (now && *now != before)
    throw BadInput{flag + " changed since the run began (" + before + " -> " + *now +
                   "); leave it as it was, or start a new run with another --run"};
}

void check_unchanged(const RunCommand& command, const Manifest& manifest) {
  if (command.type->name() != manifest.job)
    throw BadInput{"the job changed since the run began (" + manifest.job + " -> " +
                   std::string{command.type->name()} + "); start a new run with another --run"};
  const JobType& type = *command.type;
  const describe::Value before =
      type.params_to_value(type.params_from_value(manifest.params));  // with new ones
  const std::string changes =
      changed_params(before, type.params_to_value(type.params_from_flags(command.job_flags)));
  if (!changes.empty())
    throw BadInput{"the params changed since the run began (" + changes +
                   "); leave them as they were, or start a new run with another --run"};
  if (!command.reuse.empty() && command.reuse != manifest.reuse)
    throw BadInput{
        "--reuse is for a new run (" + command.reuse +
        ", and --continue finds one that has begun); leave it out, or start a new run with another "
        "--run"};
  const RunOptions& run = command.run;
  if (!command.tasks_from.empty())
    check_same("--tasks", manifest.tasks_from.empty() ? "the job's own" : manifest.tasks_from,
               command.tasks_from);
  if (run.order) check_same("--order", manifest.order, std::string{to_string(*run.order)});
  if (run.shard) check_same("--shard", shard_of(manifest).text(), run.shard->text());
  if (run.seed) check_same("--seed", std::to_string(manifest.seed), std::to_string(*run.seed));
  if (run.retries) check_same("--retries", std::to_string(manifest.retries), std::to_string(*run.retries));
  if (run.retry_delay_seconds)
    check_same("--retry-delay", number_text(manifest.retry_delay_seconds),
               number_text(*run.retry_delay_seconds));
  if (run.results) check_same("--results", manifest.results, std::string{to_string(*run.results)});
  if (run.durability)
    check_same("--durability", manifest.durability, std::string{to_string(*run.durability)});
}

std::unique_ptr<TaskSource> of_shard(std::unique_ptr<TaskSource> source, Shard shard) {
  return !source || shard.is_whole() ? std::move(source)
                                     : std::make_unique<ShardSource>(std::move(source), shard);
}

// A list that is a file is read to its end before anything runs.
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

RunPlan plan_new(const RunCommand& command, std::uint32_t ranks) {
  RunPlan plan;
  plan.type = command.type;
  plan.params = command.type->params_from_flags(command.job_flags);
  plan.job = command.type->make(plan.params, command.origin());
  plan.manifest = make_manifest(command, *plan.job, plan.params, ranks);
  open_source(plan);
  check_order_needs_journal(plan);
  plan.takes_over = !command.reuse.empty();
  if (plan.takes_over) check_reuse(plan, {command.reuse});
  plan.has_default_name = command.directory.empty();
  plan.directory.path = plan.has_default_name ? default_run_path(command.type->name())
                                              : std::filesystem::path{command.directory};
  refuse_existing(plan.directory);
  plan.directory = plan.directory.absolute();
  return plan;
}

std::string counted(std::optional<std::uint64_t> tasks) {
  return tasks ? std::to_string(*tasks) + " tasks" : "a pipe";
}

std::string advice_for_changed_source(const RunPlan& plan) {
  const bool piped = plan.manifest.tasks_from == "-";
  return std::string{piped ? "give the same rows, or write them to a file and start"
                           : "bring it back as it was, or start"} +
         " a new run that takes over what is equal: --run NEW --reuse " + plan.directory.name();
}

// Of what can be read twice, before anything is computed.
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
    throw BadInput{source + " changed since the run began (" + counted(before.tasks) + " -> " +
                   counted(plan.manifest.tasks) + "); " + advice};
  if (plan.manifest.source_digest != before.source_digest)
    throw BadInput{source + " changed since the run began (as many tasks, but other ones); " + advice};
}

// A complete run needs its source no more: one that was given again has to be the same; else a change is
// said.
void compare_source_of_complete(RunPlan& plan, bool given_again) {
  if (!given_again && plan.manifest.tasks_from == "-") return;
  const Manifest manifest = plan.manifest;
  try {
    compare_source(plan);
    if (given_again && plan.origin() == TaskOrigin::list && !plan.manifest.tasks)
      CheckedSource{*plan.survey, std::move(plan.source), *plan.type, advice_for_changed_source(plan)}
          .check_all();
  } catch (const std::exception& refusal) {
    if (given_again) throw;
    log::warning("the run is complete, but " + std::string{refusal.what()});
  }
  plan.manifest = manifest;
  plan.source.reset();
}

void check_source(RunPlan& plan, bool given_again) {
  if (plan.sequential() && plan.survey->complete)
    compare_source_of_complete(plan, given_again);
  else
    compare_source(plan);
}

// Outcomes whose files in the run directory are not whole, as a crash of a host or a full disk may leave
// them, are void: their tasks are computed anew.
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
  plan.survey->complete = false;
  log::warning("what " + mpifarm::counted(tasks, "task") + " wrote is not whole any more in " +
               (plan.directory.path / "output").string() + ", so it is computed anew");
}

// What failed is void from now on, so a run that was complete is not.
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

// An earlier start was interrupted while it took over: then nothing has been computed. False when the other
// run can no longer be taken over.
bool take_over_again(RunPlan& plan) {
  try {
    check_reuse(plan, {plan.manifest.reuse});
  } catch (const BadInput& refusal) {
    log::warning("nothing more is taken over: " + std::string{refusal.what()});
    return false;
  }
  for (const journal::Segment& segment : plan.survey->segments) std::filesystem::remove(segment.path);
  if (plan.survey->torn_segment) std::filesystem::remove(*plan.survey->torn_segment);
  plan.survey.reset();
  const Manifest before = plan.manifest;
  open_source(plan);
  if (plan.manifest.tasks != before.tasks || plan.manifest.source_digest != before.source_digest)
    throw BadInput{"the source changed since the run began (" + counted(before.tasks) + " -> " +
                   counted(plan.manifest.tasks) + "); bring it back as it was, or start a new run"};
  plan.takes_over = true;
  return true;
}

// Relative paths of a run mean the directory that it began in.
void enter_working_directory(RunPlan& plan) {
  const std::filesystem::path& directory = plan.manifest.working_directory;
  std::error_code error;
  if (directory.empty() || std::filesystem::equivalent(directory, ".", error)) return;
  plan.directory.shown.clear();  // what the user named means another place from there
  std::filesystem::current_path(directory, error);
  if (error)
    log::warning("the run began in " + directory.string() + ", which cannot be entered (" + error.message() +
                 "): relative paths mean another directory now");
}

}  // namespace

sched::Options RunPlan::scheduler_options(const sched::BatchingOptions& batching) const {
  sched::Options options;
  options.sequential = sequential();
  options.shard = shard_of(manifest);
  if (job->size()) options.count = options.shard.share(*job->size());
  options.order = parse_order(manifest.order);
  options.seed = manifest.seed;
  options.batching = batching;
  // A process that has a batch behind it waits for the next one, beside programs as urgent as this rank: 10,000
  // `true` take 1.02 times what they took at nice 10, with batches of 2 ms 1.04 times.
  if (type->isolated()) options.batching.batch_lasts = std::chrono::milliseconds{10};
  options.retries = manifest.retries;
  options.retry_delay =
      std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{manifest.retry_delay_seconds});
  options.crash_limit = crash_limit_of(manifest, type->repeatable());
  options.copies = type->repeatable();
  options.isolates_suspects = isolation_of(manifest) == wire::Isolation::suspects;
  if (options.sequential) options.window = manifest.window;
  if (!journaled() && has_sinks()) options.most_ahead = 1 << 20;  // what waits for its turn is in memory only
  return options;
}

void RunPlan::create() {
  while (true) try {
      create_run(directory, to_json(manifest));
      break;
    } catch (const RunExists&) {
      if (!has_default_name) throw;
      directory = RunDirectory{default_run_path(type->name())}.absolute();
    }
  lock = std::make_unique<RunLock>(directory);
}

RunPlan plan_run(const RunCommand& command, std::uint32_t ranks) {
  const RunDirectory directory{command.directory};
  if (!command.continues || !std::filesystem::exists(directory.path)) return plan_new(command, ranks);
  check_unchanged(command, read_manifest(directory));
  return plan_resume(
      directory.path,
      {.limits = command.start.limits, .redo_failed = false, .force = command.force, .given_again = true},
      {command.type});
}

RunPlan plan_resume(const std::filesystem::path& run, const ResumeOptions& options, const Jobs& jobs) {
  RunPlan plan;
  plan.directory = RunDirectory{run}.absolute();
  plan.manifest = read_manifest(plan.directory);
  take_limits(options.limits, plan.manifest);
  plan.type = find_job(jobs, plan.manifest.job);
  if (plan.type == nullptr)
    throw BadInput{"this program has no job \"" + plan.manifest.job + "\" (of the run " + run.string() +
                   "); resume with the program that started it"};
  require_isolation(*plan.type, plan.manifest);
  if (!plan.journaled())
    throw BadInput{"the run kept no journal (" + run.string() +
                   " ran with --durability none), so it cannot be resumed; start a new run"};
  plan.lock = std::make_unique<RunLock>(plan.directory, options.force);
  for (const auto& of_earlier_start : {plan.directory.stop_request(), plan.directory.relaunching()})
    std::filesystem::remove(of_earlier_start);
  if (!plan.lock->taken_over().empty())
    log::info("took over the run from " + plan.lock->taken_over() + ", which is dead");
  enter_working_directory(plan);
  plan.params = plan.type->params_from_value(plan.manifest.params);
  plan.job = plan.type->make(plan.params, plan.origin());
  plan.survey = inspect_journal(plan.directory);
  if (!plan.survey->segments.empty() && plan.survey->run_id() != plan.manifest.run_id)
    throw BadInput{"the journal is of another run (" + plan.survey->segments.front().path.string() +
                   " is not of the run.json beside it); restore the run directory from a copy"};
  if (!plan.manifest.reuse.empty() && !is_taken_over(*plan.survey) && take_over_again(plan)) return plan;
  if (options.redo_failed) redo_failed(*plan.survey);
  find_lost_files(plan);
  check_source(plan, options.given_again);
  return plan;
}

std::unique_ptr<TaskSource> RunPlan::reopened_source() const {
  auto again = origin() == TaskOrigin::job ? job->open_source()
                                           : std::make_unique<TaskFile>(*type, params, manifest.tasks_from);
  return of_shard(std::move(again), shard_of(manifest));
}

bool pull_item(TaskSource& source, Bytes& descriptor) {
  TaskSource::Pull pulled = source.pull(descriptor);
  while (pulled == TaskSource::Pull::not_yet) pulled = source.pull(descriptor);
  return pulled == TaskSource::Pull::item;
}

std::string describe_plan(const RunCommand& command, int ranks) {
  const Bytes params = command.type->params_from_flags(command.job_flags);
  const std::unique_ptr<AnyJob> job = command.type->make(params, command.origin());
  std::string text = "would run " + std::string{command.type->name()} + " on " + std::to_string(ranks) +
                     (ranks == 1 ? " rank" : " ranks") + "\n  params  " +
                     describe::to_json(command.type->params_to_value(params)) + "\n";
  const std::string order{to_string(command.run.order.value_or(OrderKind::fifo))};
  std::optional<std::uint64_t> tasks = job->size();
  if (!command.tasks_from.empty() && TaskFile{*command.type, params, command.tasks_from}.is_file())
    tasks = survey_tasks(*command.type, params, command.tasks_from).tasks;
  const Shard shard = command.run.shard.value_or(Shard{});
  if (!shard.is_whole()) text += "  shard   " + shard.text() + "\n";
  text += "  order   " + order + "\n  tasks   " +
          (tasks ? std::to_string(shard.share(*tasks)) : "as the source brings them") + "\n";
  constexpr std::uint64_t shown = 3;
  Bytes descriptor;
  const auto source = of_shard(command.tasks_from.empty()
                                   ? job->open_source()
                                   : std::make_unique<TaskFile>(*command.type, params, command.tasks_from),
                               shard);
  for (std::uint64_t i = 0; i < shown; ++i) {
    const std::uint64_t id = i * shard.of + shard.number - 1;
    if (job->size() && id >= *job->size()) break;
    if (source && !pull_item(*source, descriptor)) break;
    if (!source) job->make_task({id}, descriptor);
    text += "  task " + std::to_string(id) + "  ";
    command.type->append_task_json(text, descriptor);
    text += '\n';
  }
  return text;
}

}  // namespace mpifarm::app

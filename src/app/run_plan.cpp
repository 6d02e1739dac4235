#include "app/run_plan.hpp"

#include <random>

#include "app/reuse.hpp"
#include "app/run_files.hpp"
#include "app/run_source.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "node/identity.hpp"
#include "node/master.hpp"
#include "run/task_file.hpp"

namespace mpifarm::app {
namespace {

constexpr std::uint64_t stream_window = 4096;  // tasks of a stream that lifo and shuffle permute

std::uint64_t random_id() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
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
    throw BadInput{"the source changed since the run began (" + task_count(before.tasks) + " -> " +
                   task_count(plan.manifest.tasks) + "); bring it back as it was, or start a new run"};
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
  // A process that has a batch behind it waits for the next one, beside programs as urgent as this rank:
  // 10,000 `true` take 1.02 times what they took at nice 10, with batches of 2 ms 1.04 times.
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

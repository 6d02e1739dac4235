#include "app/merge_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "app/exit_guard.hpp"
#include "app/journal_counts.hpp"
#include "app/merged_outcomes.hpp"
#include "app/run_files.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "describe/json.hpp"
#include "journal/reader.hpp"
#include "run/failures.hpp"
#include "run/results.hpp"
#include "run/summary.hpp"

namespace mpifarm::app {
namespace {

struct ShardRun {
  RunDirectory run;
  Manifest manifest;
  Shard shard;
  Summary summary;  // empty when its file cannot be read: it is needed for times alone
  std::optional<journal::WholeSource> whole;
};

Summary summary_of(const RunDirectory& run) try {
  return describe::from_json<Summary>(read_file(run.summary()), "summary");
} catch (const std::exception& failure) {
  log::warning("times of a shard are missing in the sum (" + std::string{failure.what()} + ")");
  return {};
}

// Reads what the shard's last start that read its source to the end saw of it.
std::optional<journal::WholeSource> whole_source(const RunDirectory& run) {
  std::optional<journal::WholeSource> last;
  journal::Reader reader{inspect_journal(run), journal::mask_of<journal::WholeSource>()};
  for (journal::Record record; reader.next(record);) last = std::get<journal::WholeSource>(record);
  return last;
}

ShardRun read_shard(const std::string& directory) {
  const RunDirectory run = RunDirectory{directory}.absolute();
  ShardRun shard{run, read_manifest(run), {}, {}, {}};
  shard.shard = shard_of(shard.manifest);
  if (shard.manifest.shard.empty())
    throw BadInput{"the run is no shard (" + directory + "); name runs that were started with --shard K/N"};
  if (shard.manifest.durability == "none")
    throw BadInput{"the shard kept no journal (" + directory +
                   " ran with --durability none), so it cannot be merged; run it again"};
  if (!count_journal(run).complete)
    throw BadInput{"the shard is unfinished (" + directory + "); `mpifarm resume " + directory +
                   "` carries it on"};
  shard.summary = summary_of(run);
  shard.whole = whole_source(run);
  return shard;
}

// What is not the same in both, for people; empty when they are of one whole.
std::string difference(const Manifest& one, const Manifest& other) {
  if (one.job != other.job) return "jobs " + one.job + ", " + other.job;
  if (shard_of(one).of != shard_of(other).of) return "shards " + one.shard + ", " + other.shard;
  std::string params = changed_params(one.params, other.params);
  if (!params.empty()) return params;
  if (one.seed != other.seed) return "--seed " + std::to_string(one.seed) + ", " + std::to_string(other.seed);
  if (one.tasks_from != other.tasks_from || one.source_digest != other.source_digest)
    return "sources that differ";
  return {};
}

std::string difference(const ShardRun& one, const ShardRun& other) {
  std::string what = difference(one.manifest, other.manifest);
  if (!what.empty() || !one.whole || !other.whole || *one.whole == *other.whole) return what;
  return fmt::format("sources that differ, of {} and {} tasks in all", one.whole->tasks, other.whole->tasks);
}

// Shards of programs before 0.1.0 did not say what they had seen of a source that is no list's file.
void warn_of_unknown_sources(const std::vector<ShardRun>& shards) {
  const auto is_known = [](const ShardRun& shard) {
    return shard.whole || !shard.manifest.source_digest.empty();
  };
  if (!std::ranges::all_of(shards, is_known))
    log::warning(
        "whether the shards saw the same source cannot be told: one of them was run by an older mpifarm");
}

// In their order, each once.
std::vector<ShardRun> read_shards(const std::vector<std::string>& directories) {
  std::map<std::uint64_t, ShardRun> shards;
  for (const std::string& directory : directories) {
    ShardRun shard = read_shard(directory);
    const ShardRun& first = shards.empty() ? shard : shards.begin()->second;
    if (const std::string what = difference(first, shard); !what.empty())
      throw BadInput{
          fmt::format("the shards are not of one run ({} and {}: {}); name those of one run, or run "
                      "those anew whose source has changed",
                      first.run.name(), directory, what)};
    const auto [there, is_new] = shards.try_emplace(shard.shard.number, shard);
    if (!is_new)
      throw BadInput{fmt::format("a shard is there twice ({} in {} and {}); name each once",
                                 shard.manifest.shard, there->second.run.name(), directory)};
  }
  const std::uint64_t of = shards.begin()->second.shard.of;
  for (std::uint64_t number = 1; number <= of; ++number)
    if (!shards.contains(number))
      throw BadInput{"a shard is missing (" + Shard{number, of}.text() + " of " +
                     std::to_string(shards.size()) + " named); name all of them"};
  std::vector<ShardRun> in_order;
  in_order.reserve(shards.size());
  for (auto& [number, shard] : shards) in_order.push_back(std::move(shard));
  return in_order;
}

void add_hosts(const std::vector<std::string>& more, std::vector<std::string>& hosts) {
  for (const std::string& host : more)
    if (std::ranges::count(hosts, host) == 0) hosts.push_back(host);
}

// As one run: times are of the longest shard, all else sums.
Summary sum_of(const std::vector<ShardRun>& shards) {
  Summary sum;
  double slot_seconds = 0;
  for (const ShardRun& one : shards) {
    const Summary& s = one.summary;
    sum.attempts += s.attempts;
    sum.resumed += s.resumed;
    sum.lost_ranks += s.lost_ranks;
    sum.ranks += s.ranks;
    sum.threads += s.threads;
    sum.wall_seconds = std::max(sum.wall_seconds, s.wall_seconds);
    sum.busy_seconds += s.busy_seconds;
    sum.cpu_seconds += s.cpu_seconds;
    sum.wasted_seconds += s.wasted_seconds;
    sum.tail_idle_seconds += s.tail_idle_seconds;
    add_hosts(s.lost_hosts, sum.lost_hosts);
    add_hosts(s.fenced_hosts, sum.fenced_hosts);
    slot_seconds += s.wall_seconds * s.threads;
    sum.total_attempts += s.total_attempts;
    sum.total_wall_seconds = std::max(sum.total_wall_seconds, s.total_wall_seconds);
    sum.total_busy_seconds += s.total_busy_seconds;
    sum.total_cpu_seconds += s.total_cpu_seconds;
    sum.starts += s.starts;
    if (sum.started.empty() || s.started < sum.started) sum.started = s.started;
    sum.ended = std::max(sum.ended, s.ended);
  }
  const Manifest& first = shards.front().manifest;
  sum.status = "complete";
  sum.job = first.job;
  sum.order = first.order;
  sum.slots_per_task = first.slots_per_task;
  sum.seed = first.seed;
  if (slot_seconds > 0) sum.utilisation = sum.busy_seconds / slot_seconds;
  if (sum.wall_seconds > 0) sum.tasks_per_second = static_cast<double>(sum.attempts) / sum.wall_seconds;
  return sum;
}

// A run without a journal: its shards have it.
Manifest whole_of(const std::vector<ShardRun>& shards, const std::vector<std::string>& command) {
  Manifest whole = shards.front().manifest;
  whole.shard.clear();
  whole.durability = "none";
  whole.created = utc_timestamp();
  whole.command = command;
  return whole;
}

// Digest and failures of what passes, which must be every task once.
class Totals final : public OutcomeSink {
 public:
  explicit Totals(const JobType& type) : type_{type} {}

  void take(const journal::TaskOutcome& outcome) override {
    if (outcome.id.value != next_++)
      throw MachineryFailure{"the shards have task " + std::to_string(outcome.id.value) + " where task " +
                             std::to_string(next_ - 1) + " should be; restore them from copies"};
    const bool succeeded = outcome.outcome == Outcome::succeeded;
    if (type_.has_notes())
      left_running_ +=
          type_.notes(succeeded ? outcome.payload : kept_result(outcome.payload)).left_running ? 1 : 0;
    if (succeeded) {
      digest_.add_success(outcome.id.value, type_.digest_view(outcome.payload, scratch_));
    } else {
      ++failed_;
      digest_.add_failure(outcome.id.value);
      failures_.add(outcome.id, outcome.outcome, failure_message(outcome.payload),
                    type_.failure_facts(kept_result(outcome.payload)));
    }
  }
  std::uint64_t tasks() const { return next_; }
  void fill(Summary& summary) const {
    summary.tasks = next_;
    summary.failed = failed_;
    summary.succeeded = next_ - failed_;
    summary.left_running = left_running_;
    summary.digest = digest_.hex();
    summary.failures = failures_.groups();
  }

 private:
  const JobType& type_;
  std::uint64_t next_ = 0, failed_ = 0, left_running_ = 0;
  Bytes scratch_;
  Digest digest_;
  Failures failures_;
};

// The directory of a merged run in the making. It is a run's only when finish() has written run.json; one
// that a killed merge left is taken over, one that fails is removed.
class MergedRun {
 public:
  // Throws BadInput when something else is there, or another merge is at work.
  explicit MergedRun(std::filesystem::path directory) {
    if (!directory.has_filename()) directory = directory.parent_path();  // "merged/"
    run_ = RunDirectory{directory}.absolute();
    std::error_code unseen;
    if (names_process(mark(run_.path)) && !run_.is_run()) {
      if (process_may_live(mark(run_.path)))
        throw BadInput{"another merge is at work there (" + run_.name() +
                       "); wait for it, or name another directory"};
      std::filesystem::remove_all(run_.path);
    }
    refuse_existing(run_);
    const std::filesystem::path parent = run_.path.parent_path();
    std::filesystem::create_directories(parent);
    std::string building = (parent / ".new-XXXXXX").string();
    if (mkdtemp(building.data()) == nullptr) throw_errno(run_.path, "made");
    try {
      replace_file(mark(building), this_process());
      std::filesystem::rename(building, run_.path);
    } catch (...) {
      std::filesystem::remove_all(building, unseen);
      refuse_existing(run_);
      throw;
    }
  }
  MergedRun(const MergedRun&) = delete;
  MergedRun& operator=(const MergedRun&) = delete;
  ~MergedRun() {
    std::error_code ignored;
    if (!finished_) std::filesystem::remove_all(run_.path, ignored);
  }

  const RunDirectory& run() const { return run_; }
  void finish(const Manifest& manifest) {
    replace_file(run_.manifest(), to_json(manifest));
    finished_ = true;
    std::filesystem::remove(mark(run_.path));
    sync_file(run_.manifest());
    sync_directory(run_.path);
  }

 private:
  static std::filesystem::path mark(const std::filesystem::path& run) { return run / ".mpifarm-merging"; }

  RunDirectory run_;
  bool finished_ = false;
};

}  // namespace

int merge(const MergeCommand& command, const Jobs& jobs) {
  MergedRun merged{command.run};
  const ExitGuard guard{0};
  const std::vector<ShardRun> shards = read_shards(command.directories);
  warn_of_unknown_sources(shards);
  Manifest whole = whole_of(shards, command.command);
  const JobType* type = find_job(jobs, whole.job);
  if (type == nullptr)
    throw BadInput{"this program has no job \"" + whole.job + "\" (of " + shards.front().run.path.string() +
                   "); use the program that ran the shards"};
  const auto job = type->make(type->params_from_value(whole.params),
                              whole.tasks_from.empty() ? TaskOrigin::job : TaskOrigin::list);
  const RunDirectory& run = merged.run();
  Totals totals{*type};
  std::vector<OutcomeSink*> sinks{&totals};
  std::unique_ptr<ResultsFile> results;
  std::string results_name;
  if (whole.results != "none") {
    results_name = run.results(whole.results).filename().string();
    results =
        create_results(run.results(whole.results), *type, parse_results_format("results", whole.results));
    sinks.push_back(results.get());
  }
  Reduction reduction{*job};
  if (type->has_reduce()) sinks.push_back(&reduction);
  MergedOutcomes outcomes;
  for (const ShardRun& shard : shards) outcomes.add(shard.run, shard.manifest);
  for (journal::TaskOutcome outcome; outcomes.next(outcome);)
    for (OutcomeSink* sink : sinks) sink->take(outcome);
  if (results) results->finish();
  const std::string conclusion = job->conclude(run.for_people_and_jobs());
  Summary summary = sum_of(shards);
  totals.fill(summary);
  replace_file(run.summary(), to_json(summary));
  replace_file(run.status(), to_json(summary));
  whole.tasks = totals.tasks();
  merged.finish(whole);
  if (!conclusion.empty()) std::puts(conclusion.c_str());
  log::info(for_people(summary, run.name(), results_name));
  return static_cast<int>(summary.failed > 0 ? ExitStatus::tasks_failed : ExitStatus::success);
}

}  // namespace mpifarm::app

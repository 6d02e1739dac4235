// `mpifarm status`: the state of a run from its files alone.

#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "app/journal_counts.hpp"
#include "app/progress.hpp"
#include "app/query_commands.hpp"
#include "app/run_files.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "describe/json.hpp"
#include "describe/value.hpp"
#include "run/summary.hpp"

namespace mpifarm::app {
namespace {

constexpr auto watch_interval = std::chrono::milliseconds{200};

// A run that is neither live nor ended in order: what its journal says.
describe::Value journal_status(const RunDirectory& run, const Manifest& manifest, const Jobs& jobs) {
  // Of a stream the first windows are permuted as they would be were it to go on.
  const Order order = manifest.hand_out_order(manifest.tasks.value_or(Order::unknown_count));
  const JournalCounts counts = manifest.durability == "none"
                                   ? JournalCounts{}
                                   : count_journal(run, find_job(jobs, manifest.job), order);
  using Object = describe::Value::Object;
  return Object{{"status", counts.complete ? "complete" : "unfinished"},
                {"job", manifest.job},
                {"tasks", manifest.tasks.value_or(counts.known)},
                {"committed", counts.succeeded + counts.failed},
                {"succeeded", counts.succeeded},
                {"failed", counts.failed},
                {"starts", counts.starts},
                {"failures", describe::to_value(counts.failures.groups())}};
}

std::string status_for_people(const describe::Value& status, const RunDirectory& run,
                              const std::string& state) {
  const auto field = [&](std::string_view name) {
    const describe::Value* value = status.find(name);
    if (value == nullptr) return std::string{"?"};
    const auto* text = value->as<std::string>();
    return text == nullptr ? describe::to_json(*value) : *text;
  };
  const char* so_far = field("source_open") == "true" ? " so far" : "";
  std::vector<FailureGroup> failures;
  if (const describe::Value* groups = status.find("failures"))
    describe::from_value(*groups, failures, "failures");
  return fmt::format("{} {}: {} of {} tasks{} have their outcome, {} failed\n{}  {}\n  run     {}\n",
                     field("job"), field("status"), field("committed"), field("tasks"), so_far,
                     field("failed"), failure_lines(failures), state, run.name());
}

// A small JSON file of the run; `read` takes its text apart.
template <class Read>
auto read_json_file(const std::filesystem::path& file, Read read) {
  const Bytes text = read_file(file);
  try {
    return read(text);
  } catch (const BadInput& error) {
    throw MachineryFailure{file.string() + " is damaged (" + error.what() +
                           "); remove it and resume the run, which writes it anew"};
  }
}

Summary read_summary(const RunDirectory& run) {
  return read_json_file(run.summary(),
                        [](BytesView text) { return describe::from_json<Summary>(text, "summary"); });
}

std::string last_words(const RunDirectory& run, const Manifest& manifest, const Summary& summary) {
  const bool complete = summary.status == "complete";
  std::string text =
      for_people(summary, run.path,
                 complete && manifest.results != "none" ? "results." + manifest.results : std::string{});
  return complete ? text : text + "\n  " + how_to_carry_on(run, manifest);
}

// What a live master wrote last.
ProgressView view_of(const describe::Value& status) {
  const auto number = [&](std::string_view name) {
    double value = 0;
    if (const describe::Value* field = status.find(name)) describe::from_value(*field, value, name);
    return value;
  };
  const auto count = [&](std::string_view name) { return static_cast<std::uint64_t>(number(name)); };
  const describe::Value* open = status.find("source_open");
  const bool* is_open = open == nullptr ? nullptr : open->as<bool>();
  ProgressView view{.job = {},
                    .done = count("committed"),
                    .failed = count("failed"),
                    .running = count("leased"),
                    .total = {},
                    .wall_seconds = number("wall_seconds"),
                    .per_second = number("tasks_per_second"),
                    .ranks = {}};
  if (is_open == nullptr || !*is_open) view.total = count("tasks");
  return view;
}

bool is_live(const RunDirectory& run) {
  std::error_code ignored;
  return lock_holder(run) && std::filesystem::exists(run.status(), ignored);
}

void watch(const RunDirectory& run, const Manifest& manifest) {
  log::configure(false, false);
  ProgressDisplay display{ProgressMode::automatic};
  std::error_code ignored;
  for (; lock_holder(run); std::this_thread::sleep_for(watch_interval)) {
    const TimePoint now = Clock::now();
    if (!display.due(now) || !std::filesystem::exists(run.status(), ignored)) continue;
    ProgressView view = view_of(
        read_json_file(run.status(), [](std::string_view text) { return describe::parse_json(text); }));
    view.job = manifest.job;
    display.show(now, view);
  }
}

}  // namespace

void status(const StatusCommand& command, const Jobs& jobs) {
  const RunDirectory run{command.directory};
  const Manifest manifest = read_manifest(run);
  if (command.watch) watch(run, manifest);
  const auto holder = lock_holder(run);
  std::error_code ignored;
  std::string text;
  if (!holder && std::filesystem::exists(run.summary(), ignored)) {
    const Summary summary = read_summary(run);
    text = command.json ? to_json(summary) : last_words(run, manifest, summary) + "\n";
  } else {
    const describe::Value status =
        is_live(run)
            ? read_json_file(run.status(), [](std::string_view text) { return describe::parse_json(text); })
            : journal_status(run, manifest, jobs);
    text = command.json ? describe::to_json(status, 2) + "\n"
                        : status_for_people(status, run,
                                            holder ? "held by " + *holder : how_to_carry_on(run, manifest));
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace mpifarm::app

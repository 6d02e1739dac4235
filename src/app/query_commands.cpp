#include "app/query_commands.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "base/error.hpp"
#include "base/file.hpp"
#include "describe/json.hpp"
#include "describe/value.hpp"
#include "journal/ordered.hpp"
#include "journal/reader.hpp"
#include "run/manifest.hpp"
#include "run/run_directory.hpp"
#include "run/summary.hpp"

namespace mpifarm::app {
namespace {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

Manifest read_manifest(const RunDirectory& run) {
  require_run(run);
  return parse_manifest(read_file(run.manifest()), run.manifest().string());
}

// What the journal says, of a live run or a dead one.
struct JournalCounts {
  std::uint64_t succeeded = 0, failed = 0, known = 0;
  bool source_ended = false, complete = false;
  unsigned starts = 0;
};

JournalCounts count_journal(const RunDirectory& run) {
  using namespace journal;
  JournalCounts counts;
  Follower follower{run.path, mask_of<Outcomes, SourceItems, Started, Sealed>()};
  for (Record record; follower.next(record);) {
    if (const auto* outcomes = std::get_if<Outcomes>(&record)) {
      counts.succeeded += outcomes->block.succeeded;
      counts.failed += outcomes->block.count - outcomes->block.succeeded;
    } else if (const auto* items = std::get_if<SourceItems>(&record)) {
      counts.known = items->first.value + items->keys.size();
      counts.source_ended = counts.source_ended || items->end;
    } else if (const auto* sealed = std::get_if<Sealed>(&record)) {
      counts.complete = sealed->complete;
    } else {
      ++counts.starts;
      counts.complete = false;
    }
  }
  return counts;
}

// Where results are sorted: beside the run, or in the system's place when that cannot be written.
std::filesystem::path scratch_directory(const RunDirectory& run) {
  return access(run.path.c_str(), W_OK) == 0 ? run.path : std::filesystem::temp_directory_path();
}

// The outcomes of several runs, merged by id.
class MergedOutcomes {
 public:
  void add(const RunDirectory& run, const Manifest& manifest) {
    const journal::Survey survey = journal::inspect(run.path);
    const JournalCounts counts = count_journal(run);
    const Order order{parse_order(manifest.order),
                      manifest.tasks.value_or(counts.source_ended ? counts.known : Order::unknown_count),
                      manifest.seed, manifest.window};
    Source source;
    source.outcomes = std::make_unique<journal::OrderedOutcomes>(survey, order, scratch_directory(run));
    if (source.outcomes->next(source.head)) sources_.push_back(std::move(source));
  }

  // The views are valid until the next call.
  bool next(journal::TaskOutcome& outcome) {
    if (taken_ < sources_.size() && !sources_[taken_].outcomes->next(sources_[taken_].head))
      sources_.erase(sources_.begin() + static_cast<std::ptrdiff_t>(taken_));
    if (sources_.empty()) return false;
    const auto least =
        std::ranges::min_element(sources_, {}, [](const Source& source) { return source.head.id; });
    taken_ = static_cast<std::size_t>(least - sources_.begin());
    outcome = least->head;
    return true;
  }

 private:
  struct Source {
    std::unique_ptr<journal::OrderedOutcomes> outcomes;
    journal::TaskOutcome head;
  };
  std::vector<Source> sources_;
  std::size_t taken_ = ~std::size_t{0};  // whose head the caller has
};

}  // namespace

void list(const Jobs& jobs) {
  std::size_t width = 0;
  for (const JobType* job : jobs) width = std::max(width, job->name().size());
  for (const JobType* job : jobs) print(fmt::format("{:<{}}  {}\n", job->name(), width, job->summary()));
}

void describe_job(const DescribeCommand& command) {
  const JobType& job = *command.type;
  std::string text = fmt::format("{}: {}\n\nflags\n", job.name(), job.summary());
  for (const describe::FlagInfo& flag : job.flags())
    text += fmt::format("  {:<24} {}{}{}\n", flag.name, flag.type_name,
                        flag.default_text.empty() ? "" : " (" + flag.default_text + ")",
                        flag.repeated ? ", may be given many times" : "");
  text += "\ntask fields\n";
  for (const std::string& column : job.task_columns()) text += "  " + column + "\n";
  text += "\nresult fields\n";
  for (const std::string& column : job.result_columns()) {
    const bool measured = std::ranges::find(job.measured(), column) != job.measured().end();
    text += "  " + column + (measured ? "  (measured: not part of the digest)" : "") + "\n";
  }
  text += fmt::format("\nsource: {}\n", job.indexed() ? "indexed: every rank makes its tasks itself"
                                                      : "sequential: rank 0 pulls the tasks");
  print(text);
}

// A run that is neither live nor ended in order: what its journal says.
describe::Value journal_status(const RunDirectory& run, const Manifest& manifest) {
  const JournalCounts counts = manifest.durability == "none" ? JournalCounts{} : count_journal(run);
  using Object = describe::Value::Object;
  return Object{{"status", counts.complete ? "complete" : "unfinished"},
                {"job", manifest.job},
                {"tasks", manifest.tasks.value_or(counts.known)},
                {"committed", counts.succeeded + counts.failed},
                {"succeeded", counts.succeeded},
                {"failed", counts.failed},
                {"starts", counts.starts}};
}

std::string how_to_carry_on(const RunDirectory& run, const Manifest& manifest) {
  if (manifest.durability == "none") return "it kept no journal (--durability none), so it cannot be resumed";
  return "carry it on with: mpifarm resume " + run.path.string();
}

std::string status_for_people(const describe::Value& status, const RunDirectory& run,
                              const std::string& state) {
  const auto field = [&](std::string_view name) {
    const describe::Value* value = status.find(name);
    if (value == nullptr) return std::string{"?"};
    const auto* text = value->as<std::string>();
    return text == nullptr ? describe::to_json(*value) : *text;
  };
  return fmt::format("{} {}: {} of {} tasks have their outcome, {} failed\n  {}\n  run     {}\n",
                     field("job"), field("status"), field("committed"), field("tasks"), field("failed"),
                     state, run.path.string());
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

void status(const StatusCommand& command, const Jobs&) {
  const RunDirectory run{command.directory};
  const Manifest manifest = read_manifest(run);
  const auto holder = lock_holder(run);
  std::error_code ignored;
  if (!holder && std::filesystem::exists(run.summary(), ignored)) {
    const Summary summary = read_summary(run);
    print(command.json ? to_json(summary) : for_people(summary, run.path) + "\n");
    if (!command.json && summary.status == "unfinished") print("  " + how_to_carry_on(run, manifest) + "\n");
    return;
  }
  const bool live = holder && std::filesystem::exists(run.status(), ignored);
  const describe::Value status =
      live ? read_json_file(run.status(), describe::parse_json) : journal_status(run, manifest);
  print(command.json
            ? describe::to_json(status, 2) + "\n"
            : status_for_people(status, run, holder ? "held by " + *holder : how_to_carry_on(run, manifest)));
}

void write_output(const FileDescriptor& file, BytesView text, const std::string& name) try {
  write_all(file, text, name);
} catch (const MachineryFailure&) {
  throw MachineryFailure{name + " could not be written (" + errno_text(errno) +
                         "); make room, or name another file with -o"};
}

void results(const ResultsCommand& command, const Jobs& jobs) {
  MergedOutcomes outcomes;
  const JobType* type = nullptr;
  for (const std::string& directory : command.directories) {
    const RunDirectory run{directory};
    const Manifest manifest = read_manifest(run);
    const JobType* job = find_job(jobs, manifest.job);
    if (job == nullptr)
      throw BadInput{"this program has no job \"" + manifest.job + "\" (of the run " + directory +
                     "); use the program that started it"};
    if (type != nullptr && job != type)
      throw BadInput{"the runs are of different jobs (" + std::string{type->name()} + ", " + manifest.job +
                     "); name runs of one job"};
    if (manifest.durability == "none")
      throw BadInput{"the run kept no journal (" + directory +
                     " ran with --durability none); its results file is all there is"};
    type = job;
    outcomes.add(run, manifest);
  }
  const std::string name = command.output.empty() ? "stdout" : command.output;
  const FileDescriptor file{
      command.output.empty() ? dup(1) : ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
  if (file.get() < 0)
    throw BadInput{"the output cannot be written (" + name + ": " + errno_text(errno) +
                   "); name another file"};
  const ResultsText text{*type, command.format};
  Bytes buffer;
  text.append_header(buffer);
  for (journal::TaskOutcome outcome; outcomes.next(outcome);) {
    if (command.status && to_string(outcome.outcome) != *command.status) continue;
    text.append(buffer, outcome);
    if (buffer.size() < (1 << 18)) continue;
    write_output(file, buffer, name);
    buffer.clear();
  }
  write_output(file, buffer, name);
}

}  // namespace mpifarm::app

#include "app/query_commands.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "app/export_file.hpp"
#include "app/help.hpp"
#include "app/merged_outcomes.hpp"
#include "app/run_files.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "exec/exec_job.hpp"

namespace mpifarm::app {
namespace {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

void stop(const StopCommand& command) {
  const RunDirectory run{command.directory};
  require_run(run);
  auto holder = lock_holder(run);
  if (!holder && process_may_live(run.relaunching())) holder = "its supervisor, before a further start";
  if (!holder)
    throw BadInput{"the run is not live (" + run.path.string() + "); `mpifarm status` says how it ended"};
  replace_file(run.stop_request(), "");
  print("asked to stop: " + *holder + "; running tasks have its --grace to end\n");
}

void list(const Jobs& jobs) {
  std::size_t width = 0;
  for (const JobType* job : jobs) width = std::max(width, job->name().size());
  for (const JobType* job : jobs) print(fmt::format("{:<{}}  {}\n", job->name(), width, job->summary()));
}

void describe_job(const DescribeCommand& command) {
  const JobType& job = *command.type;
  std::string text = fmt::format("{}: {}\n\nflags\n", job.name(), job.summary());
  for (const describe::FlagInfo& flag : job.flags())
    text += fmt::format("  {:<24} {:<12} {}\n", flag.name, flag.is_switch ? "" : flag.type_name,
                        describe_flag(flag));
  text += "\ntask fields\n";
  for (const describe::FieldInfo& field : job.task_fields())
    text += fmt::format("  {:<24} {:<12} {}\n", field.name, field.type_name,
                        field.default_text.empty() ? "" : "(" + field.default_text + ")");
  text += "\nresult fields\n";
  for (const std::string& column : job.result_columns()) {
    const bool measured = std::ranges::find(job.measured(), column) != job.measured().end();
    text += "  " + column + (measured ? "  (measured: not part of the digest)" : "") + "\n";
  }
  text += fmt::format("\nsource: {}\n", job.indexed() ? "indexed: every rank makes its tasks itself"
                                                      : "sequential: rank 0 pulls the tasks");
  print(text);
}

// What GNU parallel writes to its --joblog; a task whose process died has no line, as it has no times.
struct JoblogText {
  void append_header(Bytes& out) const { out += exec::joblog_header; }
  void append(Bytes& out, const journal::TaskOutcome& outcome) const {
    const bool succeeded = outcome.outcome == Outcome::succeeded;
    const BytesView result = succeeded ? outcome.payload : kept_result(outcome.payload);
    if (!result.empty()) exec::append_joblog(out, outcome.id, outcome.outcome, result);
  }
};

// Lines of text to any kind of file.
template <class Text>
class TextOutput {
 public:
  TextOutput(const std::string& file, Text text) : file_{file}, text_{std::move(text)} {
    text_.append_header(buffer_);
  }

  void take(const journal::TaskOutcome& outcome) {
    text_.append(buffer_, outcome);
    if (buffer_.size() >= (1 << 18)) write();
  }
  void finish() {
    write();
    file_.finish();
  }

 private:
  void write() {
    file_.write(buffer_);
    buffer_.clear();
  }

  ExportFile file_;
  Text text_;
  Bytes buffer_;
};

// It is made beside the file and then takes its name, so that must be a file's.
void check_database(const std::filesystem::path& file) {
  refuse_run_files(file);
  std::error_code error;
  const std::filesystem::file_status there = std::filesystem::symlink_status(file, error);
  const auto refuse = [&](const std::string& why) {
    throw BadInput{"the output cannot be written (" + file.string() + ": " + why + "); name another file"};
  };
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    refuse("it is no regular file");
  const std::filesystem::path parent = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::is_directory(parent, error)) refuse(parent.string() + " is no directory");
  if (access(parent.c_str(), W_OK) != 0) refuse(errno_text(errno));
}

// Has `write` make it under a name that nobody uses; then it takes that of `file`.
void write_database(const std::filesystem::path& file,
                    const std::function<void(const std::filesystem::path&)>& write) {
  std::error_code unseen;
  const std::filesystem::path target = std::filesystem::exists(file, unseen)
                                           ? std::filesystem::canonical(file)
                                           : std::filesystem::absolute(file);
  std::string name = beside(target);
  if (const int made = mkostemp(name.data(), O_CLOEXEC); made < 0)
    throw BadInput{"the output cannot be written (" + file.string() + ": " + errno_text(errno) +
                   "); name another file"};
  else
    close(made);
  try {
    write(name);
    chmod(name.c_str(), usual_mode());
    std::filesystem::rename(name, target);
  } catch (const std::exception& failure) {
    unlink(name.c_str());
    throw MachineryFailure{file.string() + " could not be written (" + failure.what() +
                           "); make room, or name another file with -o"};
  }
}

void results(const ResultsCommand& command, const Jobs& jobs) {
  MergedOutcomes outcomes;
  const JobType* type = nullptr;
  std::set<std::uint64_t> seen;
  for (const std::string& directory : command.directories) {
    const RunDirectory run{directory};
    const Manifest manifest = read_manifest(run);
    const JobType* job = find_job(jobs, manifest.job);
    if (job == nullptr)
      throw BadInput{"this program has no job \"" + manifest.job + "\" (of the run " + directory +
                     "); use the program that started it"};
    if (!seen.insert(manifest.run_id).second)
      throw BadInput{"a run is named twice (" + directory + "); name each run once"};
    if (type != nullptr && job != type)
      throw BadInput{"the runs are of different jobs (" + std::string{type->name()} + ", " + manifest.job +
                     "); name runs of one job"};
    if (manifest.durability == "none")
      throw BadInput{"the run kept no journal (" + directory +
                     " ran with --durability none); its results file is all there is"};
    type = job;
    outcomes.add(run, manifest);
  }
  const auto write_to = [&](auto& output) {
    for (journal::TaskOutcome outcome; outcomes.next(outcome);)
      if (!command.status || to_string(outcome.outcome) == *command.status) output.take(outcome);
    output.finish();
  };
  if (command.joblog) {
    if (type != &exec_job())
      throw BadInput{"--format joblog is of commands (the run is of the job " + std::string{type->name()} +
                     "); use csv, jsonl or sqlite"};
    TextOutput<JoblogText> output{command.output, {}};
    return write_to(output);
  }
  const ResultsFormat format =
      command.format.value_or(type->flat_result() ? ResultsFormat::csv : ResultsFormat::jsonl);
  if (format == ResultsFormat::sqlite) {
    check_database(command.output);
    write_database(command.output, [&](const std::filesystem::path& file) {
      write_to(*create_results(file, *type, format));
    });
  } else {
    TextOutput<ResultsText> output{command.output, ResultsText{*type, format}};
    write_to(output);
  }
}

}  // namespace mpifarm::app

#pragma once
// What `exec` is given, computes, and says of each command.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "exec/capture.hpp"
#include "exec/command_files.hpp"
#include "exec/command_process.hpp"
#include "exec/command_template.hpp"
#include "exec/sweep.hpp"
#include "exec/wait_history.hpp"
#include "job/concepts.hpp"
#include "job/generate.hpp"

namespace mpifarm::exec {

// Of --output-limit, in bytes. Throws BadInput.
std::uint64_t output_limit_of(const std::string& text);

inline const std::string line_field = "command";  // of a task from a list of lines

struct Exec {
  static constexpr auto name = "exec";
  static constexpr auto summary = "Run a program for every combination of values, line of a list, or file";
  static constexpr ParamHelp help[] = {
      {"command", "the command, with {name} for a value: of a field, or task, attempt, slot, rank"},
      {"param", "a field and its values: alpha=0:1:0.1, seed=1..100 or method=jacobi,sor"},
      {"link", "the first values of all fields together, then the second ones; else every combination"},
      {"commands", "run each line of a list; - is the standard input"},
      {"files", "run over files (a glob, ** goes below): fields path, name, stem, ext, dir"},
      {"shell", "the command is a line for `sh -c`, its values quoted"},
      {"chdir", "run in this directory"},
      {"env", "NAME=VALUE in the environment"},
      {"input", "a file for the standard input"},
      {"input_text", "a text for the standard input"},
      {"success", "exit statuses that are a success, such as 0,3"},
      {"output_limit", "bytes kept of a command's standard output, and of its standard error"},
      {"kill_after", "seconds from SIGTERM to SIGKILL when --timeout is over"},
      {"output_wait", "how long what a command leaves running, such as tee, may finish its output"},
      {"output", "packed (few files in the run directory), files (output/T/ID.out and ID.err) or none"},
      {"stream", "show lines as commands write them"},
      {"outputs", "a file that a command must leave behind; else it has failed"},
      {"inputs", "a file that a command reads, for --skip-existing"},
      {"skip_existing", "skip commands whose --outputs are there and not older than their inputs"},
  };
  static constexpr auto measured = {
      "command", "started",   "seconds",   "user_seconds", "system_seconds", "peak_kilobytes",
      "host",    "attempt",   "rank",      "slot",         "stdout_bytes",   "stderr_bytes",
      "pack",    "stdout_at", "stderr_at", "skipped",      "left_running"};
  static constexpr auto source_params = {"param", "link", "files"};
  static constexpr bool repeatable = false;  // commands have side effects
  static constexpr bool isolated = true;     // a slot is a process, which is all that a command leaves behind
  static constexpr auto words = "command";
  static constexpr auto list = "commands";

  struct Params {
    std::vector<std::string> command;
    std::vector<std::string> param;
    bool link = false;
    std::string commands;
    std::vector<std::string> files;
    bool shell = false;
    std::string chdir;
    std::vector<std::string> env;
    std::string input, input_text;
    std::string success = "0";
    std::string output_limit = "10M";
    double kill_after = 5;
    std::string output = "packed";
    bool stream = false;
    std::vector<std::string> outputs, inputs;
    bool skip_existing = false;
    std::string output_wait = "5s";
  };
  struct Task {
    Values fields;
  };
  struct Result {
    std::string command;  // as a shell is given it, or would be
    std::int32_t exit_status = 0, signal = 0;
    double started = 0;  // seconds since 1970
    double seconds = 0, user_seconds = 0, system_seconds = 0;
    std::int64_t peak_kilobytes = 0;  // of its largest process
    std::string host;
    std::uint32_t attempt = 1, rank = 0, slot = 0;
    std::uint64_t stdout_bytes = 0, stderr_bytes = 0;  // written; kept are --output-limit of them
    std::string pack;                                  // where they are; see exec/output_pack.hpp
    std::uint64_t stdout_at = 0, stderr_at = 0;
    std::uint32_t skipped = 0;       // 1: its outputs were up to date
    std::uint32_t left_running = 0;  // processes that it left, and that were ended after --output-wait
  };

  // Throws BadInput for a template or a sweep that is none, and a field that no task can have.
  explicit Exec(const Params& params);

  // When the program is not there, on this host.
  std::vector<std::string> warnings() const;

  Generated<Task> tasks() const;
  Result compute(const Task& task, Context& context) const;

  void reduce(const Task&, const Result& result) {
    ++succeeded_;
    output_bytes_ += result.stdout_bytes;
    skipped_ += result.skipped;
  }
  std::string conclude(const std::filesystem::path& run) const;
  std::string retry_line(const Task& task, TaskId id, const std::string& working_directory,
                         const std::string& run_directory) const;

  // Equal for tasks with the same command, directory, environment and input, wherever and whenever they run.
  Bytes key(const Task& task, TaskId id, const std::string& working_directory) const;
  // Whether a success of another run is one here, too: its status is fine, and its --outputs are there.
  bool accepts(const Result& result, const Task& task, TaskId id) const;

  // Of a list of tasks: throws BadInput unless the template's fields are among `columns`, and none is there
  // twice; and for a value that a format does not take.
  void check_columns(const std::vector<std::string>& columns) const;
  void check_task(const Task& task) const;

 private:
  void check_output_flags() const;
  void check_fields(const std::set<std::string>& known) const;
  std::set<std::string> used_fields() const;
  std::vector<const Template*> templates() const;
  bool has_format(const std::string& field) const;
  void check_value(const std::string& field, const std::string& value) const;
  Values all_values(const Task& task, TaskId id, unsigned attempt, const Place& place) const;
  std::map<std::string, std::string> variables_of(const Values& values, const std::string& run) const;
  Values with_path_parts(const Values& fields) const;
  Invocation invocation(const Values& values, const Place& place) const;
  std::vector<std::string> words_of(const Values& values) const;
  CommandFiles files_of(const Values& values, const Invocation& command) const;
  void keep_output(const Place& place) const;
  void run(Invocation& command, Context& context, const CommandFiles& files, Result& result) const;
  static void take_end(const CommandEnd& end, const Capture& capture, Result& result);
  Nanos output_wait() const;
  void tell_of_leftover(const Leftover& leftover, const Context& context) const;
  std::string judge(const CommandEnd& end, const Capture& capture, const CommandFiles& files,
                    const Result& result) const;

  Params params_;
  std::vector<Template> command_;
  Template directory_, input_, input_text_;
  std::vector<Template> outputs_, inputs_;
  std::vector<std::pair<std::string, Template>> environment_;
  std::set<int> success_;
  std::uint64_t output_limit_ = 0;
  Nanos output_wait_{};
  WaitHistory& waits_;
  std::shared_ptr<const Sweep> sweep_;
  std::uint64_t succeeded_ = 0, skipped_ = 0, output_bytes_ = 0;
};

}  // namespace mpifarm::exec

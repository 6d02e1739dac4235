// What `exec` does with one task: fills in the command, runs it, and judges its end.

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/amounts.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/pack.hpp"
#include "base/printable.hpp"
#include "exec/exec.hpp"
#include "exec/output_files.hpp"
#include "exec/output_pack.hpp"
#include "exec/program.hpp"
#include "job/failed_with.hpp"

namespace mpifarm::exec {
namespace {

constexpr Nanos shortest_pause = std::chrono::milliseconds{10};  // before a command is started again
constexpr Nanos longest_pause = std::chrono::seconds{5};         // ten seconds in all
constexpr int not_found = 127, not_executable = 126;             // as the shell has it
constexpr int signal_status = 128;

// What a process keeps from command to command.
struct Slot {
  std::string made_for;  // start and rank
  std::unique_ptr<OutputKeeper> keeper;
  std::string pack_name;                                            // empty: nothing stays
  std::map<std::pair<std::string, std::string>, Program> programs;  // by name and PATH
};

Slot& slot() {
  thread_local Slot slot;
  return slot;
}

// Others may soon leave room.
bool is_passing(int error) {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

double cpu_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// As the command itself would find it: relative paths mean its directory, PATH is its own.
Program program_of(const Invocation& command) {
  const std::string& name = command.words[0];
  if (name.find('/') != std::string::npos) {
    const bool elsewhere = !command.directory.empty() && name[0] != '/';
    return {name, find_program(elsewhere ? command.directory + "/" + name : name, "").status};
  }
  std::string_view path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& variable : command.environment)
    if (variable.starts_with("PATH=")) path = std::string_view{variable}.substr(5);
  Program& known = slot().programs[{name, std::string{path}}];
  if (known.path.empty() || known.status != 0) known = find_program(name, path);
  return known;
}

std::string absolute_in(const std::string& directory, const std::string& path) {
  return path.empty() || path[0] == '/' ? path : directory + "/" + path;
}

std::string not_run(const Invocation& command, int status) {
  return printable(command.words[0]) + (status == not_found ? ": command not found" : ": cannot be executed");
}

// The line that a shell is given, or would be.
std::string line_of(const std::vector<std::string>& words, bool is_line) {
  return is_line ? words.back() : shell_line(words);
}

// Runs it, again while this host is short of what a process takes.
CommandEnd run_patiently(const Invocation& command, const TakeOutput& take, const StopRequested& stop) {
  CommandEnd end = run_command(command, take, stop);
  for (Nanos pause = shortest_pause; is_passing(end.start_error); pause *= 2) {
    if (pause > longest_pause)
      throw MachineryFailure{
          end.failed_on + " (" + errno_text(end.start_error) +
          "); raise the limits on processes, memory and open files, or give fewer slots with "
          "--threads"};
    std::this_thread::sleep_for(pause);
    end = run_command(command, take, stop);
  }
  return end;
}

}  // namespace

Values Exec::with_path_parts(const Values& fields) const {
  Values values = fields;
  if (params_.files.empty()) return values;
  const std::filesystem::path path = values.at("path");
  const std::string extension = path.extension().string();
  values["name"] = path.filename().string();
  values["stem"] = path.stem().string();
  values["ext"] = extension.empty() ? extension : extension.substr(1);
  values["dir"] = path.has_parent_path() ? path.parent_path().string() : ".";
  return values;
}

Values Exec::all_values(const Task& task, TaskId id, unsigned attempt, const Place& place) const {
  Values values = with_path_parts(task.fields);
  values["task"] = std::to_string(id.value);
  values["attempt"] = std::to_string(attempt);
  values["slot"] = std::to_string(place.slot);
  values["rank"] = std::to_string(place.rank);
  return values;
}

std::map<std::string, std::string> Exec::variables_of(const Values& values, const std::string& run) const {
  std::map<std::string, std::string> variables{{"MPIFARM_TASK_ID", values.at("task")},
                                               {"MPIFARM_ATTEMPT", values.at("attempt")},
                                               {"MPIFARM_SLOT", values.at("slot")},
                                               {"MPIFARM_RANK", values.at("rank")},
                                               {"MPIFARM_RUN", run}};
  for (const auto& [variable, value] : environment_) variables[variable] = value.fill(values);
  return variables;
}

std::vector<std::string> Exec::words_of(const Values& values) const {
  if (!params_.commands.empty()) {
    const std::string& line = values.at(line_field);
    if (auto plain = plain_words(line)) return *std::move(plain);
    return {"/bin/sh", "-c", line};
  }
  std::vector<std::string> filled;
  if (params_.shell) {
    std::string line;
    for (const Template& word : command_) line += (line.empty() ? "" : " ") + word.fill_quoted(values);
    return {"/bin/sh", "-c", line};
  }
  for (const Template& word : command_) filled.push_back(word.fill(values));
  return filled;
}

Invocation Exec::invocation(const Values& values, const Place& place) const {
  Invocation command;
  command.words = words_of(values);
  command.directory = directory_.fill(values);
  command.input_file = input_.fill(values);
  command.has_input_text = !params_.input_text.empty();
  command.input_text = input_text_.fill(values);
  command.timeout = place.time_limit;
  command.output_wait = output_wait();
  command.kill_after = std::chrono::duration_cast<Nanos>(std::chrono::duration<double>{params_.kill_after});
  const std::map<std::string, std::string> variables = variables_of(values, place.run_directory);
  for (char** ours = environ; *ours != nullptr; ++ours) {
    const std::string_view text = *ours;
    if (!variables.contains(std::string{text.substr(0, text.find('='))}))
      command.environment.emplace_back(text);
  }
  for (const auto& [variable, value] : variables)
    command.environment.emplace_back(variable).append("=").append(value);
  return command;
}

std::string Exec::retry_line(const Task& task, TaskId id, const std::string& working_directory,
                             const std::string& run_directory) const {
  const Values values = all_values(task, id, 1, {.run_directory = run_directory});
  const Invocation command = invocation(values, {.run_directory = run_directory});
  std::string line = "cd " + shell_quoted(working_directory) + " && ";
  if (!command.directory.empty()) line += "cd " + shell_quoted(command.directory) + " && ";
  if (command.has_input_text) line += "printf %s " + shell_quoted(command.input_text) + " | ";
  line += "env";
  for (const auto& [variable, value] : variables_of(values, run_directory))
    line += " " + variable + "=" + shell_quoted(value);
  // env(1) would take such a name for a variable.
  if (command.words[0].find('=') != std::string::npos) line += " sh -c 'exec \"$0\" \"$@\"'";
  line += " " + shell_line(command.words);
  if (!command.has_input_text)
    line += " < " + (command.input_file.empty()
                         ? "/dev/null"
                         : shell_quoted(absolute_in(working_directory, command.input_file)));
  return line;
}

Bytes Exec::key(const Task& task, TaskId id, const std::string& working_directory) const {
  const Values values = all_values(task, id, 0, {});
  std::vector<std::string> parts = words_of(values);
  parts.push_back(std::to_string(parts.size()));
  parts.push_back(working_directory);
  for (const Template* one : {&directory_, &input_, &input_text_}) parts.push_back(one->fill(values));
  for (const auto& [variable, value] : environment_) {
    parts.push_back(variable);
    parts.push_back(value.fill(values));
  }
  return pack(parts);
}

CommandFiles Exec::files_of(const Values& values, const Invocation& command) const {
  CommandFiles files;
  const auto there = [&](const Template& path) {
    return std::filesystem::path{command.directory} / path.fill(values);
  };
  for (const Template& path : outputs_) files.outputs.push_back(there(path));
  for (const Template& path : inputs_) files.inputs.push_back(there(path));
  if (!params_.files.empty()) files.inputs.emplace_back(values.at("path"));
  if (!command.input_file.empty()) files.inputs.emplace_back(command.input_file);
  return files;
}

// What is to be seen goes into a pack, whether or not that is to stay.
void Exec::keep_output(const Place& place) const {
  const std::string start_and_rank = std::to_string(place.start) + "-" + std::to_string(place.rank);
  Slot& mine = slot();
  if (place.run_directory.empty() || mine.made_for == start_and_rank) return;
  mine.made_for = start_and_rank;
  mine.pack_name = params_.output == "packed"     ? start_and_rank
                   : params_.output == files_pack ? files_pack
                                                  : "";
  const bool packs = params_.stream || params_.output == "packed";
  if (packs)
    mine.keeper = std::make_unique<OutputPack>(pack_path(place.run_directory, start_and_rank), place.durable);
  if (params_.output == files_pack)
    mine.keeper = std::make_unique<OutputFiles>(place.run_directory, place.rank, std::move(mine.keeper));
}

Exec::Result Exec::compute(const Task& task, Context& context) const {
  static const std::string host = host_name();
  const Place& place = context.place();
  keep_output(place);
  const Values values = all_values(task, context.id(), context.attempt(), place);
  Invocation command = invocation(values, place);
  Result result;
  result.host = host;
  result.attempt = context.attempt();
  result.rank = place.rank;
  result.slot = place.slot;
  const bool is_line = params_.shell || (!params_.commands.empty() && !plain_words(values.at(line_field)));
  result.command = line_of(command.words, is_line);
  const CommandFiles files = files_of(values, command);
  if (params_.skip_existing && !place.run_directory.empty() &&
      is_up_to_date(
          files, std::filesystem::last_write_time(std::filesystem::path{place.run_directory} / "run.json"))) {
    result.skipped = 1;
    return result;
  }
  run(command, context, files, result);
  return result;
}

void Exec::run(Invocation& command, Context& context, const CommandFiles& files, Result& result) const {
  Capture capture{slot().keeper.get(), context.id(), {.limit = output_limit_, .by_lines = params_.stream}};
  const Program found = program_of(command);
  command.program = found.path;
  const auto outputs_before = output_times(files);
  if (params_.skip_existing) mark_unfinished(files);
  CommandEnd end;
  if (found.status == 0)
    end = run_patiently(
        command, [&](Stream kind, BytesView bytes) { capture.take(kind, bytes); },
        [&] {
          context.waiting();
          return context.stop_requested();
        });
  capture.finish();
  tell_of_leftover(end.leftover, context);
  result.exit_status = found.status;
  if (found.status == 0 && end.start_error == 0) take_end(end, capture, result);
  const std::string why =
      found.status != 0 ? not_run(command, found.status) : judge(end, capture, files, result);
  if (params_.skip_existing) {
    if (!why.empty() || end.stopped) set_aside(files, outputs_before);
    unmark(files);
  }
  if (end.stopped) throw Interrupted{};
  if (end.start_error != 0) result.exit_status = not_executable;
  if (!why.empty())
    throw FailedWith<Result>{why, result, end.timed_out ? Outcome::timed_out : Outcome::failed};
}

// Shortens the wait where something holds the streams of every command, such as a daemon that each of them
// starts, waiting for it each time would cost more than it may save.
Nanos Exec::output_wait() const {
  constexpr Nanos short_wait = std::chrono::milliseconds{200};
  return waits_.is_short() ? std::min(output_wait_, short_wait) : output_wait_;
}

void Exec::tell_of_leftover(const Leftover& leftover, const Context& context) const {
  const std::string what_to_do =
      leftover.waited
          ? "have the command wait for it, or give it more time with --output-wait (" + params_.output_wait +
                ")"
          : "it neither held the command's output nor read a pipe, so --output-wait is not for it: have the "
            "command wait for it";
  if (leftover.ended > 0 && !leftover.stopped)
    context.warn("left running",
                 fmt::format("task {} left {} running ({}), which had to be ended, as the column "
                             "left_running counts; {}",
                             context.id().value, leftover.ended == 1 ? "a process" : "processes",
                             printable(leftover.process), what_to_do));
  if (waits_.take(leftover.in_vain))
    context.warn("output held",
                 fmt::format("{} commands in a row have left {} running, which wrote nothing in all of "
                             "--output-wait ({}); from now on it is waited for 0.2 s; close its streams with "
                             "`>/dev/null 2>&1 </dev/null`, or set --output-wait 0",
                             WaitHistory::most_in_vain, printable(leftover.process), params_.output_wait));
}

std::vector<std::string> Exec::warnings() const {
  if (command_.empty() || params_.shell || !params_.chdir.empty()) return {};
  std::set<std::string> fields;
  command_[0].add_fields(fields);
  if (!fields.empty()) return {};
  for (const auto& variable : environment_)
    if (variable.first == "PATH") return {};
  Invocation command;
  command.words = {command_[0].fill({})};
  for (char** ours = environ; *ours != nullptr; ++ours) command.environment.emplace_back(*ours);
  const int status = program_of(command).status;
  if (status == 0) return {};
  return {printable(command.words[0]) + (status == not_found ? " is not found" : " cannot be executed") +
          " on " + host_name() + "; on hosts without it every task fails"};
}

std::string Exec::conclude(const std::filesystem::path& run) const {
  if (params_.stream) return {};  // stdout is the commands'
  std::string text = counted(succeeded_, "command") + " succeeded";
  if (skipped_ > 0) text += ", " + grouped(skipped_) + " of them skipped as their outputs are up to date";
  if (!std::filesystem::exists(run / "output")) return text;  // nothing was written, or is kept
  return text + " and wrote " + byte_text(output_bytes_) + "; read it with: mpifarm output " +
         shell_quoted(run.string());
}

void Exec::take_end(const CommandEnd& end, const Capture& capture, Result& result) {
  result.started = end.started;
  result.seconds = seconds(end.duration);
  result.user_seconds = cpu_seconds(end.usage.ru_utime);
  result.system_seconds = cpu_seconds(end.usage.ru_stime);
  result.peak_kilobytes = end.usage.ru_maxrss;
  const bool signalled = WIFSIGNALED(end.wait_status);
  result.signal = signalled ? WTERMSIG(end.wait_status) : 0;
  result.exit_status = signalled ? signal_status + result.signal : WEXITSTATUS(end.wait_status);
  const KeptStream &output = capture.stream(Stream::standard_output),
                   &error = capture.stream(Stream::standard_error);
  result.stdout_bytes = output.bytes;
  result.stderr_bytes = error.bytes;
  result.left_running = end.leftover.ended;
  if (slot().pack_name.empty() || (output.last == 0 && error.last == 0)) return;
  result.pack = slot().pack_name;
  result.stdout_at = output.last;
  result.stderr_at = error.last;
}

std::string Exec::judge(const CommandEnd& end, const Capture& capture, const CommandFiles& files,
                        const Result& result) const {
  std::string why;
  if (end.start_error != 0) return printable(end.failed_on) + " (" + errno_text(end.start_error) + ")";
  if (end.timed_out)
    why = "no end within the --timeout";
  else if (result.signal != 0)
    why = "killed by signal " + std::to_string(result.signal) + " (" + strsignal(result.signal) + ")";
  else if (!success_.contains(result.exit_status))
    why = "exit status " + std::to_string(result.exit_status);
  else if (const std::string missing = missing_output(files); !missing.empty())
    return "it left no " + printable(missing) + " behind (--outputs)";
  if (why.empty()) return why;
  const std::string line = capture.last_line();
  return line.empty() ? why : why + ": " + line;
}

bool Exec::accepts(const Result& result, const Task& task, TaskId id) const {
  const Values values = all_values(task, id, result.attempt, {});
  return success_.contains(result.exit_status) &&
         missing_output(files_of(values, invocation(values, {}))).empty();
}

}  // namespace mpifarm::exec

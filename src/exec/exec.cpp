#include "exec/exec.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <thread>

#include "base/amounts.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/numbers.hpp"
#include "base/printable.hpp"
#include "describe/text.hpp"
#include "exec/capture.hpp"
#include "exec/file_pattern.hpp"
#include "exec/output_pack.hpp"
#include "exec/program.hpp"
#include "job/failed_with.hpp"

namespace mpifarm::exec {
namespace {

const std::string line_field = "command";                        // of a task from a list of lines
constexpr Nanos shortest_pause = std::chrono::milliseconds{10};  // before a command is started again
constexpr Nanos longest_pause = std::chrono::seconds{5};         // ten seconds in all

const std::set<std::string> own_fields{"task", "attempt", "slot", "rank"};
const std::set<std::string> path_fields{"path", "name", "stem", "ext", "dir"};

std::vector<Template> templates_of(const std::vector<std::string>& words) {
  std::vector<Template> templates;
  for (std::size_t i = 0; i < words.size(); ++i)
    templates.emplace_back("word " + std::to_string(i + 1) + " of the command", words[i]);
  return templates;
}

std::vector<std::pair<std::string, Template>> environment_of(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, Template>> variables;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == text.npos)
      throw BadInput{"--env sets no variable (\"" + printable(text) + "\"); write NAME=VALUE"};
    variables.emplace_back(text.substr(0, equals), Template{"--env", text.substr(equals + 1)});
  }
  return variables;
}

std::set<int> statuses_of(const std::string& text) {
  std::set<int> statuses;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    int status = 0;
    if (!parse_number(text.substr(at, comma - at), status).empty() || status < 0 || status > 255)
      throw BadInput{"--success is not understood (\"" + printable(text) +
                     "\"); give exit statuses from 0 to 255, such as 0,3"};
    statuses.insert(status);
    at = comma + 1;
  }
  return statuses;
}

std::shared_ptr<const Sweep> sweep_of(const std::vector<std::string>& params, bool linked) {
  std::vector<Axis> axes;
  axes.reserve(params.size());
  for (const std::string& param : params) axes.push_back(parse_axis("--param", param));
  return std::make_shared<const Sweep>(std::move(axes), linked);
}

// Others may soon leave room.
bool is_passing(int error) {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
}

double cpu_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// What a process keeps from command to command.
struct Slot {
  std::optional<OutputPack> pack;
  std::string pack_name;
  std::map<std::pair<std::string, std::string>, Program> programs;  // by name and PATH
};

Slot& slot() {
  thread_local Slot slot;
  return slot;
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

}  // namespace

Exec::Exec(const Params& params)
    : params_{params},
      command_{templates_of(params.command)},
      directory_{"--chdir", params.chdir},
      input_{"--input", params.input},
      input_text_{"--input-text", params.input_text},
      environment_{environment_of(params.env)},
      success_{statuses_of(params.success)},
      output_limit_{params.output_limit == "0" ? 0 : parse_bytes("--output-limit", params.output_limit)},
      sweep_{sweep_of(params.param, params.link)} {
  char quote = 0;
  if (params.shell)
    for (const Template& word : command_) word.check_unquoted(quote);
  if (!params.input.empty() && !params.input_text.empty())
    throw BadInput{"--input and --input-text are both the standard input (\"" + printable(params.input) +
                   "\"); leave one of the two out"};
  if (!(params.kill_after >= 0 && params.kill_after <= 1e6))
    throw BadInput{"--kill-after is out of range (" + std::to_string(params.kill_after) +
                   "); give seconds from 0 to 1000000"};
  if (!params.commands.empty()) {
    if (!params.command.empty())
      throw BadInput{"--commands has whole commands (\"" + printable(params.commands) +
                     "\"), so none can stand behind --; leave one of the two out"};
    check_fields({line_field});
    return;
  }
  if (params.command.empty())
    throw BadInput{
        "there is no command to run (nothing stands behind --); say such as "
        "`mpifarm run exec --param n=1..3 -- echo {n}`"};
  std::set<std::string> known;
  for (const Axis& axis : sweep_->axes()) known.insert(axis.name);
  if (!params.files.empty()) known.insert(path_fields.begin(), path_fields.end());
  for (const Axis& axis : sweep_->axes())
    if (own_fields.contains(axis.name) || (!params.files.empty() && path_fields.contains(axis.name)))
      throw BadInput{"--param " + axis.name + " has the name of a field that there is already; rename it"};
  if (known.empty()) return;  // the tasks come from a list, whose columns are checked when they are known
  check_fields(known);
  for (const Axis& axis : sweep_->axes())
    for (const std::string& value : axis.values) check_value(axis.name, value);
}

std::vector<const Template*> Exec::templates() const {
  std::vector<const Template*> all{&directory_, &input_, &input_text_};
  for (const Template& word : command_) all.push_back(&word);
  for (const auto& variable : environment_) all.push_back(&variable.second);
  return all;
}

void Exec::check_value(const std::string& field, const std::string& value) const {
  for (const Template* one : templates()) one->check(field, value);
}

std::set<std::string> Exec::used_fields() const {
  std::set<std::string> used;
  for (const Template* one : templates()) one->add_fields(used);
  return used;
}

void Exec::check_fields(const std::set<std::string>& known) const {
  std::vector<std::string> names{known.begin(), known.end()};
  names.insert(names.end(), own_fields.begin(), own_fields.end());
  for (const std::string& field : used_fields()) {
    if (std::ranges::find(names, field) != names.end()) continue;
    const std::string near = nearest_name(field, names);
    throw BadInput{"there is no field {" + field + "} (" +
                   (near.empty() ? "" : "did you mean " + near + "? ") + "there are " +
                   describe::joined(names, ", ") + "); write {{ for a brace"};
  }
}

void Exec::check_columns(const std::vector<std::string>& columns) const {
  const std::set<std::string> known{columns.begin(), columns.end()};
  for (const std::string& column : columns) {
    if (column.empty()) throw BadInput{"a column has no name; name it"};
    if (own_fields.contains(column))
      throw BadInput{"the column " + column + " has the name of a field that there is already; rename it"};
    if (std::ranges::count(columns, column) > 1)
      throw BadInput{"the column " + printable(column) + " is there more than once; rename one"};
  }
  check_fields(known);
}

void Exec::check_task(const Task& task) const {
  for (const auto& [field, value] : task.fields)
    if (value.find('\0') != value.npos)
      throw BadInput{"the field " + field + " has a NUL in it, which no argument can have; leave it out"};
  for (const auto& [field, value] : task.fields) check_value(field, value);
}

Generated<Exec::Task> Exec::tasks() const {
  const auto files = std::make_shared<std::vector<std::string>>();
  if (!params_.files.empty()) *files = matching_files("--files", params_.files);
  if (sweep_->size() == 0 && files->empty())
    throw BadInput{
        "exec has nothing to run over (no --param, --files, --commands or --tasks is given); give "
        "one of them"};
  const bool linked = params_.link && sweep_->size() > 0 && !files->empty();
  if (linked && files->size() != sweep_->size())
    throw BadInput{"--link needs as many files as values (" + std::to_string(files->size()) + " and " +
                   std::to_string(sweep_->size()) + "); leave it out for all combinations"};
  const std::uint64_t combinations = std::max<std::uint64_t>(sweep_->size(), 1);
  const std::uint64_t count =
      linked || files->empty() ? combinations : combinations * std::uint64_t{files->size()};
  return Generated<Task>{[=, sweep = sweep_, next = std::uint64_t{0}](Task& task) mutable {
    if (next == count) return false;
    task.fields.clear();
    if (sweep->size() > 0) task.fields = sweep->at(linked ? next : next % combinations);
    if (!files->empty()) task.fields["path"] = (*files)[linked ? next : next / combinations];
    ++next;
    return true;
  }};
}

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
  line += " " + shell_line(command.words);
  if (!command.has_input_text)
    line += " < " + (command.input_file.empty() ? "/dev/null" : shell_quoted(command.input_file));
  return line;
}

Exec::Result Exec::compute(const Task& task, Context& context) const {
  static const std::string host = host_name();
  const Place& place = context.place();
  if (const std::string pack = std::to_string(place.start) + "-" + std::to_string(place.rank);
      !place.run_directory.empty() && slot().pack_name != pack) {
    slot().pack_name = pack;
    slot().pack.emplace(pack_path(place.run_directory, pack));
  }
  Result result;
  result.host = host;
  result.attempt = context.attempt();
  result.rank = place.rank;
  result.slot = place.slot;
  Invocation command = invocation(all_values(task, context.id(), context.attempt(), place), place);
  result.command = shell_line(command.words);
  const Program found = program_of(command);
  if (found.status != 0) {
    result.exit_status = found.status;
    throw FailedWith<Result>{
        printable(command.words[0]) + (found.status == 127 ? ": command not found" : ": cannot be executed"),
        result};
  }
  command.program = found.path;
  Capture capture{slot().pack ? &*slot().pack : nullptr, context.id(), output_limit_};
  const auto take = [&](Stream kind, BytesView bytes) { capture.take(kind, bytes); };
  CommandEnd end = run_command(command, take);
  for (Nanos pause = shortest_pause; is_passing(end.start_error); pause *= 2) {
    if (pause > longest_pause)
      throw MachineryFailure{
          end.failed_on + " (" + errno_text(end.start_error) +
          "); raise the limits on processes, memory and open files, or give fewer slots with "
          "--threads"};
    std::this_thread::sleep_for(pause);
    end = run_command(command, take);
  }
  if (end.start_error != 0)
    throw FailedWith<Result>{printable(end.failed_on) + " (" + errno_text(end.start_error) + ")",
                             (result.exit_status = 126, result)};
  capture.finish();
  const KeptStream &output = capture.stream(Stream::standard_output),
                   &error = capture.stream(Stream::standard_error);
  result.stdout_bytes = output.bytes;
  result.stderr_bytes = error.bytes;
  result.stdout_at = output.last;
  result.stderr_at = error.last;
  if (output.last != 0 || error.last != 0) result.pack = slot().pack_name;
  judge(end, capture, result);
  return result;
}

std::string Exec::conclude(const std::filesystem::path& run) const {
  return counted(succeeded_, "command") + " succeeded and wrote " + byte_text(output_bytes_) +
         "; read it with: mpifarm output " + shell_quoted(run.string());
}

void Exec::judge(const CommandEnd& end, const Capture& capture, Result& result) const {
  result.started = end.started;
  result.seconds = seconds(end.duration);
  result.user_seconds = cpu_seconds(end.usage.ru_utime);
  result.system_seconds = cpu_seconds(end.usage.ru_stime);
  result.peak_kilobytes = end.usage.ru_maxrss;
  const bool signalled = WIFSIGNALED(end.wait_status);
  result.signal = signalled ? WTERMSIG(end.wait_status) : 0;
  result.exit_status = signalled ? 128 + result.signal : WEXITSTATUS(end.wait_status);
  const auto with_last_line = [&](const std::string& message) {
    const std::string line = capture.last_line();
    return line.empty() ? message : message + ": " + line;
  };
  if (end.timed_out)
    throw FailedWith<Result>{with_last_line("no end within the --timeout"), result, Outcome::timed_out};
  if (signalled)
    throw FailedWith<Result>{with_last_line("killed by signal " + std::to_string(result.signal) + " (" +
                                            strsignal(result.signal) + ")"),
                             result};
  if (!success_.contains(result.exit_status))
    throw FailedWith<Result>{with_last_line("exit status " + std::to_string(result.exit_status)), result};
}

}  // namespace mpifarm::exec

// What `exec` is given: the command's templates and where its tasks come from, checked.

#include "exec/exec.hpp"

#include <algorithm>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/numbers.hpp"
#include "base/printable.hpp"
#include "describe/text.hpp"
#include "exec/file_pattern.hpp"
#include "exec/output_files.hpp"

namespace mpifarm::exec {
namespace {

const std::set<std::string> own_fields{"task", "attempt", "slot", "rank"};
const std::set<std::string> path_fields{"path", "name", "stem", "ext", "dir"};

std::vector<Template> paths_of(const std::string& flag, const std::vector<std::string>& texts) {
  std::vector<Template> templates;
  templates.reserve(texts.size());
  for (const std::string& text : texts) {
    if (text.empty()) throw BadInput{flag + " names no file (\"\"); give a path, such as '{stem}.out'"};
    templates.emplace_back(flag, text);
  }
  return templates;
}

std::vector<Template> templates_of(const std::vector<std::string>& words) {
  std::vector<Template> templates;
  for (std::size_t i = 0; i < words.size(); ++i)
    templates.emplace_back("word " + std::to_string(i + 1) + " of the command", words[i]);
  return templates;
}

// As sh(1) has names.
bool is_variable(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && is_letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::vector<std::pair<std::string, Template>> environment_of(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, Template>> variables;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == text.npos || !is_variable(std::string_view{text}.substr(0, equals)))
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

}  // namespace

std::uint64_t output_limit_of(const std::string& text) {
  return text == "0" ? 0 : parse_bytes("--output-limit", text);
}

Exec::Exec(const Params& params)
    : params_{params},
      command_{templates_of(params.command)},
      directory_{"--chdir", params.chdir},
      input_{"--input", params.input},
      input_text_{"--input-text", params.input_text},
      outputs_{paths_of("--outputs", params.outputs)},
      inputs_{paths_of("--inputs", params.inputs)},
      environment_{environment_of(params.env)},
      success_{statuses_of(params.success)},
      output_limit_{output_limit_of(params.output_limit)},
      output_wait_{std::chrono::duration_cast<Nanos>(
          std::chrono::duration<double>{parse_duration("--output-wait", params.output_wait)})},
      waits_{wait_history()},
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
  check_output_flags();
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
    for (std::uint64_t i = 0; has_format(axis.name) && i < axis.values.size(); ++i)
      check_value(axis.name, axis.values[i]);
}

void Exec::check_output_flags() const {
  if (params_.output != "packed" && params_.output != files_pack && params_.output != "none")
    throw BadInput{"--output is not known (\"" + printable(params_.output) +
                   "\"); use packed, files or none"};
  if (params_.skip_existing && outputs_.empty())
    throw BadInput{"--skip-existing needs to know what a command leaves behind (no --outputs); name it"};
}

std::vector<const Template*> Exec::templates() const {
  std::vector<const Template*> all{&directory_, &input_, &input_text_};
  for (const Template& word : command_) all.push_back(&word);
  for (const Template& path : outputs_) all.push_back(&path);
  for (const Template& path : inputs_) all.push_back(&path);
  for (const auto& variable : environment_) all.push_back(&variable.second);
  return all;
}

bool Exec::has_format(const std::string& field) const {
  return std::ranges::any_of(templates(), [&](const Template* one) { return one->has_format(field); });
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

}  // namespace mpifarm::exec

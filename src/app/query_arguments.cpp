#include "app/query_arguments.hpp"

#include <algorithm>

#include "app/command_line.hpp"
#include "base/error.hpp"
#include "base/numbers.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {
namespace {

std::uint64_t task_id(const std::string& text) {
  std::uint64_t task = 0;
  if (const std::string why = parse_number(text, task); !why.empty())
    throw BadInput{"TASK is " + why + " (\"" + text + "\"); give a task's id"};
  return task;
}

}  // namespace

Command parse_stop(std::vector<std::string> arguments) {
  CommandLine line{"Asks a live run to end in order, as SIGTERM does; it can be resumed.", "stop"};
  line.positional("RUN", "the run's directory");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  return StopCommand{line.the_positional("RUN")};
}

Command parse_list(std::vector<std::string> arguments) {
  CommandLine line{"Lists the jobs.", "list"};
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  return ListCommand{};
}

Command parse_status(std::vector<std::string> arguments) {
  CommandLine line{"Shows the state of a live or ended run, from its files alone.", "status"};
  line.positional("RUN", "the run's directory");
  line.on_off("--json", "as JSON");
  line.on_off("--watch", "show the progress of a live run until it ends");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  return StatusCommand{line.the_positional("RUN"), line.is_on("--json"), line.is_on("--watch")};
}

Command parse_output(std::vector<std::string> arguments) {
  CommandLine line{"Writes what the commands of an exec run wrote, in task order.", "output", true};
  line.positional("RUN [TASK]", "the run's directory, and the id of one task");
  line.on_off("--stderr", "their standard error, instead of their standard output");
  line.on_off("--failed", "only of tasks that failed");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  const std::vector<std::string> given = line.positionals("RUN [TASK]");
  if (given.size() > 2)
    throw BadInput{"output takes one run and one task (\"" + given[2] + "\" is too much); leave it out"};
  OutputCommand command{given.at(0), std::nullopt, line.is_on("--stderr"), line.is_on("--failed")};
  if (given.size() == 2) command.task = task_id(given[1]);
  return command;
}

Command parse_retry_line(std::vector<std::string> arguments) {
  CommandLine line{"Prints the line that runs a task of an exec run by hand, in a shell.", "retry-line",
                   true};
  line.positional("RUN TASK", "the run's directory, and the id of a task that has an outcome");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  const std::vector<std::string> given = line.positionals("RUN TASK");
  if (given.size() != 2)
    throw BadInput{"retry-line takes a run and a task (" + std::to_string(given.size()) +
                   " words are given); say `mpifarm retry-line RUN TASK`"};
  return RetryLineCommand{given[0], task_id(given[1])};
}

Command parse_results(std::vector<std::string> arguments) {
  CommandLine line{"Writes the results of one run, or of several shards, in task order.", "results", true};
  line.positional("RUN", "run directories");
  line.value("--format", "csv|jsonl|sqlite|joblog",
             "(csv; jsonl where a Result is nested); sqlite needs -o; joblog is of commands, as "
             "GNU parallel writes it");
  line.value("--status", "S", "only tasks that are succeeded, failed, timed-out or crashed");
  line.value("--output,-o", "FILE", "(stdout)");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  ResultsCommand command{line.positionals("RUN"), std::nullopt, false, std::nullopt, ""};
  if (const auto* text = line.given("--format")) {
    command.joblog = *text == "joblog";
    if (!command.joblog) command.format = parse_results_format("--format", *text);
    if (command.format == ResultsFormat::none)
      throw BadInput{"--format is no format (\"none\"); use csv, jsonl, sqlite or joblog"};
  }
  if (const auto* text = line.given("--status")) {
    command.status = *text == "timed-out" ? "timed out" : *text;
    const std::vector<std::string> known{"succeeded", "failed", "timed out", "crashed"};
    if (std::ranges::find(known, *command.status) == known.end())
      throw BadInput{"--status is not known (\"" + *text +
                     "\"); use succeeded, failed, timed-out or crashed"};
  }
  if (const auto* text = line.given("--output,-o")) {
    if (text->empty()) throw BadInput{"-o is empty (\"\"); name a file"};
    command.output = *text;
  }
  if (command.format == ResultsFormat::sqlite && command.output.empty())
    throw BadInput{
        "--format sqlite makes a database, not text for stdout (-o is missing); name a file with -o"};
  return command;
}

Command parse_merge(std::vector<std::string> arguments) {
  CommandLine line{"Makes one run of its shards: results, summary and conclusion.", "merge", true};
  line.positional("RUN", "the shards' run directories");
  line.value("--run", "DIR", "the run directory that is made");
  std::vector<std::string> command{"merge"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  const std::string* run = line.given("--run");
  if (run == nullptr || run->empty())
    throw BadInput{"no run directory is named (no --run); say `mpifarm merge RUN... --run DIR`"};
  return MergeCommand{line.positionals("RUN"), *run, std::move(command)};
}

}  // namespace mpifarm::app

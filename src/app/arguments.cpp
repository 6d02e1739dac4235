#include "app/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include "app/help.hpp"
#include "app/version.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "base/numbers.hpp"
#include "describe/text.hpp"

namespace mpifarm::app {
namespace {

// CLI11 takes the line apart; every value stays text here, since its own numbers saturate silently.
using Texts = std::map<std::string, std::vector<std::string>>;  // flag with its dashes -> values

std::string plain(double number) {
  std::string text;
  append_number(text, number);
  return text;
}

template <class T>
T parse_in(const std::string& flag, const std::string& text, T least, T most, const char* instead = "") {
  T value{};
  std::string why = parse_number(text, value);
  if (why.empty() && !(value >= least && value <= most)) why = "out of range";
  if (why.empty()) return value;
  const std::string range =
      std::is_integral_v<T> ? "a whole number from " + std::to_string(least) + " to " + std::to_string(most)
                            : "a number from " + plain(least) + " to " + plain(most);
  throw BadInput{flag + " is " + why + " (\"" + text + "\"); give " + range + instead};
}

class Flags {
 public:
  Flags(CLI::App& app, Texts& texts) : app_{app}, texts_{texts} {}

  CLI::Option* value(const std::string& name, const std::string& type, const std::string& help) {
    return app_.add_option(name, texts_[name], help)
        ->type_name(type)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  }
  CLI::Option* repeated(const std::string& name, const std::string& type, const std::string& help) {
    return app_.add_option(name, texts_[name], help)
        ->type_name(type)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  CLI::Option* positional(const std::string& name, const std::string& help) {
    return app_.add_option(name, texts_[name], help)->type_name("");
  }
  CLI::Option* on_off(const std::string& name, const std::string& help) {
    return app_.add_flag(name, texts_[name], help);
  }

 private:
  CLI::App& app_;
  Texts& texts_;
};

const std::string* given(const Texts& texts, const std::string& flag) {
  const auto found = texts.find(flag);
  return found == texts.end() || found->second.empty() ? nullptr : &found->second.front();
}

// Whether a switch is on; it may have been given a value.
bool is_on(const Texts& texts, const std::string& flag) {
  const std::string* text = given(texts, flag);
  bool on = text != nullptr;
  if (text != nullptr && !text->empty()) describe::read_text(*text, on, flag.substr(0, flag.find(',')));
  return on;
}

template <class T>
std::optional<T> number(const Texts& texts, const std::string& flag, T least, T most) {
  const std::string* text = given(texts, flag);
  if (text == nullptr) return std::nullopt;
  return parse_in(flag, *text, least, most);
}

template <class T>
std::optional<T> number_or_auto(const Texts& texts, const std::string& flag, T least, T most) {
  const std::string* text = given(texts, flag);
  if (text == nullptr || *text == "auto") return std::nullopt;
  return parse_in(flag, *text, least, most, ", or auto");
}

void add_start_flags(Flags& flags) {
  flags.value("--threads", "N|auto", "computing threads of every rank; auto: the cores granted to it");
  flags.value("--master-slots", "N|auto", "computing threads of rank 0");
  flags.value("--batch", "N|auto",
              "tasks in a batch; auto: a few milliseconds of work, fewer towards the end");
  flags.value("--prefetch", "N|auto", "tasks a rank holds beyond those it computes");
  flags.value("--nice", "N", "added to the nice value of computing threads (10)");
  flags.value("--grace", "SECONDS", "how long running tasks may take after a signal (30)");
  flags.value("--progress", "auto|bar|log|none",
              "auto: a bar on a terminal, elsewhere a line every few seconds");
  flags.on_off("--quiet,-q", "warnings and errors only");
  flags.on_off("--verbose,-v", "say more");
}

StartOptions start_options(const Texts& texts) {
  constexpr std::uint64_t most = std::uint64_t{1} << 32;
  StartOptions options;
  options.threads = number_or_auto<unsigned>(texts, "--threads", 1, 4096);
  options.master_slots = number_or_auto<unsigned>(texts, "--master-slots", 0, 4096);
  options.batching.batch = number_or_auto<std::uint64_t>(texts, "--batch", 1, most);
  options.batching.prefetch = number_or_auto<std::uint64_t>(texts, "--prefetch", 0, most);
  options.nice = number<int>(texts, "--nice", 0, 19).value_or(options.nice);
  options.grace_seconds = number<double>(texts, "--grace", 0, 1e6).value_or(options.grace_seconds);
  options.quiet = is_on(texts, "--quiet,-q");
  options.verbose = is_on(texts, "--verbose,-v");
  if (const auto* text = given(texts, "--progress")) options.progress = parse_progress(*text);
  return options;
}

void add_run_flags(Flags& flags) {
  flags.value("--tasks", "FILE|-",
              "take the tasks from a list: CSV with a header or JSON Lines, also gzip; the columns are the "
              "task's fields, see `mpifarm describe JOB`");
  flags.value("--run", "DIR", "the run directory (runs/JOB-DATE-TIME)");
  flags.on_off("--continue", "start, or resume if DIR is there");
  flags.value("--order", "fifo|lifo|shuffle", "in which order tasks are handed out (fifo)");
  flags.value("--seed", "N", "of shuffle and of the tasks' random streams (0)");
  flags.value("--retries", "N", "further attempts that a failed task gets (0)");
  flags.value("--retry-delay", "SECONDS", "before the first of them; doubles with each (0)");
  flags.value("--durability", "sync|batch|none",
              "when an outcome counts: on disk; in the kernel, on disk within a second; no journal (batch)");
  flags.value("--results", "csv|jsonl|sqlite|none", "the results file (csv; jsonl where a Result is nested)");
  flags.on_off("--dry-run", "say what would run, and run nothing");
}

RunOptions run_options(const Texts& texts) {
  RunOptions options;
  if (const auto* text = given(texts, "--order")) options.order = parse_order(*text);
  options.seed = number<std::uint64_t>(texts, "--seed", 0, std::numeric_limits<std::uint64_t>::max());
  options.retries = number<unsigned>(texts, "--retries", 0, 1'000'000);
  options.retry_delay_seconds = number<double>(texts, "--retry-delay", 0, 1e6);
  if (const auto* text = given(texts, "--durability")) options.durability = parse_durability(*text);
  if (const auto* text = given(texts, "--results"))
    options.results = parse_results_format("--results", *text);
  return options;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

[[noreturn]] void refuse_argument(const std::string& argument, const std::string& command) {
  throw BadInput{"an argument is not expected here (\"" + argument + "\"); see `mpifarm " + command +
                 " --help`"};
}

[[noreturn]] void refuse_argument(const std::string& argument, const CLI::App& app,
                                  const std::string& command) {
  if (!argument.starts_with('-')) refuse_argument(argument, command);
  const std::string flag = argument.substr(0, argument.find('='));
  const std::string near = nearest_name(flag, option_names(app));
  throw BadInput{"there is no flag " + flag + (near.empty() ? "" : " (did you mean " + near + "?)") +
                 "; see `mpifarm " + command + " --help`"};
}

// Parses `arguments` with `app`; returns help text when that was asked for.
std::optional<std::string> parse(CLI::App& app, std::vector<std::string> arguments,
                                 const std::string& command) {
  app.allow_extras();
  std::ranges::reverse(arguments);  // CLI11 wants them so
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return app.help();
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string text = error.what();  // "--seed: At Most 1 required but received 2"
    const bool many = text.find("At Most") != std::string::npos;
    throw BadInput{text.substr(0, text.find(':')) +
                   (many ? " is given more than once; give it once" : " has no value; give one") +
                   ", see `mpifarm " + command + " --help`"};
  } catch (const CLI::ParseError& error) {
    throw BadInput{std::string{error.what()} + "; see `mpifarm " + command + " --help`"};
  }
  for (const std::string& argument : app.remaining())
    if (argument != "--") refuse_argument(argument, app, command);
  return std::nullopt;
}

const JobType& require_job(const std::string& name, const Jobs& jobs) {
  if (const JobType* type = find_job(jobs, name)) return *type;
  std::vector<std::string> names;
  for (const JobType* job : jobs) names.emplace_back(job->name());
  const std::string near = nearest_name(name, names);
  throw BadInput{"there is no job \"" + name + "\"" + (near.empty() ? "" : " (did you mean " + near + "?)") +
                 "; `mpifarm list` shows the jobs"};
}

// The job comes first; behind flags of `run`, it is the first word that is neither a flag nor the value of
// one.
std::size_t find_job_name(const std::vector<std::string>& arguments) {
  CLI::App app;
  Texts texts;
  Flags flags{app, texts};
  add_run_flags(flags);
  add_start_flags(flags);
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& word = arguments[at];
    if (!word.starts_with('-')) return at;
    const CLI::Option* option = app.get_option_no_throw(word);
    if (option != nullptr && option->get_expected_max() > 0) ++at;
  }
  return 0;
}

Command parse_run(std::vector<std::string> arguments, const Jobs& jobs) {
  CLI::App app{"Computes a job's tasks on every rank, and keeps the outcomes in a run directory.",
               "mpifarm run JOB"};
  Texts texts;
  Flags flags{app, texts};
  const std::size_t at = find_job_name(arguments);
  const bool has_job = at < arguments.size() && !arguments[at].starts_with('-');
  RunCommand command;
  std::vector<describe::FlagInfo> job_flags;
  if (has_job) {
    command.command = arguments;
    command.type = &require_job(arguments[at], jobs);
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
    app.name("mpifarm run " + std::string{command.type->name()});
    app.description(std::string{command.type->summary()});
    job_flags = command.type->flags();
  }
  for (const describe::FlagInfo& flag : job_flags) {
    const std::string help = describe_flag(flag);
    CLI::Option* option = flag.is_switch  ? flags.on_off(flag.name, help)
                          : flag.repeated ? flags.repeated(flag.name, flag.type_name, help)
                                          : flags.value(flag.name, flag.type_name, help);
    option->group("Flags of the job");
  }
  add_run_flags(flags);
  add_start_flags(flags);
  const bool asks_help = std::ranges::any_of(
      arguments, [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (!has_job && !asks_help)
    throw BadInput{"no job is named; say `mpifarm run JOB`, `mpifarm list` shows the jobs"};
  if (const auto help = parse(app, std::move(arguments),
                              "run" + (has_job ? " " + std::string{command.type->name()} : " JOB")))
    return PrintCommand{*help};

  for (const describe::FlagInfo& flag : job_flags)
    for (const std::string& text : texts[flag.name]) command.job_flags.emplace_back(flag.name, text);
  command.run = run_options(texts);
  command.start = start_options(texts);
  if (const auto* text = given(texts, "--run")) {
    if (text->empty()) throw BadInput{"--run is empty (\"\"); give a directory"};
    command.directory = *text;
  }
  if (const auto* text = given(texts, "--tasks")) {
    if (text->empty()) throw BadInput{"--tasks is empty (\"\"); name a file, or - for the standard input"};
    command.tasks_from = *text == "-" ? *text : std::filesystem::absolute(*text).string();
  }
  command.continues = is_on(texts, "--continue");
  command.dry_run = is_on(texts, "--dry-run");
  if (command.continues && command.directory.empty())
    throw BadInput{"--continue does not know the run; name it with --run DIR"};
  command.type->params_from_flags(command.job_flags);  // refuses what is malformed, before MPI starts
  return command;
}

// Commands that take positional arguments and few flags.
struct Simple {
  Simple(const std::string& description, const std::string& usage)
      : app{description, "mpifarm " + usage}, flags{app, texts} {}
  CLI::App app;
  Texts texts;
  Flags flags;
};

// The arguments that are no flags; at least one.
const std::vector<std::string>& positionals(Simple& simple, const std::string& name,
                                            const std::string& command) {
  const std::vector<std::string>& all = simple.texts[name];
  if (all.empty() || all.front().empty())
    throw BadInput{name + " is missing; say `mpifarm " + command + " " + name + "`"};
  return all;
}

std::string positional(Simple& simple, const std::string& name, const std::string& command) {
  const std::vector<std::string>& all = positionals(simple, name, command);
  if (all.size() > 1) refuse_argument(all[1], command);
  return all.front();
}

Command parse_resume(std::vector<std::string> arguments) {
  Simple simple{"Carries on an unfinished run.", "resume"};
  simple.flags.positional("RUN", "the run's directory");
  add_start_flags(simple.flags);
  if (const auto help = parse(simple.app, std::move(arguments), "resume")) return PrintCommand{*help};
  return ResumeCommand{positional(simple, "RUN", "resume"), start_options(simple.texts)};
}

Command parse_list(std::vector<std::string> arguments) {
  Simple simple{"Lists the jobs.", "list"};
  if (const auto help = parse(simple.app, std::move(arguments), "list")) return PrintCommand{*help};
  return ListCommand{};
}

Command parse_describe(std::vector<std::string> arguments, const Jobs& jobs) {
  Simple simple{"Shows one job's flags, task fields and result fields.", "describe"};
  simple.flags.positional("JOB", "the job's name");
  if (const auto help = parse(simple.app, std::move(arguments), "describe")) return PrintCommand{*help};
  return DescribeCommand{&require_job(positional(simple, "JOB", "describe"), jobs)};
}

Command parse_status(std::vector<std::string> arguments) {
  Simple simple{"Shows the state of a live or ended run, from its files alone.", "status"};
  simple.flags.positional("RUN", "the run's directory");
  simple.flags.on_off("--json", "as JSON");
  simple.flags.on_off("--watch", "show the progress of a live run until it ends");
  if (const auto help = parse(simple.app, std::move(arguments), "status")) return PrintCommand{*help};
  return StatusCommand{positional(simple, "RUN", "status"), is_on(simple.texts, "--json"),
                       is_on(simple.texts, "--watch")};
}

Command parse_results(std::vector<std::string> arguments) {
  Simple simple{"Writes the results of one run, or of several shards, in task order.", "results"};
  simple.flags.positional("RUN", "run directories");
  simple.flags.value("--format", "csv|jsonl|sqlite",
                     "(csv; jsonl where a Result is nested); sqlite needs -o");
  simple.flags.value("--status", "S", "only tasks that are succeeded, failed, timed-out or crashed");
  simple.flags.value("--output,-o", "FILE", "(stdout)");
  if (const auto help = parse(simple.app, std::move(arguments), "results")) return PrintCommand{*help};
  ResultsCommand command{positionals(simple, "RUN", "results"), std::nullopt, std::nullopt, ""};
  if (const auto* text = given(simple.texts, "--format")) {
    command.format = parse_results_format("--format", *text);
    if (command.format == ResultsFormat::none)
      throw BadInput{"--format is no format (\"none\"); use csv, jsonl or sqlite"};
  }
  if (const auto* text = given(simple.texts, "--status")) {
    command.status = *text == "timed-out" ? "timed out" : *text;
    const std::vector<std::string> known{"succeeded", "failed", "timed out", "crashed"};
    if (std::ranges::find(known, *command.status) == known.end())
      throw BadInput{"--status is not known (\"" + *text +
                     "\"); use succeeded, failed, timed-out or crashed"};
  }
  if (const auto* text = given(simple.texts, "--output,-o")) {
    if (text->empty()) throw BadInput{"-o is empty (\"\"); name a file"};
    command.output = *text;
  }
  if (command.format == ResultsFormat::sqlite && command.output.empty())
    throw BadInput{
        "--format sqlite makes a database, not text for stdout (-o is missing); name a file with -o"};
  return command;
}

}  // namespace

Command parse_arguments(const std::vector<std::string>& arguments, const Jobs& jobs) {
  if (arguments.empty()) return PrintCommand{overall_help()};
  const std::string& name = arguments[0];
  const bool asks_help = name == "--help" || name == "-h" || name == "help";
  if (asks_help || name == "--version") {
    if (arguments.size() > 1)
      throw BadInput{"an argument is not expected here (\"" + arguments[1] + "\"); see `mpifarm --help`"};
    return PrintCommand{asks_help ? overall_help() : version_text()};
  }
  std::vector<std::string> rest{arguments.begin() + 1, arguments.end()};
  if (name == "run") return parse_run(std::move(rest), jobs);
  if (name == "resume") return parse_resume(std::move(rest));
  if (name == "list") return parse_list(std::move(rest));
  if (name == "describe") return parse_describe(std::move(rest), jobs);
  if (name == "status") return parse_status(std::move(rest));
  if (name == "results") return parse_results(std::move(rest));
  const std::vector<std::string> names{"run",    "resume",  "list",   "describe",
                                       "status", "results", "--help", "--version"};
  const std::string near = nearest_name(name, names);
  throw BadInput{"there is no command \"" + name + "\"" +
                 (near.empty() ? "" : " (did you mean " + near + "?)") + "; see `mpifarm --help`"};
}

}  // namespace mpifarm::app

#include "app/arguments.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "app/command_line.hpp"
#include "app/help.hpp"
#include "app/launch_arguments.hpp"
#include "app/query_arguments.hpp"
#include "app/slurm_job.hpp"
#include "app/version.hpp"
#include "base/amounts.hpp"
#include "base/error.hpp"
#include "base/nearest.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {
namespace {

void add_start_flags(CommandLine& line) {
  line.value("--threads", "N|auto", "computing threads of every rank; auto: the cores granted to it");
  line.value("--master-slots", "N|auto", "computing threads of rank 0");
  line.value("--slots-per-task", "K", "slots that a task takes, for one that is parallel itself (1)");
  line.value("--batch", "N|auto",
             "tasks in a batch; auto: a few milliseconds of work, fewer towards the end");
  line.value("--prefetch", "N|auto", "tasks a rank holds beyond those it computes");
  line.value("--nice", "N",
             "added to the niceness of what computes (10 for threads that leave the rank no core, else 0)");
  line.value("--timeout", "SECONDS", "a task that takes longer has failed; it is isolated for that");
  line.value("--isolate", "thread|process|auto",
             "where tasks are computed; auto: on threads, and in processes what was on a rank that died");
  line.value("--memory", "SIZE", "that an isolated task may take, such as 500M or 2G");
  line.value("--crash-limit", "N",
             "so many processes a task may crash before it has failed (2; 1 if it is not repeatable)");
  line.value("--halt", "never|soon|now[,fail=N|N%]", "stop when so many tasks have failed for good (never)");
  line.value("--grace", "SECONDS", "how long running tasks may take after a signal (30)");
  line.value(
      "--time-left", "SECONDS|auto|none",
      "hand out no more tasks than are likely to end in that time; auto: what squeue says of the Slurm job");
  line.value("--heartbeat", "SECONDS", "so long a silence of a rank means that it is lost (10)");
  line.value("--progress", "auto|bar|log|none",
             "auto: a bar on a terminal, elsewhere a line every few seconds");
  line.on_off("--quiet,-q", "warnings and errors only");
  line.on_off("--verbose,-v", "say more");
}

sched::BatchingOptions batching_options(const CommandLine& line) {
  constexpr std::uint64_t most = std::uint64_t{1} << 32;
  return {line.number_or_auto<std::uint64_t>("--batch", 1, most),
          line.number_or_auto<std::uint64_t>("--prefetch", 0, most)};
}

LimitOptions limit_options(const CommandLine& line) {
  LimitOptions options;
  if (const auto* text = line.given("--isolate")) {
    check_isolate("--isolate", *text);
    options.isolate = *text;
  }
  options.timeout_seconds = line.number<double>("--timeout", 0.001, 1e8);
  if (const auto* text = line.given("--memory")) options.memory_bytes = parse_bytes("--memory", *text);
  options.crash_limit = line.number<unsigned>("--crash-limit", 1, 1'000'000);
  if (const auto* text = line.given("--halt")) {
    parse_halt("--halt", *text);
    options.halt = *text;
  }
  options.slots_per_task = line.number<unsigned>("--slots-per-task", 1, 4096);
  ManifestFields together;
  take_limits(options, together);  // refuses what does not go together
  return options;
}

StartOptions start_options(const CommandLine& line) {
  StartOptions options;
  options.threads = line.number_or_auto<unsigned>("--threads", 1, 4096);
  options.master_slots = line.number_or_auto<unsigned>("--master-slots", 0, 4096);
  options.batching = batching_options(line);
  options.nice = line.number<int>("--nice", 0, 19);
  options.grace_seconds = line.number<double>("--grace", 0, 1e6).value_or(options.grace_seconds);
  options.heartbeat_seconds = line.number<double>("--heartbeat", 1, 1e6).value_or(options.heartbeat_seconds);
  if (const auto* text = line.given("--time-left")) options.time_left = parse_time_left(*text);
  options.limits = limit_options(line);
  options.quiet = line.is_on("--quiet,-q");
  options.verbose = line.is_on("--verbose,-v");
  if (const auto* text = line.given("--progress")) options.progress = parse_progress(*text);
  return options;
}

void add_run_flags(CommandLine& line) {
  line.value("--tasks", "FILE|-",
             "take the tasks from a list: CSV with a header or JSON Lines, also gzip; the columns are the "
             "task's fields, see `mpifarm describe JOB`");
  line.value("--run", "DIR", "the run directory (runs/JOB-DATE-TIME)");
  line.on_off("--continue", "start, or resume if DIR is there");
  line.value("--reuse", "RUN", "take over what succeeded in another run, for tasks that are equal");
  line.value("--order", "fifo|lifo|shuffle", "in which order tasks are handed out (fifo)");
  line.value("--shard", "K/N",
             "every N-th task of the source, from the K-th; `mpifarm merge` makes a whole of them");
  line.value("--seed", "N", "of shuffle and of the tasks' random streams (0)");
  line.value("--retries", "N", "further attempts that a failed task gets (0)");
  line.value("--retry-delay", "SECONDS", "before the first of them; doubles with each (0)");
  line.value("--durability", "sync|batch|none",
             "when an outcome counts: on disk; in the kernel, on disk within a second; no journal (batch)");
  line.value("--results", "csv|jsonl|sqlite|none", "the results file (csv; jsonl where a Result is nested)");
  line.on_off("--force",
              "with --continue: take the run over from a master of another host, which must be dead");
  line.on_off("--dry-run", "say what would run, and run nothing");
}

RunOptions run_options(const CommandLine& line) {
  RunOptions options;
  if (const auto* text = line.given("--order")) options.order = parse_order(*text);
  if (const auto* text = line.given("--shard")) options.shard = parse_shard("--shard", *text);
  options.seed = line.number<std::uint64_t>("--seed", 0, std::numeric_limits<std::uint64_t>::max());
  options.retries = line.number<unsigned>("--retries", 0, 1'000'000);
  options.retry_delay_seconds = line.number<double>("--retry-delay", 0, 1e6);
  if (const auto* text = line.given("--durability")) options.durability = parse_durability(*text);
  if (const auto* text = line.given("--results")) options.results = parse_results_format("--results", *text);
  return options;
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
  CommandLine line{"", "run"};
  add_run_flags(line);
  add_start_flags(line);
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (!arguments[at].starts_with('-')) return at;
    if (line.takes_value(arguments[at])) ++at;
  }
  return 0;
}

// Takes what stands behind -- away, for the param that wants it.
std::vector<std::string> words_behind(std::vector<std::string>& arguments,
                                      const std::vector<describe::FlagInfo>& job_flags) {
  const auto dashes = std::ranges::find(arguments, "--");
  if (dashes == arguments.end() || std::ranges::none_of(job_flags, &describe::FlagInfo::is_words)) return {};
  std::vector<std::string> words{dashes + 1, arguments.end()};
  arguments.erase(dashes, arguments.end());
  return words;
}

// --tasks, or the job's own flag for a list; empty: none is given.
std::string list_of_tasks(const CommandLine& line, const std::vector<describe::FlagInfo>& job_flags) {
  std::vector<std::string> names{"--tasks"};
  for (const describe::FlagInfo& flag : job_flags)
    if (flag.is_list) names.push_back(flag.name);
  std::string list, given;
  for (const std::string& name : names)
    if (const auto* text = line.given(name)) {
      if (text->empty()) throw BadInput{name + " is empty (\"\"); name a file, or - for the standard input"};
      if (!given.empty())
        throw BadInput{given.append(" and ").append(name) + " are both the list of tasks (\"" + *text +
                       "\"); leave one of the two out"};
      given = name;
      list = *text == "-" ? *text : std::filesystem::absolute(*text).string();
    }
  return list;
}

Command parse_run(std::vector<std::string> arguments, const Jobs& jobs) {
  const std::size_t at = find_job_name(arguments);
  const bool has_job = at < arguments.size() && !arguments[at].starts_with('-');
  RunCommand command;
  std::vector<describe::FlagInfo> job_flags;
  std::string name = "run JOB",
              description =
                  "Computes a job's tasks on every rank, and keeps the outcomes in a run directory.";
  if (has_job) {
    command.command = arguments;
    command.type = &require_job(arguments[at], jobs);
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(at));
    name = "run " + std::string{command.type->name()};
    description = command.type->summary();
    job_flags = command.type->flags();
    for (const describe::FlagInfo& flag : job_flags)
      if (flag.is_words) description += ".\nBehind --: " + flag.help;
  }
  CommandLine line{description, name};
  line.heading("Flags of the job");
  const std::vector<std::string> words = words_behind(arguments, job_flags);
  for (const describe::FlagInfo& flag : job_flags) {
    const std::string help = describe_flag(flag);
    if (flag.is_words) continue;
    if (flag.is_switch)
      line.on_off(flag.name, help);
    else if (flag.repeated)
      line.repeated(flag.name, flag.type_name, help);
    else
      line.value(flag.name, flag.type_name, help);
  }
  line.heading("Flags of every run");
  add_run_flags(line);
  add_start_flags(line);
  const bool asks_help = std::ranges::any_of(
      arguments, [](const std::string& word) { return word == "--help" || word == "-h"; });
  if (!has_job && !asks_help)
    throw BadInput{"no job is named; say `mpifarm run JOB`, `mpifarm list` shows the jobs"};
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};

  for (const describe::FlagInfo& flag : job_flags)
    for (const std::string& text : flag.is_words ? words : line.all_given(flag.name))
      command.job_flags.emplace_back(flag.name, text);
  command.run = run_options(line);
  command.start = start_options(line);
  if (const auto* text = line.given("--run")) {
    if (text->empty()) throw BadInput{"--run is empty (\"\"); give a directory"};
    command.directory = *text;
  }
  command.tasks_from = list_of_tasks(line, job_flags);
  if (const auto* text = line.given("--reuse")) {
    if (text->empty()) throw BadInput{"--reuse is empty (\"\"); give a run's directory"};
    command.reuse = std::filesystem::absolute(*text).lexically_normal().string();
  }
  command.continues = line.is_on("--continue");
  command.dry_run = line.is_on("--dry-run");
  command.force = line.is_on("--force");
  if (command.force && !command.continues)
    throw BadInput{"--force has no effect on a new run (there is no --continue); leave it out"};
  if (command.continues && command.directory.empty())
    throw BadInput{"--continue does not know the run; name it with --run DIR"};
  command.type->params_from_flags(command.job_flags);  // refuses what is malformed, before MPI starts
  return command;
}

// What stands behind -- is looked at as `run` would, so that what is wrong with it is said once, and at once.
Command parse_launch(std::vector<std::string> arguments, const Jobs& jobs) {
  const auto dashes = std::ranges::find(arguments, "--");
  std::vector<std::string> behind;
  if (dashes != arguments.end()) behind.assign(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  CommandLine line{"Starts a run under mpirun or srun, watches it, and carries it on when it dies.",
                   "launch -n N -- JOB ..."};
  add_launch_flags(line);
  line.value("--relaunch", "N", "how often it is started again from its journal (3)");
  line.value("--chain", "N",
             "when a Slurm job's time is up: submit its script again, at most so often; see slurm/");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  LaunchCommand command;
  command.plan = launch_plan(line);
  command.chain = line.number<unsigned>("--chain", 0, 10'000);
  if (command.chain && !in_slurm_job())
    throw BadInput{
        "--chain has no Slurm job to submit again (SLURM_JOB_ID is not set); call launch in a job's script"};
  command.relaunches = line.number<unsigned>("--relaunch", 0, 1'000'000).value_or(command.relaunches);
  if (behind.empty())
    throw BadInput{"no job is named (nothing stands behind --); say `mpifarm launch -n N -- JOB ...`"};
  Command checked = parse_run(behind, jobs);
  if (auto* print = std::get_if<PrintCommand>(&checked)) return std::move(*print);
  auto& run = std::get<RunCommand>(checked);
  run.dry_ranks = command.plan.ranks;
  if (run.dry_run) return checked;
  command.arguments = behind;
  const auto flags_end = std::ranges::find(command.arguments, "--");  // what follows is a command's own
  command.arguments.erase(std::remove_if(command.arguments.begin(), flags_end,
                                         [](const std::string& word) {
                                           return word == "--continue" || word.starts_with("--continue=");
                                         }),
                          flags_end);
  command.directory = run.directory;
  if (command.directory.empty()) {
    command.directory = default_run_path(run.type->name()).string();
    command.arguments.insert(command.arguments.begin(), {"--run", command.directory});
  }
  if (!run.continues) refuse_existing(RunDirectory{command.directory});
  command.journaled = run.run.durability != Durability::none;
  command.reads_input = run.tasks_from == "-";
  command.repeatable = run.tasks_from.empty() || std::filesystem::is_regular_file(run.tasks_from);
  return command;
}

Command parse_resume(std::vector<std::string> arguments) {
  CommandLine line{"Carries on an unfinished run.", "resume"};
  line.positional("RUN", "the run's directory");
  line.value("--redo", "failed", "compute anew what failed for good");
  line.on_off("--force", "take the run over from a master of another host, which must be dead");
  add_start_flags(line);
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  ResumeCommand command{line.the_positional("RUN"), start_options(line), false, line.is_on("--force")};
  if (const auto* text = line.given("--redo")) {
    if (*text != "failed") throw BadInput{"--redo is not known (\"" + *text + "\"); use failed"};
    command.redo_failed = true;
  }
  return command;
}

Command parse_describe(std::vector<std::string> arguments, const Jobs& jobs) {
  CommandLine line{"Shows one job's flags, task fields and result fields.", "describe"};
  line.positional("JOB", "the job's name");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  return DescribeCommand{&require_job(line.the_positional("JOB"), jobs)};
}

// What no machine could hold, or no clock count.
void check_cluster(const sim::ClusterOptions& cluster) {
  constexpr double most_slots = 1e8, most_seconds = 1e9, most_bytes = 1e9;
  const double slots = static_cast<double>(cluster.nodes) * cluster.slots;
  if (slots > most_slots)
    throw BadInput{"--nodes times --slots is too large (" + grouped(static_cast<std::uint64_t>(slots)) +
                   " slots); give at most 100 million together"};
  if (cluster.durations.mean * std::max(1.0, static_cast<double>(cluster.count) / slots) > most_seconds)
    throw BadInput{"--count is too large for tasks of --duration (" + grouped(cluster.count) + " tasks, " +
                   cluster.durations.text() + "); give work for at most 30 years"};
  const auto batch = static_cast<double>(std::min(cluster.batching.batch.value_or(1), cluster.count));
  if (cluster.durations.mean * batch > most_seconds)
    throw BadInput{"--batch is too large for tasks of --duration (" + grouped(*cluster.batching.batch) +
                   " tasks, " + cluster.durations.text() + "); give a batch of at most 30 years"};
  if (batch * static_cast<double>(cluster.result_bytes) > most_bytes)
    throw BadInput{"--batch times --result-bytes is too large (" + grouped(*cluster.batching.batch) +
                   " times " + std::to_string(cluster.result_bytes) + "); give at most 1 GB together"};
}

Command parse_simulate(std::vector<std::string> arguments) {
  CommandLine line{"Runs the real scheduler on a virtual cluster, in virtual time.", "simulate"};
  line.value("--nodes", "N", "hosts, a rank each (100)");
  line.value("--slots", "N", "computing threads of each (128)");
  line.value("--count", "N", "tasks (100 a slot)");
  line.value(
      "--duration", "LAW",
      "of a task: SECONDS, constant:MEAN, uniform:MEAN, lognormal:MEAN,SIGMA, pareto:MEAN,ALPHA (0.5)");
  line.value("--latency", "SECONDS", "of a message (5e-06)");
  line.value("--bandwidth", "BYTES", "a second, into and out of rank 0 (1e+09)");
  line.value("--result-bytes", "N", "of a task's result (16)");
  line.value("--master-cost", "auto|M,L,T,C",
             "microseconds a message, a lease, a task and a commit; auto: measured here, now");
  line.value("--batch", "N|auto", "tasks in a batch");
  line.value("--prefetch", "N|auto", "tasks a rank holds beyond those it computes");
  line.value("--seed", "N", "of the durations (0)");
  line.value("--wanted", "SHARE", "the efficiency whose shortest mean is looked for; 0: none (0.95)");
  line.on_off("--no-journal", "as --durability none");
  line.on_off("--json", "as JSON");
  if (const auto help = line.parse(std::move(arguments))) return PrintCommand{*help};
  SimulateCommand command;
  sim::ClusterOptions& cluster = command.cluster;
  cluster.nodes = line.number<std::uint32_t>("--nodes", 1, 1'000'000).value_or(100);
  cluster.slots = line.number<std::uint32_t>("--slots", 1, 4096).value_or(128);
  cluster.count = line.number<std::uint64_t>("--count", 1, std::uint64_t{1} << 40)
                      .value_or(std::uint64_t{100} * cluster.nodes * cluster.slots);
  if (const auto* text = line.given("--duration")) cluster.durations = sim::parse_durations(*text);
  cluster.latency_seconds = line.number<double>("--latency", 0, 10).value_or(cluster.latency_seconds);
  cluster.bytes_per_second = line.number<double>("--bandwidth", 1, 1e15).value_or(cluster.bytes_per_second);
  cluster.result_bytes =
      line.number<std::uint64_t>("--result-bytes", 1, 1 << 20).value_or(cluster.result_bytes);
  cluster.seed = line.number<std::uint64_t>("--seed", 0, ~std::uint64_t{0}).value_or(0);
  cluster.batching = batching_options(line);
  cluster.journal = !line.is_on("--no-journal");
  if (const auto* text = line.given("--master-cost")) {
    command.master_cost = *text;
    if (*text != "auto") sim::parse_master_cost(*text);  // refused before anything runs
  }
  check_cluster(cluster);
  command.wanted = line.number<double>("--wanted", 0, 0.999).value_or(command.wanted);
  command.json = line.is_on("--json");
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
  if (name == "launch") return parse_launch(std::move(rest), jobs);
  if (name == "resume") return parse_resume(std::move(rest));
  if (name == "stop") return parse_stop(std::move(rest));
  if (name == "list") return parse_list(std::move(rest));
  if (name == "describe") return parse_describe(std::move(rest), jobs);
  if (name == "status") return parse_status(std::move(rest));
  if (name == "results") return parse_results(std::move(rest));
  if (name == "output") return parse_output(std::move(rest));
  if (name == "retry-line") return parse_retry_line(std::move(rest));
  if (name == "merge") return parse_merge(std::move(rest));
  if (name == "simulate") return parse_simulate(std::move(rest));
  const std::vector<std::string> names{"run",      "launch", "resume",   "stop",   "list",
                                       "describe", "status", "results",  "output", "merge",
                                       "simulate", "--help", "--version"};
  const std::string near = nearest_name(name, names);
  throw BadInput{"there is no command \"" + name + "\"" +
                 (near.empty() ? "" : " (did you mean " + near + "?)") + "; see `mpifarm --help`"};
}

}  // namespace mpifarm::app

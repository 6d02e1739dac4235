#include "app/launch_arguments.hpp"

#include <algorithm>
#include <cstdlib>

#include "app/slurm_job.hpp"
#include "base/cores.hpp"
#include "base/error.hpp"

namespace mpifarm::app {
namespace {

constexpr int most_ranks = 1'000'000;

std::optional<int> count_in(const char* variable) {
  const char* text = std::getenv(variable);
  int count = 0;
  const bool good = text != nullptr && parse_number(text, count).empty() && count >= 1 && count <= most_ranks;
  return good ? std::optional{count} : std::nullopt;
}

// What the job asked for: its tasks, or else one a node.
std::optional<int> ranks_of_slurm_job() {
  const auto tasks = count_in("SLURM_NTASKS");
  return tasks ? tasks : count_in("SLURM_JOB_NUM_NODES");
}

// srun gives a rank one core, unless it is told; since Slurm 22.05 it does not read SLURM_CPUS_PER_TASK.
int cores_of_slurm_rank(int ranks) {
  if (const auto asked = count_in("SLURM_CPUS_PER_TASK")) return *asked;
  const char* granted = std::getenv("SLURM_JOB_CPUS_PER_NODE");
  return granted == nullptr ? 0 : cores_of_rank(granted, ranks);
}

std::vector<std::string> parse_hosts(const std::string& text) {
  const auto refuse = [&](const char* why) {
    throw BadInput{"--hosts has " + std::string{why} + " (\"" + text +
                   "\"); give names with commas between them, such as node1,node2"};
  };
  std::vector<std::string> hosts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string host = text.substr(at, comma - at);
    if (!is_host_name(host) || host.front() == '-') refuse("what is no host's name");
    if (std::ranges::count(hosts, host) > 0) refuse("one host twice");
    hosts.push_back(host);
    at = comma + 1;
  }
  return hosts;
}

// The user has chosen how srun starts ranks.
bool says_mpi(const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [](const std::string& word) { return word.starts_with("--mpi"); });
}

Launcher launcher_of(const CommandLine& line, bool slurm) {
  const std::string* said = line.given("--launcher");
  const std::string launcher = said == nullptr ? "auto" : *said;
  if (launcher == "mpirun") return Launcher::mpirun;
  const bool pmix = !slurm || says_mpi(line.all_given("--srun")) || srun_has_pmix();
  if (launcher == "auto")
    return slurm && pmix && line.all_given("--mpirun").empty() ? Launcher::srun : Launcher::mpirun;
  if (launcher != "srun")
    throw BadInput{"--launcher is not known (\"" + launcher + "\"); use auto, mpirun or srun"};
  if (!slurm)
    throw BadInput{
        "srun has no Slurm job here (SLURM_JOB_ID is not set, or this is a rank of a step); call launch in a "
        "job's script, or use --launcher mpirun"};
  if (!pmix)
    throw BadInput{
        "srun cannot start MPI's ranks here (`srun --mpi=list` names no pmix); use --launcher mpirun"};
  return Launcher::srun;
}

}  // namespace

void add_launch_flags(CommandLine& line) {
  line.value("--ranks,-n", "N", "how many; in a Slurm job, its tasks if it is not said");
  line.value("--hosts", "NAME,...",
             "where, as many on each; those that fail are left out of a further start");
  line.value("--launcher", "auto|mpirun|srun", "auto: srun in a Slurm job, if it has PMIx; else mpirun");
  line.repeated("--mpirun", "WORD", "a further word for mpirun, such as --mpirun=--hostfile --mpirun=hosts");
  line.repeated("--srun", "WORD", "a further word for srun");
}

LaunchPlan launch_plan(const CommandLine& line) {
  LaunchPlan plan;
  const bool slurm = in_slurm_job();
  const std::vector<std::string>&mpirun = line.all_given("--mpirun"), &srun = line.all_given("--srun");
  plan.launcher = launcher_of(line, slurm);
  plan.extra = plan.launcher == Launcher::srun ? srun : mpirun;
  if (const auto& others = plan.launcher == Launcher::srun ? mpirun : srun; !others.empty())
    throw BadInput{"a word is for the other launcher (\"" + others[0] + "\", and ranks are started by " +
                   std::string{name_of(plan.launcher)} + "); see --launcher"};
  auto ranks = line.number<int>("--ranks,-n", 1, most_ranks);
  if (!ranks && slurm) ranks = ranks_of_slurm_job();
  if (!ranks) throw BadInput{"the number of ranks is missing (no -n); say `mpifarm launch -n N -- JOB ...`"};
  plan.ranks = *ranks;
  if (plan.launcher == Launcher::srun) plan.cores_of_rank = cores_of_slurm_rank(plan.ranks);
  if (const auto* hosts = line.given("--hosts")) {
    plan.hosts = parse_hosts(*hosts);
    plan.names_hosts = true;
  }
  return plan;
}

}  // namespace mpifarm::app

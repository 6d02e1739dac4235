#include "app/launcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/cores.hpp"
#include "base/error.hpp"
#include "base/numbers.hpp"
#include "base/processes.hpp"

extern char**
    environ;  // NOLINT(readability-redundant-declaration): the C library declares it only with GNU extensions

namespace mpifarm::app {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* text = variable == nullptr ? nullptr : std::getenv(variable);
  int number = 0;
  if (text == nullptr || !parse_number(text, number).empty()) return std::nullopt;
  return number;
}

struct Launcher {
  const char* rank;
  const char* size;
};

// Slurm's own variables are set in batch scripts too, where no step runs: a step says its number of tasks.
constexpr std::array launchers{Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                               Launcher{"PMI_RANK", "PMI_SIZE"},
                               Launcher{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}};

// Open MPI's mpirun tells its ranks by PMIx who they are: what lacks that has inherited the rest.
bool is_left_behind(const Launcher& launcher) {
  return &launcher == &launchers.front() && std::getenv("PMIX_RANK") == nullptr;
}

struct Found {
  LaunchedAs as;
  bool is_bare_step = false;  // of Slurm, whose PMIx plugin has not told its tasks of each other
};

std::optional<Found> find_launcher() {
  for (const Launcher& launcher : launchers) {
    const auto rank = number_in(launcher.rank);
    const auto size = number_in(launcher.size);
    if (rank && size && !is_left_behind(launcher))
      return Found{{*rank, *size}, &launcher == &launchers.back() && std::getenv("PMIX_RANK") == nullptr};
  }
  return std::nullopt;
}

}  // namespace

// A task that is the only one of its step, such as a shell of srun's, needs nobody.
std::optional<LaunchedAs> launched_as() {
  const auto found = find_launcher();
  if (!found || (found->is_bare_step && found->as.size == 1)) return std::nullopt;
  return found->as;
}

void check_launcher() {
  const auto found = find_launcher();
  if (found && found->is_bare_step && found->as.size > 1)
    throw BadInput{
        "srun has started " + std::to_string(found->as.size) +
        " ranks that MPI cannot bring together (PMIX_RANK is not set); say srun --mpi=pmix, or let "
        "mpifarm launch start them"};
}

// Open MPI says so in the environment when it has bound a process, and hands on what the user has said of it.
// It binds to a whole core, the first one to the first core; anything else was taskset's or a resource
// file's.
void leave_unasked_binding() {
  if (std::getenv("OMPI_MCA_orte_bound_at_launch") == nullptr) return;
  for (char** variable = environ; *variable != nullptr; ++variable)
    for (const std::string_view asked : {"OMPI_MCA_hwloc_base_", "OMPI_MCA_rmaps_"})
      if (std::string_view{*variable}.starts_with(asked) &&
          !std::string_view{*variable}.starts_with("OMPI_MCA_rmaps_base_oversubscribe"))
        return;
  const std::vector<std::uint32_t> allowed = affinity_cpus(getppid()), ours = affinity_cpus();
  if (!allowed.empty() && ours == core_of(rank_on_this_host() == 0 ? allowed.front() : ours.front(), allowed))
    bind_to(allowed);
}

int ranks_on_this_host() { return number_in("OMPI_COMM_WORLD_LOCAL_SIZE").value_or(0); }

int rank_on_this_host() { return number_in("OMPI_COMM_WORLD_LOCAL_RANK").value_or(0); }

bool survives_losses() {
  if (std::getenv("OMPI_MCA_orte_hnp_uri") == nullptr) return true;
  const char* recovery = std::getenv("OMPI_MCA_orte_enable_recovery");
  return recovery != nullptr && std::string_view{recovery} != "0";
}

bool speaks_for_all() {
  const auto launched = launched_as();
  return !launched || launched->rank == 0;
}

bool is_under_launcher() {
  constexpr std::array<std::string_view, 19> names{
      "mpirun",        "mpiexec", "orterun",  "orted",      "prterun",         "prte",  "prted",
      "mpiexec.hydra", "srun",    "aprun",    "slurmstepd", "hydra_pmi_proxy", "palsd", "jsrun",
      "jsrund",        "prun",    "mpispawn", "flux-shell", "apinit"};
  for (pid_t process = getppid(); process > 0; process = parent_of(process))
    if (std::ranges::find(names, process_name(process)) != names.end()) return true;
  return false;
}

bool speaks_to_user() { return speaks_for_all() || !is_under_launcher(); }

}  // namespace mpifarm::app

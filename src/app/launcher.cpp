#include "app/launcher.hpp"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/numbers.hpp"

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

struct Found {
  LaunchedAs as;
  bool is_bare_step = false;  // of Slurm, whose PMIx plugin has not told its tasks of each other
};

std::optional<Found> find_launcher() {
  for (const Launcher& launcher : launchers) {
    const auto rank = number_in(launcher.rank);
    const auto size = number_in(launcher.size);
    if (rank && size)
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

}  // namespace mpifarm::app

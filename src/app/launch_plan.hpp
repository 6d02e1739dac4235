#pragma once
// The command lines that start ranks: mpirun's, or srun's in a Slurm job. With both the other ranks live on
// when one dies. Pure.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mpifarm::app {

enum class Launcher { mpirun, srun };
std::string_view name_of(Launcher launcher);

struct LaunchPlan {
  Launcher launcher = Launcher::mpirun;
  int ranks = 1;                         // when no host has failed; those of failed hosts are not made up for
  std::vector<std::string> hosts{};      // all there are; empty: the launcher alone knows
  std::vector<std::string> failed{};     // of them
  int cores_of_rank = 0;                 // that srun gives each; 0: as it does by itself
  bool names_hosts = false;              // the user chose them: name them though none has failed
  std::vector<std::string> extra{};      // further words for the launcher
  std::vector<std::string> variables{};  // of the environment, for ranks on other hosts; srun hands on all
};

// Those that have not failed.
std::vector<std::string> living_hosts(const LaunchPlan& plan);

// `program`: what each rank runs. `cores`: of this host; mpirun wants to be told that ranks are more.
std::vector<std::string> launch_words(const LaunchPlan& plan, const std::vector<std::string>& program,
                                      std::size_t cores);
// The environment that the launcher wants, where the user has set nothing else.
std::vector<std::pair<std::string, std::string>> launch_variables(const LaunchPlan& plan);
// Starts one process on one host that ends at once: whether ranks can be started there.
std::vector<std::string> probe_words(const LaunchPlan& plan, const std::string& host);

// The cores that each of so many ranks can have where a Slurm job has fewest, from SLURM_JOB_CPUS_PER_NODE,
// such as "72(x2),36" (sbatch(1)); 0 when that cannot be read.
int cores_of_rank(std::string_view cpus_per_node, int ranks);

}  // namespace mpifarm::app

// Commands in a Slurm job get the surroundings of the shell that starts the run there.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "slurm_job.hpp"
#include "support/look.hpp"

namespace mpifarm::e2e {
namespace {

class SlurmSurroundings : public SlurmJob, public testing::WithParamInterface<std::string> {};

// Variables that a step of srun adds are the step's own.
TEST_P(SlurmSurroundings, OfACommandAreTheCallers) {
  const Workspace work;
  const std::string run_path = work / "run";
  const std::string commands = fmt::format(
      "exec --threads 1 --batch 1 --quiet --run {} --param n=1..9 -- sh -c \"sleep 0.2; $OUR_LOOK\"",
      run_path);
  Command command = in_job({"/bin/sh", "-c",
                            "umask 027; ulimit -Sn 777; sh -c \"$OUR_LOOK\" > " + (work / "own").string() +
                                "; " + GetParam() + " " + commands});
  command.environment["OUR_LOOK"] = look;
  command.environment["MPIFARM"] = program();
  expect_status(run(command), 0);
  const std::vector<std::string> of_step{
      "SLURM", "SRUN_", "MPIFARM=", "HOSTNAME=", "TMPDIR=", "LD_LIBRARY_PATH=", "PATH="};
  const std::vector<std::string> wanted = comparable(read_text(work / "own"), of_step);
  ASSERT_GT(wanted.size(), 20u);
  for (int task = 0; task < 9; ++task) {
    const Ended seen = run(mpifarm({"output", run_path, std::to_string(task)}));
    EXPECT_THAT(differences(comparable(seen.out, of_step), wanted), testing::IsEmpty()) << task;
  }
}

const std::vector<std::string> ways{"srun --mpi=pmix -n3 \"$MPIFARM\" run", "\"$MPIFARM\" launch -n 3 --",
                                    "\"$MPIFARM\" launch --launcher mpirun -n 3 --"};

INSTANTIATE_TEST_SUITE_P(By, SlurmSurroundings, testing::ValuesIn(ways));

}  // namespace
}  // namespace mpifarm::e2e

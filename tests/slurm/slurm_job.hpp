#pragma once
// Commands in jobs of the tests' Slurm cluster.

#include <cstdlib>

#include "support/spin_run.hpp"

namespace mpifarm::e2e {

inline const std::string cluster_configuration = "/tmp/mpifarm-test-cluster/slurm.conf";

// Not as a Command, whose end would take the daemons with it.
inline int cluster(const std::string& arguments) {
  return std::system((MPIFARM_CLUSTER_SCRIPT " " + arguments).c_str());
}

// Skips where there is no Slurm. Each test finds three nodes that are well.
class SlurmJob : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(cluster_configuration))
      GTEST_SKIP() << "the tests' Slurm cluster is not up here: is Slurm installed?";
    ASSERT_EQ(cluster("quit"), 0) << "a job of an earlier test goes on";
    ASSERT_EQ(cluster("up"), 0);
  }

  // As a shell inside a job of three nodes, a core on each.
  static Command in_job(const Arguments& arguments) {
    return {.arguments = Arguments{"/usr/bin/salloc", "-Q", "--no-kill", "-N3", "-n3"} + arguments,
            .environment = {{"SLURM_CONF", cluster_configuration}},
            .deadline = std::chrono::seconds{300}};
  }
  static void lose_node(const std::string& node) { ASSERT_EQ(cluster("kill " + node), 0); }
};

// The supervisor, among all that the command started.
inline pid_t supervisor_of(Process& process) {
  for (const pid_t member : process.members()) {
    const std::string line = read_text("/proc/" + std::to_string(member) + "/cmdline");
    if (line.starts_with(program() + '\0' + "launch")) return member;
  }
  return 0;
}

}  // namespace mpifarm::e2e

#include "support/program.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <sstream>

namespace mpifarm::e2e {
namespace {

// What Open MPI keeps for a job, and leaves when it is killed: left in its usual place, it would trip up a
// later mpirun that happens to get the same process id.
const std::string& launcher_files() {
  static const Workspace work;
  static const std::string path = work.path();
  return path;
}

Command under_mpirun(Arguments arguments) {
  Command command{std::move(arguments)};
  command.environment = {
      {"OMPI_ALLOW_RUN_AS_ROOT", "1"},
      {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
      {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
      {"OMPI_MCA_odls_base_sigkill_timeout", "0"},  // saves a second where a rank has failed
      {"OMPI_MCA_orte_tmpdir_base", launcher_files()},
      {"OMPI_MCA_btl_vader_backing_directory", launcher_files()}};
  return command;
}

}  // namespace

std::string program() { return MPIFARM_PROGRAM; }
std::string unsteady_job() { return MPIFARM_UNSTEADY_JOB; }

std::string trouble_job() { return MPIFARM_TROUBLE_JOB; }
std::string leaving_job() { return MPIFARM_LEAVING_JOB; }
std::string failing_sync() { return MPIFARM_FAILING_SYNC; }

Command under_a_careless_caller(Command command) {
  command.arguments = Arguments{"/usr/bin/python3", "-c",
                                "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
                                "os.execv(sys.argv[1], sys.argv[1:])"} +
                      command.arguments;
  return command;
}

Arguments operator+(Arguments left, const Arguments& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Command mpifarm(const Arguments& arguments) { return Command{Arguments{program()} + arguments}; }

Command mpirun(int ranks, const Arguments& arguments, const Arguments& launcher_flags) {
  return under_mpirun(Arguments{MPIFARM_MPIEXEC, "-n", std::to_string(ranks)} + launcher_flags +
                      Arguments{program()} + arguments);
}

Command on_ranks(int ranks, const Arguments& arguments) {
  return ranks == 0 ? mpifarm(arguments) : mpirun(ranks, arguments);
}

Command shell(int ranks, const std::string& text) {
  Command command = under_mpirun({"/bin/sh", "-c", text});
  std::string farm = program();
  if (ranks > 0) farm = fmt::format("{} -n {} {}", MPIFARM_MPIEXEC, ranks, farm);
  command.environment["MPIFARM"] = farm;
  return command;
}

Command mpirun_groups(const std::vector<Arguments>& groups) {
  Arguments arguments{MPIFARM_MPIEXEC};
  for (const Arguments& group : groups) {
    if (arguments.size() > 1) arguments.emplace_back(":");
    arguments = arguments + Arguments{"-n", "1"} + group;
  }
  return under_mpirun(std::move(arguments));
}

const std::string no_recovery = "mpifarm: a rank that dies ends this run";

std::vector<std::string> own_lines(const Ended& ended) {
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(ended.err))
    if (line.starts_with("mpifarm: ") && !line.starts_with(no_recovery)) lines.push_back(line);
  return lines;
}

void expect_status(const Ended& ended, int status) {
  EXPECT_FALSE(ended.late) << "it hangs";
  EXPECT_EQ(ended.status, status) << ended.err;
}

void expect_refused(const Ended& ended, const std::vector<std::string>& parts) {
  expect_status(ended, 2);
  EXPECT_EQ(ended.out, "");
  const std::vector<std::string> lines = own_lines(ended);
  ASSERT_EQ(lines.size(), 1u) << ended.err;
  for (const std::string& part : parts) EXPECT_THAT(lines[0], testing::HasSubstr(part));
  EXPECT_THAT(lines[0], testing::HasSubstr("; ")) << "it does not say what to do";
}

std::vector<pid_t> ranks_of(Process& process) {
  std::vector<pid_t> ranks;
  for (const pid_t member : process.members()) {
    const std::string name = read_text("/proc/" + std::to_string(member) + "/comm");
    if (member != process.id() && (name == "mpifarm\n" || name.starts_with("e2e_"))) ranks.push_back(member);
  }
  return ranks;
}

std::vector<pid_t> workers_of(Process& process, const std::filesystem::path& run) {
  std::vector<pid_t> workers = ranks_of(process);
  std::erase(workers, lock_holder(run));
  return workers;
}

pid_t lock_holder(const std::filesystem::path& run) {
  std::error_code ignored;
  if (!std::filesystem::exists(run / "lock", ignored)) return 0;
  std::istringstream text{read_text(run / "lock")};
  std::string host, boot;
  pid_t process = 0;
  text >> host >> boot >> process;
  return process;
}

Json summary_of(const std::filesystem::path& run) { return Json::file(run / "summary.json"); }
std::string digest_of(const std::filesystem::path& run) { return summary_of(run).text("digest"); }
std::string results_of(const std::filesystem::path& run) { return read_text(run / "results.csv"); }

Json status_of(const std::filesystem::path& run) {
  const Ended ended = e2e::run(mpifarm({"status", run, "--json"}));
  EXPECT_EQ(ended.status, 0) << ended.err;
  return Json::parse(ended.out);
}

bool wait_for_growth(Process& process, const std::filesystem::path& run, std::uint64_t from_bytes,
                     std::uint64_t by_bytes) {
  const auto grown = [&] { return journal_bytes(run) >= from_bytes + by_bytes; };
  wait_until([&] { return grown() || !process.running(); });
  return grown();
}

bool wait_for_outcomes(Process& process, const std::filesystem::path& run, std::uint64_t outcomes) {
  const auto enough = [&] {
    if (journal_bytes(run) == 0) return false;
    const Json status = status_of(run);
    return status.has("committed") && status.whole("committed") >= outcomes;
  };
  return wait_until([&] { return enough() || !process.running(); }) && enough();
}

}  // namespace mpifarm::e2e

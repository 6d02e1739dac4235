#include "app/slurm_job.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "app/launcher.hpp"
#include "app/subprocess.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "run/run_directory.hpp"

namespace mpifarm::app {
namespace {

constexpr const char *chain_variable = "MPIFARM_CHAIN_LEFT", *run_variable = "MPIFARM_RUN";

// What a job is asked for, and where Slurm tells it: the next one is asked for the same of this, whatever the
// script says and the command line said otherwise.
struct Request {
  const char* flag;
  const char* variable;
};
constexpr std::array requests{
    Request{"--job-name", "SLURM_JOB_NAME"},   Request{"--partition", "SLURM_JOB_PARTITION"},
    Request{"--account", "SLURM_JOB_ACCOUNT"}, Request{"--qos", "SLURM_JOB_QOS"},
    Request{"--nodes", "SLURM_JOB_NUM_NODES"}, Request{"--ntasks-per-node", "SLURM_NTASKS_PER_NODE"},
    Request{"--mem", "SLURM_MEM_PER_NODE"},    Request{"--mem-per-cpu", "SLURM_MEM_PER_CPU"},
    Request{"--gpus", "SLURM_GPUS"},           Request{"--gpus-per-node", "SLURM_GPUS_PER_NODE"},
    Request{"--ntasks", "SLURM_NTASKS"},       Request{"--cpus-per-task", "SLURM_CPUS_PER_TASK"},
    Request{"--chdir", "SLURM_SUBMIT_DIR"}};

std::string job_id() {
  const char* id = std::getenv("SLURM_JOB_ID");
  return id == nullptr ? std::string{} : id;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// A field of squeue's; empty when it does not answer.
std::string squeue_says(const std::string& format) {
  const Answer answer = ask({"squeue", "-h", "-j", job_id(), "-o", format});
  return answer.good() ? first_line(answer.output) : std::string{};
}

// The script as Slurm keeps it, in a file that is gone with this.
class BatchScript {
 public:
  BatchScript() {
    std::string name = std::filesystem::temp_directory_path() / "mpifarm-chain-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw_errno(name, "created");
    directory_ = name;
    const Answer answer = ask({"scontrol", "write", "batch_script", job_id(), path()});
    if (!answer.good())
      throw MachineryFailure{"the job's script cannot be had (" + first_line(answer.output) +
                             "); submit the next job yourself"};
  }
  BatchScript(const BatchScript&) = delete;
  BatchScript& operator=(const BatchScript&) = delete;
  ~BatchScript() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  std::string path() const { return directory_ / "script"; }

 private:
  std::filesystem::path directory_;
};

}  // namespace

bool in_slurm_job() {
  const char* nodes = std::getenv("SLURM_JOB_NODELIST");
  return !job_id().empty() && nodes != nullptr && *nodes != '\0' && !launched_as();
}

std::vector<std::string> slurm_hosts() {
  const Answer answer = ask({"scontrol", "show", "hostnames"});
  std::vector<std::string> hosts;
  std::istringstream lines{answer.good() ? answer.output : std::string{}};
  for (std::string host; std::getline(lines, host);)
    if (!host.empty()) hosts.push_back(host);
  return hosts;
}

bool srun_has_pmix() {
  const Answer answer = ask({"srun", "--mpi=list"});
  return !answer.good() || answer.output.find("pmix") != std::string::npos;
}

std::optional<Nanos> slurm_time_left() {
  if (job_id().empty()) return std::nullopt;
  const std::string left = squeue_says("%L");
  if (left.empty()) log::warning("squeue does not say how much time the Slurm job has left; see --time-left");
  return parse_slurm_time(left);
}

std::optional<Nanos> parse_slurm_time(std::string_view text) {
  std::int64_t days = 0;
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    if (!parse_number(std::string{text.substr(0, dash)}, days).empty() || days < 0) return std::nullopt;
    text.remove_prefix(dash + 1);
  }
  std::int64_t seconds = 0;
  int parts = 0;
  for (std::size_t at = 0; at <= text.size(); ++parts) {
    const std::size_t colon = std::min(text.find(':', at), text.size());
    std::int64_t part = 0;
    if (!parse_number(std::string{text.substr(at, colon - at)}, part).empty() || part < 0)
      return std::nullopt;
    seconds = seconds * 60 + part;
    at = colon + 1;
  }
  if (parts < 2 || parts > 3) return std::nullopt;
  return std::chrono::seconds{seconds} + std::chrono::hours{24 * days};
}

std::optional<Allocation> slurm_allocation(int ranks, unsigned slots) {
  const char* text = std::getenv("SLURM_JOB_NUM_NODES");
  unsigned nodes = 0;
  if (job_id().empty() || text == nullptr || !parse_number(text, nodes).empty() || nodes < 1) return {};
  const auto all = static_cast<unsigned>(ranks);
  return Allocation{.nodes = nodes,
                    .ranks_per_node = std::max(1U, all / nodes),
                    .cores_per_rank = std::max(1U, slots / std::max(1U, all))};
}

unsigned chain_left(unsigned most) {
  const char* text = std::getenv(chain_variable);
  unsigned left = 0;
  return text != nullptr && parse_number(text, left).empty() ? std::min(left, most) : most;
}

std::string submit_continuation(const std::string& run, unsigned left) {
  const BatchScript script;
  std::vector<std::string> words{"sbatch", "--parsable", "--export=ALL", "--dependency=afterany:" + job_id()};
  for (const auto& [flag, variable] : requests)
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0')
      words.push_back(std::string{flag} + '=' + value);
  if (const std::string limit = squeue_says("%l"); parse_slurm_time(limit))
    words.push_back("--time=" + limit);
  if (squeue_says("%h") == "NO") words.emplace_back("--exclusive");
  words.push_back(script.path());
  setenv(chain_variable, std::to_string(left).c_str(), 1);
  setenv(run_variable, std::filesystem::absolute(run).c_str(), 1);
  setenv(job_before_variable, job_id().c_str(), 1);
  const Answer answer = ask(words);
  if (!answer.good())
    throw MachineryFailure{"the next job cannot be submitted (" + first_line(answer.output) +
                           "); submit it yourself, the run is good"};
  return first_line(answer.output);
}

}  // namespace mpifarm::app

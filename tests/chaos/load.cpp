#include "load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace mpifarm::chaos {
namespace {

using e2e::Arguments;
using e2e::operator+;

// What stays the same in all starts of a run.
Arguments run_flags(const Case& drawn, const std::filesystem::path& run) {
  Arguments flags{"--order", drawn.order, "--durability", drawn.durability, "--run", run.string()};
  if (drawn.isolated) flags = flags + Arguments{"--isolate", "process", "--retries", "3"};
  return flags;
}

Arguments start_flags(const Case& drawn, const Start& start) {
  return {"--threads", std::to_string(start.threads), "--batch", drawn.batch, "--heartbeat", "1"};
}

}  // namespace

Loads::Loads(std::filesystem::path directory) : directory_{std::move(directory)} {
  std::filesystem::create_directories(directory_);
}

std::filesystem::path Loads::list(const Shape& shape) const {
  return directory_ / fmt::format("{}.csv", shape.tasks);
}

Arguments Loads::job(const Shape& shape) const {
  const std::string tasks = std::to_string(shape.tasks);
  const std::string seconds = fmt::format("{}", shape.milliseconds / 1000);
  const Arguments drawn_seconds{"--duration", seconds, "--law", "uniform", "--seed", "11"};
  switch (shape.load) {
    case Load::spin_waits:
      return Arguments{"spin", "--wait", "--count", tasks} + drawn_seconds;
    case Load::spin_computes:
      return Arguments{"spin", "--count", tasks} + drawn_seconds;
    case Load::spin_list:
      return Arguments{"spin", "--wait", "--tasks", list(shape).string()} + drawn_seconds;
    case Load::squares_list:
      return {"squares", "--tasks", list(shape).string()};
    case Load::leaving:
      return {"leaving", "--count", tasks, "--pause", seconds, "--seed", "11"};
  }
  return {};
}

const Undisturbed& Loads::undisturbed(const Shape& shape) {
  const auto known = known_.find(shape);
  if (known != known_.end()) return known->second;
  if (shape.load == Load::spin_list || shape.load == Load::squares_list) {
    std::ofstream rows{list(shape)};
    rows << "n\n";
    for (std::uint64_t n = 0; n < shape.tasks; ++n) rows << n << '\n';
  }
  const std::filesystem::path run = directory_ / fmt::format("undisturbed-{}", known_.size());
  e2e::Command command =
      e2e::mpifarm(Arguments{"run"} + job(shape) + Arguments{"--threads", "16", "--run", run.string()});
  std::ranges::replace(command.arguments, e2e::program(), program_of(shape));
  const e2e::Ended ended = e2e::run(command);
  if (ended.status != 0) throw std::runtime_error{"undisturbed, it fails too: " + ended.err};
  return known_[shape] = {e2e::digest_of(run), e2e::results_of(run), ended.out, e2e::journal_bytes(run)};
}

std::string program_of(const Shape& shape) {
  return shape.load == Load::leaving ? MPIFARM_LEAVING_JOB : e2e::program();
}

e2e::Command command_of(const Case& drawn, const Start& start, const Arguments& job,
                        const std::filesystem::path& run, bool whole, bool later) {
  const Arguments anew = job + run_flags(drawn, run) + start_flags(drawn, start) +
                         (later ? Arguments{"--continue"} : Arguments{});
  const Arguments farm = whole || start.continues
                             ? Arguments{"run"} + anew
                             : Arguments{"resume", run.string()} + start_flags(drawn, start);
  e2e::Command command =
      e2e::mpirun(start.ranks, farm, drawn.over_tcp ? Arguments{"--mca", "btl", "tcp,self"} : Arguments{});
  if (drawn.sudden)
    command.environment["OMPI_MCA_odls_base_sigkill_timeout"] = "0";
  else
    command.environment.erase("OMPI_MCA_odls_base_sigkill_timeout");
  if (start.way == Way::recovering) command.environment["OMPI_MCA_orte_enable_recovery"] = "1";
  if (start.way == Way::alone) command.arguments = e2e::mpifarm(farm).arguments;
  if (start.way == Way::supervised) {
    Arguments launch{"launch", "-n", std::to_string(start.ranks)};
    if (drawn.over_tcp) launch = launch + Arguments{"--mpirun=--mca", "--mpirun=btl", "--mpirun=tcp,self"};
    command.arguments = e2e::mpifarm(launch + Arguments{"--"} + anew).arguments;
  }
  std::ranges::replace(command.arguments, e2e::program(), program_of(drawn.shape));
  return command;
}

}  // namespace mpifarm::chaos

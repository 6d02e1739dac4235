#include "load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <stdexcept>

namespace mpifarm::chaos {
namespace {

using e2e::Arguments;
using e2e::operator+;

// What stays the same in all starts of a run.
Arguments run_flags(const Case& drawn, const std::filesystem::path& run) {
  Arguments flags{"--order", drawn.order, "--durability", drawn.durability, "--run", run.string()};
  if (drawn.isolated) flags = flags + Arguments{"--isolate", "process", "--retries", "3"};
  if (drawn.shape.load == Load::commands) flags = flags + Arguments{"--crash-limit", "9"};
  return flags;
}

Arguments start_flags(const Case& drawn, const Start& start) {
  return {"--threads", std::to_string(start.threads), "--batch", drawn.batch, "--heartbeat", "1"};
}

// Lines that a command writes itself, and that it leaves others to write: its output goes through tee, a
// writer in the background has a file of its own, and a child in a session of its own outlives its parent.
constexpr std::array copied_lines{"one", "two", "late", "child", "end"};
const std::string command_line =
    "exec > >(tee -a \"$PLACE/t.$N\") 2>&1; echo $N one; echo $N two; (sleep 0.03; echo $N late) & "
    "(sleep 0.02; echo $N background >> \"$PLACE/b.$N\") & setsid sh -c 'sleep 0.02; echo $N child' & "
    "echo $N end";

std::set<std::string> lines_in(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {};
  const std::vector<std::string> lines = e2e::lines_of(e2e::read_text(file));
  return {lines.begin(), lines.end()};
}

}  // namespace

std::string missing_line(const Shape& shape, const std::filesystem::path& place,
                         const std::filesystem::path& run) {
  const std::vector<std::string> kept = e2e::lines_of(e2e::run(e2e::mpifarm({"output", run.string()})).out);
  const std::set<std::string> output{kept.begin(), kept.end()};
  for (std::uint64_t n = 0; n < shape.tasks; ++n) {
    const std::string name = std::to_string(n);
    const std::set<std::string> copied = lines_in(place / ("t." + name));
    for (const char* what : copied_lines)
      for (const auto* lines : {&copied, &output})
        if (const std::string line = name + " " + what; !lines->contains(line))
          return "\"" + line + "\" in " + (lines == &output ? "the output" : "the file of tee");
    if (!lines_in(place / ("b." + name)).contains(name + " background"))
      return "the line of the background writer of " + name;
  }
  return {};
}

std::string comparable_results(const Shape& shape, const std::string& results) {
  if (shape.load != Load::commands) return results;
  std::string text;
  for (const e2e::Row& row : e2e::csv_rows(results)) text += row.at(0) + "," + row.at(1) + "\n";
  return text;
}

std::string comparable_conclusion(std::string conclusion, const std::filesystem::path& run) {
  if (const std::size_t at = conclusion.find(run.string()); at != conclusion.npos)
    conclusion.replace(at, run.string().size(), "RUN");
  return conclusion;
}

Loads::Loads(std::filesystem::path directory) : directory_{std::move(directory)} {
  std::filesystem::create_directories(directory_);
}

std::filesystem::path Loads::list(const Shape& shape) const {
  return directory_ / fmt::format("{}.csv", shape.tasks);
}

Arguments Loads::job(const Shape& shape, const std::filesystem::path& place) const {
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
    case Load::commands:
      return {"exec",
              "--param",
              "n=0.." + std::to_string(shape.tasks - 1),
              "--env",
              "N={n}",
              "--env",
              "PLACE=" + place.string(),
              "--",
              "bash",
              "-c",
              command_line};
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
      e2e::mpifarm(Arguments{"run", "--threads", "16", "--run", run.string()} + job(shape, directory_));
  std::ranges::replace(command.arguments, e2e::program(), program_of(shape));
  const e2e::Ended ended = e2e::run(command);
  if (ended.status != 0) throw std::runtime_error{"undisturbed, it fails too: " + ended.err};
  return known_[shape] = {e2e::digest_of(run), comparable_results(shape, e2e::results_of(run)),
                          comparable_conclusion(ended.out, run), e2e::journal_bytes(run)};
}

std::string program_of(const Shape& shape) {
  return shape.load == Load::leaving ? MPIFARM_LEAVING_JOB : e2e::program();
}

e2e::Command command_of(const Case& drawn, const Start& start, const Arguments& job,
                        const std::filesystem::path& run, bool whole, bool later) {
  const Arguments flags =
      run_flags(drawn, run) + start_flags(drawn, start) + (later ? Arguments{"--continue"} : Arguments{});
  const Arguments anew = Arguments{job.front()} + flags + Arguments{job.begin() + 1, job.end()};
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

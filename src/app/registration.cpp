#include "app/registration.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/error.hpp"

namespace mpifarm::app {
namespace {

// A promise to users that holds for flags to come, too.
constexpr std::array<std::string_view, 37> reserved_flags{
    "--tasks",         "--run",      "--continue", "--threads",    "--master-slots", "--io-slots",
    "--batch",         "--prefetch", "--order",    "--seed",       "--retries",      "--retry-delay",
    "--timeout",       "--isolate",  "--halt",     "--durability", "--results",      "--heartbeat",
    "--progress",      "--shard",    "--dry-run",  "--quiet",      "--verbose",      "--nice",
    "--grace",         "--help",     "--version",  "--memory",     "--crash-limit",  "--time-left",
    "--relaunch",      "--force",    "--redo",     "--reuse",      "--chain",        "--format",
    "--slots-per-task"};

}  // namespace

bool is_reserved_flag(std::string_view flag) {
  return std::ranges::find(reserved_flags, flag) != reserved_flags.end();
}

void check_jobs(const Jobs& jobs) {
  std::set<std::string_view> names;
  for (const JobType* job : jobs) {
    const std::string name{job->name()};
    if (!names.insert(job->name()).second)
      throw BadInput{"two jobs have one name (\"" + name + "\"); rename one of them"};
    if (name.empty() || name.starts_with('-'))
      throw BadInput{"a job cannot have this name (\"" + name + "\"); begin it with a letter"};
    for (const describe::FlagInfo& flag : job->flags())
      if (is_reserved_flag(flag.name))
        throw BadInput{"job " + name + " has a param that clashes with a flag of mpifarm (" + flag.field +
                       ", of " + flag.name + "); rename the param"};
  }
}

}  // namespace mpifarm::app

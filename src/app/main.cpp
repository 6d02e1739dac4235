#include "app/main.hpp"

#include <cstdio>
#include <string>
#include <vector>

#include "app/arguments.hpp"
#include "app/launcher.hpp"
#include "app/query_commands.hpp"
#include "app/registration.hpp"
#include "app/run_command.hpp"
#include "base/error.hpp"

namespace mpifarm::app {
namespace {

struct Carry {
  const Jobs& jobs;

  int operator()(const RunCommand& command) const { return run(command, jobs); }
  int operator()(const ResumeCommand& command) const { return resume(command, jobs); }
  int operator()(const ListCommand&) const { return list(jobs), 0; }
  int operator()(const DescribeCommand& command) const { return describe_job(command), 0; }
  int operator()(const StatusCommand& command) const { return status(command, jobs), 0; }
  int operator()(const ResultsCommand& command) const { return results(command, jobs), 0; }
  int operator()(const PrintCommand& command) const { return std::fputs(command.text.c_str(), stdout), 0; }
};

// An error is said once: by rank 0, or by the one process there is.
int fail(ExitStatus status, const char* what, bool everywhere) {
  if (everywhere || speaks_for_all()) std::fprintf(stderr, "mpifarm: %s\n", what);
  return static_cast<int>(status);
}

}  // namespace

int main(int argc, char** argv, const Jobs& jobs) {
  try {
    check_jobs(jobs);
    return std::visit(Carry{jobs}, parse_arguments({argv + 1, argv + argc}, jobs));
  } catch (const BadInput& error) {
    return fail(ExitStatus::bad_input, error.what(), false);
  } catch (const std::exception& error) {
    return fail(ExitStatus::machinery, error.what(), true);
  }
}

}  // namespace mpifarm::app

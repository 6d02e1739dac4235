#include "app/main.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <vector>

#include "app/arguments.hpp"
#include "app/failure.hpp"
#include "app/launch_command.hpp"
#include "app/launcher.hpp"
#include "app/merge_command.hpp"
#include "app/output_command.hpp"
#include "app/query_commands.hpp"
#include "app/registration.hpp"
#include "app/run_command.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace mpifarm::app {
namespace {

// What only looks is done by one rank, should a launcher have started several.
struct Carry {
  const Jobs& jobs;

  int operator()(const RunCommand& command) const { return run(command, jobs); }
  int operator()(const ResumeCommand& command) const { return resume(command, jobs); }
  int operator()(const LaunchCommand& command) const { return launch(command); }
  int operator()(const StopCommand& command) const {
    return look([&] { stop(command); });
  }
  int operator()(const ListCommand&) const {
    return look([&] { list(jobs); });
  }
  int operator()(const DescribeCommand& command) const {
    return look([&] { describe_job(command); });
  }
  int operator()(const StatusCommand& command) const {
    return look([&] { status(command, jobs); });
  }
  int operator()(const ResultsCommand& command) const {
    return look([&] { results(command, jobs); });
  }
  int operator()(const RetryLineCommand& command) const {
    return look([&] { retry_line(command); });
  }
  int operator()(const OutputCommand& command) const {
    return look([&] { output(command); });
  }
  int operator()(const MergeCommand& command) const {
    int status = 0;
    look([&] { status = merge(command, jobs); });
    return status;
  }
  int operator()(const SimulateCommand& command) const {
    return look([&] { simulate(command); });
  }
  int operator()(const PrintCommand& command) const {
    return look([&] { std::fputs(command.text.c_str(), stdout); });
  }

 private:
  template <class Look>
  static int look(Look look) {
    if (!speaks_to_user()) return 0;
    look();
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !settle_output(STDOUT_FILENO)) {
      const std::string why = errno_text(errno);
      throw MachineryFailure{output_name(STDOUT_FILENO) + " could not be written (" + why +
                             "); make room, or see where it goes"};
    }
    return 0;
  }
};

// A stream that the caller closed would give its number to a file opened later, which then gets its text.
void open_standard_streams() {
  int descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (descriptor > STDERR_FILENO) ::close(descriptor);
}

}  // namespace

int main(int argc, char** argv, const Jobs& jobs) {
  try {
    open_standard_streams();
    std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is then an error like a full disk
    std::signal(SIGCHLD, SIG_DFL);  // who ignores it learns nothing of how children end
    check_jobs(jobs);
    return std::visit(Carry{jobs}, parse_arguments({argv + 1, argv + argc}, jobs));
  } catch (const std::exception& error) {
    return tell(error);
  } catch (...) {
    return tell_unknown();
  }
}

}  // namespace mpifarm::app

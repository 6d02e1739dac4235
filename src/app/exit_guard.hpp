#pragma once
// Meets an exit(3) that a job calls in a task, a source or reduce: without it the whole rank would end at
// once with the job's status, and a run that is not complete would look like a success.

#include <string>

namespace mpifarm::app {

// While one stands, exit(3) and quick_exit(3) in this process end it with status 3 and one line on stderr. At
// most one at a time. What is forked meanwhile is not guarded.
class ExitGuard {
 public:
  // `rank`: of this process, for the line.
  explicit ExitGuard(int rank);
  ExitGuard(const ExitGuard&) = delete;
  ExitGuard& operator=(const ExitGuard&) = delete;
  ~ExitGuard();

  // From here on this process may call exit(3), as MPI_Abort does.
  static void lift();
  // Sets what the line tells a user to do. Any thread, once.
  static void advise(const std::string& advice);
};

}  // namespace mpifarm::app

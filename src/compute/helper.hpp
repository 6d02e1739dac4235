#pragma once
// A rank's helper: a process of one thread, forked before MPI and before any thread, which makes the job and
// forks children that compute. A fork of the rank itself would copy MPI's state and locks that other threads
// hold; a fork of the helper copies the job as it was made, page by page, when it is written to.
//
// Helper and children have no terminal and no standard streams, leave the launcher's variables behind, so
// that a task may start MPI programs, dump no core, and end with their rank. A child is the subreaper of
// what it starts (PR_SET_CHILD_SUBREAPER, prctl(2)): nothing it starts outlives it.

#include <sys/types.h>

#include "base/frames.hpp"
#include "compute/helper_protocol.hpp"
#include "compute/slot_cells.hpp"

namespace mpifarm {

// The environment variable in which a launcher of ours lists those that it has added, with commas between
// them: no task sees these.
inline constexpr const char* added_variables = "MPIFARM_ADDED_VARIABLES";

// The rank's side. One thread at a time.
class Helper {
 public:
  // Forks: call it while the process has one thread. Throws MachineryFailure.
  explicit Helper(const FindJob& find_job);
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  // Ends the helper and all children, and waits for that.
  ~Helper();

  // Has the helper make the job; waits for it. Throws ProcessLost when the helper has ended.
  JobFacts make_job(const JobRecipe& recipe, const helper::ChildOptions& options);
  bool has_job() const { return has_job_; }
  // When this process ends while its threads compute, what they computed is appended to `file` (absolute):
  // positions, a line each.
  void keep_suspects(const std::string& file);

  void send(const helper::ToHelper& words);
  // For poll(2), and to be filled from; a backend's while it lives.
  FrameSocket& socket() { return socket_; }
  SlotCells& cells() const { return *cells_; }
  pid_t process() const { return process_; }

 private:
  SharedSlotCells cells_;
  FrameSocket socket_;
  pid_t process_ = -1;
  bool has_job_ = false;
};

// "killed by signal 11 (Segmentation fault)" or "ended with status 3", of a status of wait(2).
std::string describe_end(int wait_status);

}  // namespace mpifarm

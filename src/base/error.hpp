#pragma once
// The ways a run can end badly, as exceptions and exit statuses.

#include <stdexcept>
#include <string>

namespace mpifarm {

// What a process tells its caller. A promise to users: add, never change.
enum class ExitStatus : int {
  success = 0,       // every task succeeded
  tasks_failed = 1,  // some task failed for good
  bad_input = 2,     // bad usage or input; nothing was computed
  machinery = 3,     // MPI, disk or a bug failed
  resumable = 75,    // unfinished; `mpifarm resume` carries on (EX_TEMPFAIL)
};

// The user's flags, files or job parameters are wrong. The text says what, why with the value and where, and
// what to do.
struct BadInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Something under us failed: disk, MPI, the kernel. The journal stays intact.
struct MachineryFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The run cannot go on now, but another start can carry it on.
struct Resumable : MachineryFailure {
  using MachineryFailure::MachineryFailure;
};

// A process that this one needs was ended from outside. What it did is lost, and can be done again.
struct ProcessLost : Resumable {
  using Resumable::Resumable;
};

// A task ended early because it was asked to: it has no outcome. Thrown by isolated jobs.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error{"interrupted"} {}
};

// Bytes that should decode do not.
struct CorruptData : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// "No space left on device" and the like for errno value `error`.
std::string errno_text(int error);

}  // namespace mpifarm

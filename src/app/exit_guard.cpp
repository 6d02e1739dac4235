#include "app/exit_guard.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "base/error.hpp"

namespace mpifarm::app {
namespace {

std::atomic<pid_t> guarded = 0;
std::atomic<const std::string*> line = nullptr;
int rank_of_line = 0;

std::string line_with(const std::string& advice) {
  return "mpifarm: rank " + std::to_string(rank_of_line) +
         " was ended by its job, which called exit in a task, its source or reduce; it should throw or "
         "return" +
         (advice.empty() ? "" : "; " + advice) + "\n";
}

// The last handler that was registered is called first, on the thread that calls exit(3).
void meet_exit() {
  if (guarded.load() != getpid()) return;
  if (const std::string* text = line.load())
    if (write(STDERR_FILENO, text->data(), text->size()) < 0) {
    }  // nobody is left to tell
  _exit(static_cast<int>(ExitStatus::machinery));
}

}  // namespace

ExitGuard::ExitGuard(int rank) {
  static const bool registered = std::atexit(meet_exit) == 0 && std::at_quick_exit(meet_exit) == 0;
  rank_of_line = rank;
  advise({});
  if (registered) guarded = getpid();
}

ExitGuard::~ExitGuard() { lift(); }

void ExitGuard::lift() { guarded = 0; }

void ExitGuard::advise(const std::string& advice) {
  line = new std::string{line_with(advice)};  // lives to the end of the process: exit may come at any time
}

}  // namespace mpifarm::app

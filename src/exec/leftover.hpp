#pragma once
// Clears up what a command leaves behind when it has ended: processes that may still be finishing what it
// wrote.

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "exec/command_streams.hpp"

namespace mpifarm::exec {

struct Leftover {
  unsigned ended = 0;    // processes that were still there after the wait, and were ended
  std::string process;   // the name of one of them: of one that held a stream open, if there was one
  bool waited = false;   // all of the wait was used; else nothing of it was for them
  bool in_vain = false;  // all of the wait was used, and no byte was written meanwhile
  bool stopped = false;  // the wait was cut short, as `stop` asked for
};

// Waits until nothing is left that may be finishing the output of a command that has ended and was reaped: no
// end of its streams is open, and no process that it left has a pipe or a FIFO as standard input, as `tee` in
// `command > >(tee file)` has. Waits `most` at most; for other processes it waits an instant, in which one
// that was forked last gets its streams. Then it ends what is left. Costs one system call when nothing is.
//
// This process must be the only one that has children here, a subreaper, and have one thread.
Leftover clear_up(CommandStreams& streams, Nanos most, const std::function<bool()>& stop);

}  // namespace mpifarm::exec

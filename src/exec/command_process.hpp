#pragma once
// One command as a process of its own: started, listened to, and gone with all that it started.

#include <sys/resource.h>

#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "exec/command_streams.hpp"
#include "exec/leftover.hpp"

namespace mpifarm::exec {

struct Invocation {
  std::string program;                   // its path
  std::vector<std::string> words;        // from argv[0] on
  std::vector<std::string> environment;  // NAME=VALUE, all there is
  std::string directory;                 // to run in; empty: ours
  std::string input_file;                // as standard input; empty: nothing can be read
  bool has_input_text = false;           // then `input_text` is the standard input
  std::string input_text;
  Nanos timeout{};      // 0: none; then its process group is sent SIGTERM,
  Nanos kill_after{};   // and so much later SIGKILL
  Nanos output_wait{};  // how long what it leaves behind may finish what it wrote
};

struct CommandEnd {
  int wait_status = 0;    // of wait(2)
  int start_error = 0;    // errno, when it could not be started: then nothing else is set
  std::string failed_on;  // what that says: "the command could not be started"
  bool timed_out = false;
  bool stopped = false;  // it was asked to end, whatever it made of that
  double started = 0;    // seconds since 1970
  Nanos duration{};
  Leftover leftover;
  rusage usage{};  // its own, and of those that it has waited for; ru_maxrss 0: too little to tell
};

using StopRequested = std::function<bool()>;

// What it writes is handed to `take` as it comes. When it has ended by itself, `output_wait` long it is
// waited for the ends of its streams, and for processes left behind whose standard input is a pipe or a FIFO,
// since they may be finishing what it wrote (`command > >(tee file)`). What is left then is killed: this
// process must be the only one that has children here, a subreaper, and have one thread. A stop during the
// wait counts as a stop of the command. `stop` is asked from time to time: then it is sent SIGTERM, and
// SIGKILL when `kill_after` or five seconds are over.
CommandEnd run_command(const Invocation& command, const TakeOutput& take, const StopRequested& stop = {});

}  // namespace mpifarm::exec

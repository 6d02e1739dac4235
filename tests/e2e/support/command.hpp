#pragma once
// Commands as a shell would start them: run to their end, or in the background to be signalled.

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mpifarm::e2e {

struct Command {
  std::vector<std::string> arguments;                // the program first, by its path
  std::map<std::string, std::string> environment{};  // added to ours
  std::filesystem::path directory{};                 // to run in; empty: ours
  std::chrono::seconds deadline{60};                 // then it is killed with all it started
  bool as_nobody = false;                            // without root's rights, when we have them
  std::optional<std::size_t> largest_file_bytes{};   // a file that grows beyond fails with EFBIG
};

struct Ended {
  int status = -1;    // exit status; 128 + signal when a signal ended it
  bool late = false;  // the deadline passed
  std::string out, err;
  long peak_kilobytes = 0;  // of the largest process of those that it waited for, and itself
};

// A command in the background. Its streams go to files of ours. The destructor kills what is left of it.
class Process {
 public:
  explicit Process(const Command& command);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  pid_t id() const { return id_; }
  void signal(int number) const;
  // SIGKILL to the command and everything it started, whatever process group that is in.
  void kill_all();
  // It and what it started, until they are gone.
  std::vector<pid_t> members();
  bool running();
  // Waits for its end; what it started may live on until the destructor.
  Ended wait();

 private:
  void reap();

  pid_t id_ = -1;
  std::string mark_;
  std::chrono::steady_clock::time_point deadline_;
  int out_ = -1, err_ = -1;
  std::optional<int> wait_status_;
  long peak_kilobytes_ = 0;
};

Ended run(const Command& command);

// Looks every few milliseconds; false when a minute has passed.
template <class Condition>
bool wait_until(Condition condition, std::chrono::seconds deadline = std::chrono::seconds{60});

}  // namespace mpifarm::e2e

#include <thread>

template <class Condition>
bool mpifarm::e2e::wait_until(Condition condition, std::chrono::seconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  return true;
}

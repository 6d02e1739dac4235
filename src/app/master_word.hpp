#pragma once
// What rank 0 tells the supervisor that started it, on whatever host: a file beside the run directory, which
// all hosts see. mpirun and srun cannot be relied on: under recovery their exit status says nothing.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <thread>

#include "run/summary.hpp"

namespace mpifarm::app {

// How a run ended.
struct EndOfRun {
  int status = 0;                 // to exit with
  Stopped stopped = Stopped::no;  // unless no, another start is not wanted here and now
};

struct MasterWord {
  // Each after those before it; `unstarted`: it has left, as MPI does not start.
  enum class Phase : std::uint8_t { none, begun, unstarted, alive, ended };
  Phase phase = Phase::none;
  std::uint64_t turns = 0;  // alive: grows as long as rank 0 does
  EndOfRun end;             // ended
};

// The supervisor's side. Gone with the supervisor.
class MasterWordFile {
 public:
  // Of a run that need not be there yet; its parent directory is made. Throws MachineryFailure.
  explicit MasterWordFile(const std::filesystem::path& run);
  MasterWordFile(const MasterWordFile&) = delete;
  MasterWordFile& operator=(const MasterWordFile&) = delete;
  ~MasterWordFile();

  const std::filesystem::path& path() const { return path_; }
  MasterWord read() const;
  void clear() const;  // before a start; throws MachineryFailure

 private:
  std::filesystem::path path_;
};

// The environment variable that names the file to the ranks.
extern const char* const master_word_variable;

// The ranks' side; without a supervisor they do nothing. What cannot be written is left: the run goes on.
// First, by all ranks, while there is one thread; `speaks`: rank 0.
void tell_launcher_begun(bool speaks);
void tell_launcher_unstarted();
void tell_launcher(EndOfRun end);

// Tells the supervisor every two seconds that the loop still turns, on a thread of its own: a file system
// that hangs holds up nobody.
class SignsOfLife {
 public:
  // `turns` grows with the loop, and must outlive it.
  explicit SignsOfLife(const std::atomic<std::uint64_t>& turns);
  SignsOfLife(const SignsOfLife&) = delete;
  SignsOfLife& operator=(const SignsOfLife&) = delete;
  ~SignsOfLife();

 private:
  const std::atomic<std::uint64_t>& turns_;
  std::mutex mutex_;
  std::condition_variable ending_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace mpifarm::app

#pragma once
// One disturbance of one start, at its moment.

#include <filesystem>

#include "drawing.hpp"
#include "processes.hpp"
#include "support/command.hpp"

namespace mpifarm::chaos {

// What a moment is measured by.
struct Expected {
  double seconds = 0;               // the start as a whole
  std::uint64_t journal_bytes = 0;  // that it adds
};

class Strike {
 public:
  // `program` is the file name of what the ranks run. `process` is the start; borrowed.
  Strike(const Disturbance& disturbance, Way way, Expected expected, std::filesystem::path run,
         std::string program, e2e::Process& process);

  // Every few milliseconds, as long as anything of the start lives: strikes when it is time, and wakes whom
  // it stopped.
  void look();

  bool hit() const { return hit_; }
  // All ranks had joined and the run had begun.
  bool hit_running() const { return hit_running_; }
  // It, or what it cannot go on without.
  bool hit_rank_zero() const { return hit_rank_zero_; }
  // It may take MPI's start as long as a rank gives it at most.
  bool hit_stops_start() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  bool due();
  bool moment_has_come() const;
  std::vector<Seen> targets() const;
  void strike();

  Disturbance disturbance_;
  Way way_;
  Expected expected_;
  std::filesystem::path run_;
  std::string program_;
  e2e::Process& process_;
  std::uint64_t bytes_before_;
  Time begun_;
  std::optional<Time> come_, wake_;
  std::vector<pid_t> struck_;
  bool hit_ = false, hit_running_ = false, hit_rank_zero_ = false;
};

}  // namespace mpifarm::chaos

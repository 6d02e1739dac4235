#pragma once
// What is right: README.md beside this has the table and where it is promised.

#include "drawing.hpp"
#include "support/files.hpp"

namespace mpifarm::chaos {

// What a run's files say, when no process of it is left.
struct State {
  bool is_run = false;         // it can be resumed
  bool all_on_record = false;  // every task has its outcome, though the rest may be to do
  bool complete = false;       // and the summary says so
  e2e::JournalTally journal;
};

// Throws when the journal is damaged.
State state_of(const std::filesystem::path& run, std::uint64_t tasks);

// One start and its end.
struct Happened {
  std::optional<Kind> hit;     // and by what, if something was
  bool hit_running = false;    // after all ranks had joined
  bool hit_rank_zero = false;  // it, or what rank 0 cannot go on without
  int status = 0;              // 128 + signal
  bool hung = false;
  bool mpirun_hung = false;  // when no rank was left, or only stopped ones
  State before, after;
};

// Empty when all is right.
std::vector<std::string> wrong_with(const Start& start, const Happened& happened);

// Nothing keeps rank 0 of this start from ending in order, its conclusion printed and its lock removed.
bool ends_in_order(const Start& start, const Happened& happened);

}  // namespace mpifarm::chaos

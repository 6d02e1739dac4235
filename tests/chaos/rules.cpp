#include "rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <set>

namespace mpifarm::chaos {
namespace {

constexpr int left_by_exit = 3;  // with which the leaving task ends its rank
constexpr int failed_rank = 3;   // with which a worker ends that has lost its helper; rank 0: 75
constexpr int killed = 128 + SIGKILL, crashed = 128 + SIGSEGV;

// Those that plain mpirun may end with: its own for the rank that it lost.
std::set<int> statuses_of_mpirun(Kind kind) {
  switch (kind) {
    case Kind::worker_crashed:
      return {0, crashed};
    case Kind::task_exits:
      return {left_by_exit};
    // Rank 0 goes on, completes the run, and ends MPI for the others, who may have left with 75 before. One
    // that stops while MPI ends keeps it from its end, and mpirun has a status of its own for that.
    case Kind::worker_stopped:
    case Kind::worker_paused:
      return {0, 1, 75, killed};
    case Kind::helper_killed:
      return {0, failed_rank, 75};
    case Kind::isolated_task_killed:
      return {0};
    default:
      return {0, killed};
  }
}

// Nothing when the status says nothing.
std::optional<std::set<int>> right_statuses(const Start& start, const Happened& happened) {
  if (happened.mpirun_hung) return std::nullopt;
  if (!happened.hit) return std::set{0};
  const bool of_command = happened.hit == Kind::supervisor_killed ||
                          (happened.hit == Kind::mpirun_killed && start.way != Way::supervised);
  if (of_command) return std::set{killed, 0};  // which it had come to in that moment
  if (start.way == Way::supervised) return std::set{0};
  if (start.way == Way::recovering) return std::nullopt;
  std::set<int> statuses = statuses_of_mpirun(*happened.hit);
  if (!happened.hit_running) statuses.insert(crashed);  // Open MPI may, when a rank is gone while it starts
  return statuses;
}

// The start itself must bring the run to its end.
bool must_complete(const Start& start, const Happened& happened) {
  if (!happened.hit) return true;
  if (happened.hit == Kind::isolated_task_killed) return true;
  if (happened.hit == Kind::supervisor_killed) return false;
  if (start.way == Way::supervised || happened.hit == Kind::worker_paused) return true;
  if (!happened.hit_running || happened.hit_rank_zero) return false;
  if (start.way == Way::recovering) return true;
  return happened.hit == Kind::worker_stopped;
}

// How many starts of a master the journal may hold more than before; one that dies early leaves no trace.
bool right_starts(const Start& start, const Happened& happened) {
  const std::uint64_t more = happened.after.journal.starts - happened.before.journal.starts;
  const bool again =
      start.way == Way::supervised && happened.hit && (happened.hit_rank_zero || !happened.hit_running);
  const std::uint64_t most = again ? 2 : 1;
  return more <= most && (!must_complete(start, happened) || more >= 1 || happened.before.all_on_record);
}

}  // namespace

State state_of(const std::filesystem::path& run, std::uint64_t tasks) {
  State state;
  state.is_run = std::filesystem::exists(run / "run.json");
  if (std::filesystem::exists(run / "journal")) state.journal = e2e::tally_journal(run);
  state.all_on_record = state.is_run && state.journal.outcomes == tasks;
  if (std::filesystem::exists(run / "summary.json"))
    state.complete =
        state.journal.outcomes == tasks && e2e::Json::file(run / "summary.json").text("status") == "complete";
  return state;
}

bool ends_in_order(const Start& start, const Happened& happened) {
  if (!happened.hit) return true;
  if (happened.hit == Kind::isolated_task_killed) return true;
  return happened.hit_running && !happened.hit_rank_zero && start.way != Way::plain;
}

std::vector<std::string> wrong_with(const Start& start, const Happened& happened) {
  std::vector<std::string> wrong;
  const State& after = happened.after;
  if (happened.hung) wrong.emplace_back("it hangs");
  if (const auto right = right_statuses(start, happened);
      right && !happened.hung && !right->contains(happened.status))
    wrong.push_back(fmt::format("exit status {}, not {}", happened.status, fmt::join(*right, " or ")));
  const bool says_success = happened.status == 0 && start.way != Way::recovering;
  if (says_success && !after.complete) wrong.emplace_back("exit status 0 of a run that is not complete");
  if (must_complete(start, happened) && !after.complete && !says_success)
    wrong.emplace_back("the run did not go on to its end");
  if (!right_starts(start, happened))
    wrong.push_back(
        fmt::format("{} starts on record, {} before", after.journal.starts, happened.before.journal.starts));
  if (after.journal.repeated) wrong.emplace_back("a task has two outcomes in the journal");
  if (after.journal.outcomes < happened.before.journal.outcomes)
    wrong.push_back(fmt::format("{} outcomes on record, {} before", after.journal.outcomes,
                                happened.before.journal.outcomes));
  return wrong;
}

}  // namespace mpifarm::chaos

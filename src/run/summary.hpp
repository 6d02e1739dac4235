#pragma once
// summary.json, and the same for people. Its keys are a promise: add, never change.

#include <boost/describe.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "run/failures.hpp"

namespace mpifarm {

// Why an unfinished run was ended in order.
enum class Stopped : std::uint8_t {
  no,
  asked,
  time_up
};  // by SIGINT, SIGTERM or `stop`; for want of time, or by SIGUSR1, which says so
std::string_view to_string(Stopped stopped);  // "", "asked", "time up": as in summary.json

struct RankSummary {
  int rank = 0;
  std::string host;
  unsigned slots = 0;
  bool lost = false;
  std::uint64_t tasks = 0, attempts = 0, failed_attempts = 0;
  double busy_seconds = 0, cpu_seconds = 0;
};
BOOST_DESCRIBE_STRUCT(RankSummary, (),
                      (rank, host, slots, lost, tasks, attempts, failed_attempts, busy_seconds, cpu_seconds))

struct Summary {
  std::string status;  // "complete": every task has its outcome; "unfinished": a resume carries on
  std::string job;
  std::uint64_t tasks = 0;                  // in all; of an unfinished stream, those known
  std::uint64_t succeeded = 0, failed = 0;  // with an outcome, earlier starts included
  std::uint64_t attempts = 0;               // outcomes computed in this start, retried ones included
  std::uint64_t resumed = 0;                // outcomes that earlier starts had committed
  unsigned lost_ranks = 0;
  unsigned ranks = 0, threads = 0;  // of this start; threads: all slots
  double wall_seconds = 0;          // of this start: from the first hand-out to the last commit
  double busy_seconds = 0;          // of this start: time that slots computed
  double cpu_seconds = 0;           // of this start: CPU time of the computing threads
  double utilisation = 0;           // busy / (wall * threads), 0 to 1
  double tasks_per_second = 0;      // of this start
  std::string digest;
  std::uint64_t total_attempts = 0;  // of all starts, as the next three
  double total_wall_seconds = 0, total_busy_seconds = 0, total_cpu_seconds = 0;
  unsigned starts = 0;
  std::string order;
  std::uint64_t seed = 0;
  std::string stopped;           // why it is unfinished, as to_string(Stopped); empty: it died, or is not
  std::string started, ended;    // UTC, of this start
  double wasted_seconds = 0;     // of busy_seconds: attempts that were retried, or came second
  double tail_idle_seconds = 0;  // slot time without work after the last task was handed out, about
  std::vector<std::string> lost_hosts;  // of lost ranks, but for rank 0's; they may be well
  std::vector<RankSummary> per_rank;
  std::vector<FailureGroup> failures;  // the largest first
  unsigned slots_per_task = 1;
  std::vector<std::string> fenced_hosts;  // given no more tasks: everything failed there
  std::uint64_t left_running = 0;         // tasks that left processes behind which were ended
};
BOOST_DESCRIBE_STRUCT(Summary, (),
                      (status, job, tasks, succeeded, failed, attempts, resumed, lost_ranks, ranks, threads,
                       wall_seconds, busy_seconds, cpu_seconds, utilisation, tasks_per_second, digest,
                       total_attempts, total_wall_seconds, total_busy_seconds, total_cpu_seconds, starts,
                       order, seed, stopped, started, ended, wasted_seconds, tail_idle_seconds, lost_hosts,
                       per_rank, failures, slots_per_task, fenced_hosts, left_running))

std::string to_json(const Summary& summary);
// The message, the first task, and where.
std::string failure_text(const FailureGroup& group);
// A line for each, but for the last ones of many.
std::string failure_lines(const std::vector<FailureGroup>& groups);

// Several lines for a terminal. `results`: the file's name, empty when there is none.
std::string for_people(const Summary& summary, const std::filesystem::path& run,
                       const std::string& results = {});

}  // namespace mpifarm

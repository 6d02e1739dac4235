#pragma once
// The job `exec`: a program for every combination of values, line of a list, or file.

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

const JobType& exec_job();

namespace exec {

// Where a command's streams are; see exec/output_pack.hpp.
struct KeptOutput {
  std::string pack;
  std::uint64_t stdout_at = 0, stderr_at = 0;
};
KeptOutput kept_output(BytesView packed_result);

// The columns of GNU parallel's --joblog, divided by tabs.
inline constexpr const char* joblog_header =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
// Appends a line: `Seq` counts tasks from 1; a command that a signal ended has the Exitval 0, as there. Line
// ends in a command become NULs.
void append_joblog(Bytes& out, TaskId task, BytesView packed_result);

// One line that runs a task by hand, in a shell, where and with what it ran.
std::string retry_line(BytesView params, BytesView descriptor, TaskId task,
                       const std::string& working_directory, const std::string& run_directory);

}  // namespace exec

}  // namespace mpifarm

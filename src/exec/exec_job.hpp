#pragma once
// The job `exec`: a program for every combination of values, line of a list, or file.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/outcome.hpp"
#include "exec/output_keeper.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

const JobType& exec_job();

namespace exec {

// What a run does with its commands' streams.
struct OutputPolicy {
  std::string output;       // packed, files or none
  std::uint64_t limit = 0;  // bytes of a stream that are kept
  bool streams = false;
};
OutputPolicy output_policy(BytesView params);

// Where a command's stream is; see exec/output_keeper.hpp.
struct KeptOutput {
  std::string pack;
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;  // written, kept or not
};
KeptOutput kept_output(BytesView packed_result, Stream kind);
// Hands its kept bytes to `take`. Throws MachineryFailure naming the file, and the offset of what is damaged.
void read_kept_output(const std::filesystem::path& run_directory, TaskId task, Stream kind,
                      const KeptOutput& kept, const std::function<void(BytesView)>& take);

// The columns of GNU parallel's --joblog, divided by tabs.
inline constexpr const char* joblog_header =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
// Appends a line: `Seq` counts tasks from 1; a command that a signal ended has the Exitval 0, as there. Line
// ends in a command become NULs, and the Exitval of a timeout is -1.
void append_joblog(Bytes& out, TaskId task, Outcome outcome, BytesView packed_result);

// One line that runs a task by hand, in a shell, where and with what it ran.
std::string retry_line(BytesView params, BytesView descriptor, TaskId task,
                       const std::string& working_directory, const std::string& run_directory);

}  // namespace exec

}  // namespace mpifarm

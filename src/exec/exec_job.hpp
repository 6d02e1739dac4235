#pragma once
// The job `exec`: a program for every combination of values, line of a list, or file.

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
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

}  // namespace exec

}  // namespace mpifarm

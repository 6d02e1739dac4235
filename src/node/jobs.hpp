#pragma once
// The jobs a program knows.

#include <string_view>
#include <vector>

#include "job/any_job.hpp"

namespace mpifarm {

using Jobs = std::vector<const JobType*>;  // in the order of the program's list

// Null when there is none of that name.
inline const JobType* find_job(const Jobs& jobs, std::string_view name) {
  for (const JobType* job : jobs)
    if (job->name() == name) return job;
  return nullptr;
}

}  // namespace mpifarm

#pragma once
// How a process that computes makes its instance of the run's job.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "job/any_job.hpp"

namespace mpifarm {

using FindJob = std::function<const JobType*(std::string_view name)>;  // null when there is none

struct JobRecipe {
  std::string job;
  Bytes params;                        // packed Job::Params
  bool listed = false;                 // the tasks come from a list of the user's
  std::string working_directory;       // relative paths in descriptors mean this one
  std::vector<std::uint64_t> samples;  // ids of an indexed source whose descriptors are compared

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& job& params& listed& working_directory& samples;
  }
};

// What the instance says of itself.
struct JobFacts {
  std::string error;                       // why it could not be made; empty when it could
  std::uint64_t source_size = 0;           // indexed sources
  std::vector<std::uint64_t> sample_keys;  // TaskKeys of JobRecipe::samples, in their order

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& error& source_size& sample_keys;
  }
};

// Enters the working directory and makes the job; null, with the reason in `facts`, when that cannot be.
std::unique_ptr<AnyJob> make_job(const JobRecipe& recipe, const FindJob& find_job, JobFacts& facts);

}  // namespace mpifarm

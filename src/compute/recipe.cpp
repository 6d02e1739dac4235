#include "compute/recipe.hpp"

#include <filesystem>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace mpifarm {

std::unique_ptr<AnyJob> make_job(const JobRecipe& recipe, const FindJob& find_job, JobFacts& facts) try {
  std::error_code unknown;  // a process may be in a directory that it may not enter
  const std::filesystem::path& wanted = recipe.working_directory;
  if (!wanted.empty() && std::filesystem::current_path(unknown) != wanted)
    std::filesystem::current_path(wanted);
  const JobType* type = find_job(recipe.job);
  if (type == nullptr) throw BadInput{"there is no job \"" + recipe.job + "\" here"};
  auto job = type->make(recipe.params, recipe.listed ? TaskOrigin::list : TaskOrigin::job);
  facts.source_size = job->size().value_or(0);
  Bytes descriptor;
  for (const std::uint64_t id : recipe.samples) {
    if (id >= facts.source_size) break;
    job->make_task({id}, descriptor);
    facts.sample_keys.push_back(hash64(descriptor));
  }
  return job;
} catch (const std::exception& error) {
  facts.error = error.what();
  return nullptr;
}

}  // namespace mpifarm

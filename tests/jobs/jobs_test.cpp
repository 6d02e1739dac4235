#include "jobs/jobs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

TEST(Jobs, AreListedByName) {
  std::vector<std::string_view> names;
  for (const mpifarm::JobType* job : all_jobs()) names.push_back(job->name());
  EXPECT_TRUE(std::ranges::is_sorted(names));
  for (const std::string_view ours : {"checksum", "logscan", "mandelbrot", "pi", "spin", "squares"})
    EXPECT_EQ(std::ranges::count(names, ours), 1) << ours;
}

TEST(Jobs, HaveSummariesAndColumns) {
  for (const mpifarm::JobType* job : all_jobs()) {
    EXPECT_NE(job->summary(), "") << job->name();
    EXPECT_TRUE(job->has_conclude()) << job->name();
  }
}

// Params read back from the manifest are those that were given.
TEST(Jobs, KeepTheirParamsInAManifest) {
  for (const mpifarm::JobType* job : all_jobs()) {
    const mpifarm::Bytes params = job->params_from_flags({});
    EXPECT_EQ(job->params_from_value(job->params_to_value(params)), params) << job->name();
  }
}

}  // namespace

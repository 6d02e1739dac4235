// A whole farm over MPI ends as a serial computation does, whatever the number of ranks.

#include "support/farm.hpp"

#include <gtest/gtest.h>

#include "support/sample_jobs.hpp"
#include "transport/mpi_transport.hpp"

namespace mpifarm {
namespace {

using support::FarmOptions;
using support::FarmResult;

const Jobs jobs{&job_type<support::Numbers>(), &job_type<support::Words>()};

// Runs on every rank; rank 0 compares.
void expect_serial_outcome(const FarmOptions& options) {
  const auto transport = make_mpi_transport();
  if (transport->rank() != 0) {
    support::be_worker(*transport, jobs);
    return;
  }
  const FarmResult result = support::be_master(*transport, jobs, options);
  const FarmResult serial = support::run_serially(options);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.committed, serial.committed);
  EXPECT_EQ(result.failed, serial.failed);
  EXPECT_EQ(result.digest, serial.digest);
  EXPECT_EQ(result.tallies.size(), static_cast<std::size_t>(transport->size()));
  const bool folded = options.scheduler.order == OrderKind::fifo;
  EXPECT_EQ(result.conclusion, folded ? serial.conclusion : "");
}

template <class Job>
FarmOptions farm_of(const std::vector<describe::GivenFlag>& flags) {
  FarmOptions options;
  options.type = &job_type<Job>();
  options.params = support::params_of(*options.type, flags);
  options.scheduler.seed = 12;
  return options;
}

TEST(MpiFarm, OfAnIndexedSource) {
  expect_serial_outcome(farm_of<support::Numbers>({{"--count", "20000"}, {"--fail-every", "97"}}));
}

TEST(MpiFarm, OfASequentialSource) { expect_serial_outcome(farm_of<support::Words>({{"--count", "9000"}})); }

TEST(MpiFarm, ShuffledAndRetried) {
  FarmOptions options = farm_of<support::Numbers>({{"--count", "3000"}, {"--fail-every", "10"}});
  options.scheduler.order = OrderKind::shuffle;
  options.scheduler.retries = 2;
  expect_serial_outcome(options);
}

TEST(MpiFarm, WithResultsBeyondTheEagerLimit) {
  expect_serial_outcome(farm_of<support::Numbers>({{"--count", "300"}, {"--filler-bytes", "70000"}}));
}

TEST(MpiFarm, OfNoTasks) { expect_serial_outcome(farm_of<support::Numbers>({{"--count", "0"}})); }

TEST(MpiFarm, OfTwoRunsOneAfterTheOther) {
  for (int run = 0; run < 2; ++run) expect_serial_outcome(farm_of<support::Numbers>({{"--count", "500"}}));
}

}  // namespace
}  // namespace mpifarm

// Virtual clusters whose end can be told beforehand.

#include "sim/cluster.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/error.hpp"

namespace mpifarm::sim {
namespace {

ClusterOptions free_of_cost(std::uint32_t nodes, std::uint32_t slots, std::uint64_t count, double seconds) {
  ClusterOptions options;
  options.nodes = nodes;
  options.slots = slots;
  options.count = count;
  options.durations.mean = seconds;
  options.latency_seconds = 0;
  options.bytes_per_second = 1e15;
  return options;
}

ClusterOptions usual(std::uint32_t nodes, std::uint32_t slots, std::uint64_t count, double seconds) {
  ClusterOptions options = free_of_cost(nodes, slots, count, seconds);
  options.latency_seconds = 5e-6;
  options.bytes_per_second = 1e9;
  options.cost = {1.5e-6, 0.3e-6, 0.01e-6, 0.03e-6};
  return options;
}

TEST(Cluster, WithoutCostsIsAsFastAsCanBe) {
  const Report report = simulate(free_of_cost(3, 4, 120, 2));
  EXPECT_NEAR(report.work_seconds, 240, 1e-6);
  EXPECT_NEAR(report.bound_seconds, 20, 1e-6);
  EXPECT_NEAR(report.makespan_seconds, 20, 0.05);
  EXPECT_GT(report.efficiency, 0.995);
  EXPECT_LE(report.efficiency, 1);
}

TEST(Cluster, OneSlotComputesOneTaskAfterTheOther) {
  const Report report = simulate(free_of_cost(1, 1, 7, 1));
  EXPECT_NEAR(report.makespan_seconds, 7, 0.02);
}

TEST(Cluster, TheLongestTaskIsABound) {
  ClusterOptions options = usual(10, 10, 200, 1);
  options.durations = {Durations::Law::pareto, 1, 1.1};
  const Report report = simulate(options);
  double longest = 0, sum = 0;
  for (std::uint64_t task = 0; task < options.count; ++task) {
    const double one = seconds(options.durations.draw(options.seed, task));
    longest = std::max(longest, one);
    sum += one;
  }
  EXPECT_NEAR(report.work_seconds, sum, 1e-3);
  EXPECT_NEAR(report.bound_seconds, std::max(sum / 100, longest), 1e-6);
  EXPECT_GE(report.makespan_seconds, report.bound_seconds);
}

TEST(Cluster, IsAFunctionOfItsOptions) {
  ClusterOptions options = usual(20, 8, 5000, 0.01);
  options.durations = {Durations::Law::lognormal, 0.01, 1};
  const Report one = simulate(options), other = simulate(options);
  EXPECT_EQ(one.makespan_seconds, other.makespan_seconds);
  EXPECT_EQ(one.messages, other.messages);
  EXPECT_EQ(one.leases, other.leases);
  options.seed = 1;
  EXPECT_NE(simulate(options).makespan_seconds, one.makespan_seconds);
}

TEST(Cluster, WhatTheMasterSpendsIsSeen) {
  ClusterOptions options = usual(50, 16, 40'000, 0.01);
  options.batching.batch = 1;
  const Report cheap = simulate(options);
  EXPECT_EQ(cheap.leases, options.count) << "a lease each";
  options.cost.lease *= 100;
  const Report dear = simulate(options);
  EXPECT_GT(dear.master_busy, 0.9);
  EXPECT_LT(dear.efficiency, cheap.efficiency / 2);
  EXPECT_GE(dear.makespan_seconds, static_cast<double>(options.count) * options.cost.lease);
}

TEST(Cluster, ASlowCommitterHoldsTheHandOutBack) {
  ClusterOptions options = usual(4, 8, 400'000, 1e-6);
  options.cost.commit = 1e-6;
  const Report slow = simulate(options);
  EXPECT_GE(slow.makespan_seconds, 0.4);
  EXPECT_GT(slow.committer_busy, 0.9);
  options.journal = false;
  EXPECT_LT(simulate(options).makespan_seconds, slow.makespan_seconds / 2);
}

TEST(ShortestMean, IsWhereTheEfficiencyFalls) {
  ClusterOptions options = usual(100, 64, 100 * 64 * 8, 0.1);
  options.batching.batch = 1;  // so that the master has a lease for each task
  const auto mean = shortest_mean(options, 0.95, 8);
  ASSERT_TRUE(mean);
  const auto share_of_ideal = [&](double seconds) {
    options.durations.mean = seconds;
    ClusterOptions ideal = free_of_cost(100, 64, options.count, seconds);
    ideal.batching.batch = 1;
    return simulate(options).efficiency / simulate(ideal).efficiency;
  };
  EXPECT_GE(share_of_ideal(*mean), 0.95);
  EXPECT_LT(share_of_ideal(*mean / 2), 0.95);
}

TEST(ShortestMean, OfAMasterWithoutCostIsTheLeast) {
  EXPECT_DOUBLE_EQ(shortest_mean(free_of_cost(2, 2, 100, 0.1), 0.95).value(), 1e-6);
}

TEST(ShortestMean, MayNotBe) {
  ClusterOptions options = usual(2, 2, 100, 0.1);
  options.latency_seconds = 1e6;
  EXPECT_FALSE(shortest_mean(options, 0.95));
}

TEST(Cluster, CountsCenturiesOfWork) {
  const Report report = simulate(usual(1000, 128, 1'280'000, 8000));
  EXPECT_NEAR(report.work_seconds, 1.024e10, 1e4);
  EXPECT_GT(report.efficiency, 0.99);
}

TEST(Durations, HaveTheirMean) {
  for (const char* text : {"0.5", "constant:0.5", "uniform:0.5", "lognormal:0.5,1", "pareto:0.5,3"}) {
    const Durations durations = parse_durations(text);
    double sum = 0;
    constexpr int draws = 200'000;
    for (std::uint64_t task = 0; task < draws; ++task) sum += seconds(durations.draw(7, task));
    EXPECT_NEAR(sum / draws, 0.5, 0.01) << text;
    EXPECT_EQ(parse_durations(durations.text()).draw(7, 3), durations.draw(7, 3)) << text;
  }
}

TEST(Cluster, RefusesRunsThatTimeCannotCount) {
  ClusterOptions options = usual(1, 1, 100, 1e8);
  options.batching.batch = 100;
  EXPECT_THROW(simulate(options), BadInput);
}

TEST(Cluster, LargeResultsTakeMemoryOnlyWhereTheyArrive) {
  ClusterOptions options = usual(50, 100, 30'000, 0.01);
  options.batching.batch = 10;
  options.result_bytes = 100'000;  // 3 GB compute at once
  const auto peak = [] {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss / 1024;  // MB
  };
  const long before = peak();
  simulate(options);
  EXPECT_LT(peak() - before, 1000);
}

TEST(Durations, OtherTextIsRefused) {
  for (const char* text : {"", "x", "-1", "0", "gauss:1", "lognormal:1", "constant:1,2", "pareto:1,1",
                           "uniform:", "1e99", "nan", "lognormal:1,x"})
    EXPECT_THROW(parse_durations(text), BadInput) << text;
}

TEST(MasterCost, IsReadAsItIsWritten) {
  const MasterCost cost = parse_master_cost("1.5,0.25,0.01,0.03");
  EXPECT_DOUBLE_EQ(cost.message, 1.5e-6);
  EXPECT_DOUBLE_EQ(cost.commit, 0.03e-6);
  EXPECT_EQ(cost.text(), "1.5,0.25,0.01,0.03");
  for (const char* text : {"", "1", "1,2,3", "1,2,3,4,5", "1,2,x,4", "1,-2,3,4", "automatic"})
    EXPECT_THROW(parse_master_cost(text), BadInput) << text;
}

TEST(MasterCost, IsMeasured) {
  const MasterCost cost = measure_master_cost();
  EXPECT_GT(cost.message, 1e-7);
  EXPECT_GT(cost.lease, 1e-9);
  EXPECT_GT(cost.commit, 1e-10);
  EXPECT_LT(cost.task, cost.lease);
}

}  // namespace
}  // namespace mpifarm::sim

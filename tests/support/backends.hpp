#pragma once
// What backends are given, and what they give back.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compute/backend.hpp"
#include "support/expect.hpp"

namespace mpifarm::support {

inline Assignment assignment(std::uint64_t lease, std::uint64_t first, std::uint64_t count,
                             std::uint32_t attempt = 1) {
  return {{lease}, {first}, count, attempt, Order{}, {}, false};
}

// The entries of each lease in the order in which they came; checks that they continue one another.
struct Collected {
  struct Lease {
    std::uint64_t next = 0;  // position
    std::vector<std::pair<Outcome, std::string>> entries;
    std::size_t completions = 0;
    Nanos busy{}, cpu{};
  };
  std::map<std::uint64_t, Lease> leases;

  void from(Backend& backend) {
    std::vector<Completion> completions;
    backend.collect(completions);
    for (const Completion& completion : completions) add(completion);
  }
  void add(const Completion& completion) {
    Lease& lease = leases[completion.lease.value];
    const OutcomeBlock& block = completion.block;
    const bool first = lease.completions++ == 0;
    EXPECT_TRUE(first || block.first.value == lease.next) << "a gap or an overlap";
    EXPECT_GT(block.count, 0U);
    BytesView entries = block.entries;
    std::uint64_t succeeded = 0;
    for (std::uint64_t i = 0; i < block.count; ++i) {
      const OutcomeEntry entry = take_entry(entries);
      succeeded += entry.outcome == Outcome::succeeded ? 1 : 0;
      lease.entries.emplace_back(entry.outcome, entry.payload);
    }
    EXPECT_TRUE(entries.empty());
    EXPECT_EQ(block.succeeded, succeeded);
    lease.next = block.first.value + block.count;
    lease.busy += completion.busy;
    lease.cpu += completion.cpu;
  }
  std::size_t tasks() const {
    std::size_t count = 0;
    for (const auto& [id, lease] : leases) count += lease.entries.size();
    return count;
  }
};

inline Collected collect_all(Backend& backend) {
  Collected collected;
  EXPECT_TRUE(eventually([&] {
    collected.from(backend);
    return !backend.busy();
  }));
  collected.from(backend);
  return collected;
}

}  // namespace mpifarm::support

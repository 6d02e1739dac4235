// What a task may take and how many may fail, as text.

#include "app/limits.hpp"

#include <gtest/gtest.h>

#include "base/amounts.hpp"
#include "base/error.hpp"
#include "support/expect.hpp"

namespace mpifarm::app {
namespace {

using support::message_of;

TEST(Halt, IsDueWhenSoManyHaveFailed) {
  EXPECT_FALSE(parse_halt("--halt", "never").is_due(1000, 1000));
  EXPECT_FALSE(parse_halt("--halt", "soon").is_due(0, 1000));
  EXPECT_TRUE(parse_halt("--halt", "soon").is_due(1, 1000));
  EXPECT_FALSE(parse_halt("--halt", "now,fail=3").is_due(2, 1000));
  EXPECT_TRUE(parse_halt("--halt", "now,fail=3").is_due(3, 0));
  EXPECT_FALSE(parse_halt("--halt", "soon,fail=10%").is_due(99, 1000));
  EXPECT_TRUE(parse_halt("--halt", "soon,fail=10%").is_due(100, 1000));
  EXPECT_FALSE(parse_halt("--halt", "soon,fail=10%").is_due(100, 0)) << "of how many is not known yet";
  EXPECT_EQ(parse_halt("--halt", "soon").when, Halt::When::soon);
  EXPECT_EQ(parse_halt("--halt", "now").when, Halt::When::now);
}

TEST(Halt, OfOtherWordsIsRefused) {
  for (const char* text :
       {"", "later", "now,", "soon,fail", "soon,fail=", "soon,fail=0", "soon,fail=-1", "soon,fail=1.5",
        "soon,fail=101%", "soon,fail=x%", "never,fail=1", "soon,done=1", "soon,fail=3,"})
    EXPECT_NE(message_of<BadInput>([&] { parse_halt("--halt", text); }).find("--halt is not understood"),
              std::string::npos)
        << text;
}

TEST(Memory, IsANumberOfBytes) {
  EXPECT_EQ(parse_bytes("--memory", "1000"), 1000U);
  EXPECT_EQ(parse_bytes("--memory", "1000B"), 1000U);
  EXPECT_EQ(parse_bytes("--memory", "2K"), 2048U);
  EXPECT_EQ(parse_bytes("--memory", "1.5M"), 1572864U);
  EXPECT_EQ(parse_bytes("--memory", "2GB"), std::uint64_t{2} << 30);
  for (const char* text : {"", "M", "-1M", "0", "1X", "1MM", "nan", "1e300", "99999T"})
    EXPECT_NE(message_of<BadInput>([&] { parse_bytes("--memory", text); }).find("no number of bytes"),
              std::string::npos)
        << text;
}

TEST(Limits, SayWhatIsIsolated) {
  ManifestFields manifest;
  EXPECT_EQ(isolation_of(manifest), wire::Isolation::suspects);
  LimitOptions limited;
  limited.timeout_seconds = 3;
  take_limits(limited, manifest);
  EXPECT_EQ(isolation_of(manifest), wire::Isolation::all);
  LimitOptions on_threads;
  on_threads.isolate = "thread";
  take_limits(on_threads, manifest);
  EXPECT_EQ(isolation_of(manifest), wire::Isolation::none);
  EXPECT_EQ(manifest.timeout_seconds, 3) << "what is not given stays";
  LimitOptions memory;
  memory.memory_bytes = 1 << 30;
  EXPECT_NE(message_of<BadInput>([&] { take_limits(memory, manifest); }).find("--memory cannot limit"),
            std::string::npos);
}

TEST(Limits, TryACrashedTaskAgainUnlessItHasSideEffects) {
  ManifestFields manifest;
  EXPECT_EQ(crash_limit_of(manifest, true), 2U);
  EXPECT_EQ(crash_limit_of(manifest, false), 1U);
  manifest.crash_limit = 5;
  EXPECT_EQ(crash_limit_of(manifest, false), 5U);
}

}  // namespace
}  // namespace mpifarm::app

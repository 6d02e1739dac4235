// Failures in groups.

#include "run/failures.hpp"

#include <gtest/gtest.h>

namespace mpifarm {
namespace {

TEST(Failures, AreOfOneGroupButForNumbersAndQuotedTexts) {
  Failures failures;
  failures.add({7}, Outcome::failed, "\"/a/b 1\" cannot be read (line 12)");
  failures.add({3}, Outcome::failed, "\"/c\" cannot be read (line 3)");
  failures.add({9}, Outcome::failed, "another");
  failures.add({2}, Outcome::crashed, "another");
  const auto groups = failures.groups();
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].count, 2U);
  EXPECT_EQ(groups[0].first_task, 3U);
  EXPECT_EQ(groups[0].message, "\"/c\" cannot be read (line 3)")
      << "that of the least task, whatever came first";
  EXPECT_EQ(groups[0].status, "failed");
}

TEST(Failures, DoNotDependOnTheOrderTheyComeIn) {
  Failures one, two, both;
  one.add({1}, Outcome::failed, "a 1");
  both.add({1}, Outcome::failed, "a 1");
  two.add({0}, Outcome::failed, "a 0");
  both.add({0}, Outcome::failed, "a 0");
  one.add(two);
  ASSERT_EQ(one.groups().size(), 1U);
  EXPECT_EQ(one.groups()[0].message, both.groups()[0].message);
  EXPECT_EQ(one.groups()[0].count, 2U);
}

TEST(Failures, AreBounded) {
  Failures failures;
  for (std::uint64_t task = 0; task < 100'000; ++task) {
    std::string letters;
    for (std::uint64_t rest = task + 1; rest > 0; rest /= 26) letters += static_cast<char>('a' + rest % 26);
    failures.add({task}, Outcome::failed, letters + std::string(10'000, 'x'));
  }
  const auto groups = failures.groups();
  EXPECT_LE(groups.size(), 101U);
  EXPECT_EQ(groups[0].message, "other messages");
  std::uint64_t sum = 0;
  for (const FailureGroup& group : groups) {
    sum += group.count;
    EXPECT_LE(group.message.size(), 500U);
  }
  EXPECT_EQ(sum, 100'000U);
}

TEST(Failures, ChecksumsAreNumbers) {
  Failures failures;
  failures.add({0}, Outcome::failed, "does not agree (0a1b2c, expected ffee01)");
  failures.add({1}, Outcome::failed, "does not agree (a99b2c, expected 01eeff)");
  EXPECT_EQ(failures.groups().size(), 1U);
}

TEST(Failures, WithAnOpenQuoteAreTakenAsTheyAre) {
  Failures failures;
  failures.add({0}, Outcome::failed, "it said \"no");
  failures.add({1}, Outcome::failed, "it said \"yes");
  EXPECT_EQ(failures.groups().size(), 2U);
}

TEST(Failures, TellCausesApartAndSayWhere) {
  Failures failures;
  failures.add({4}, Outcome::failed, "exit status 3: no disk", {"3", "b"});
  failures.add({5}, Outcome::failed, "exit status 4: no disk", {"4", "a"});
  failures.add({6}, Outcome::failed, "exit status 3: no disk", {"3", "a"});
  failures.add({7}, Outcome::failed, "exit status 3: no disk", {"3", "b"});
  const std::vector<FailureGroup> groups = failures.groups();
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].count, 3u);
  EXPECT_EQ(groups[0].hosts, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(groups[1].hosts, std::vector<std::string>{"a"});
  Failures others;
  others.add({1}, Outcome::failed, "exit status 4: no disk", {"4", "c"});
  others.add(failures);
  EXPECT_EQ(others.groups()[1].hosts, (std::vector<std::string>{"a", "c"}));
}

TEST(Failures, NameNoMoreHostsThanFit) {
  Failures failures;
  for (std::uint64_t i = 0; i < 1000; ++i)
    failures.add({i}, Outcome::failed, "x", {"1", "host" + std::to_string(i)});
  EXPECT_EQ(failures.groups()[0].hosts.size(), 100u);
  EXPECT_EQ(failures.groups()[0].count, 1000u);
}

}  // namespace
}  // namespace mpifarm

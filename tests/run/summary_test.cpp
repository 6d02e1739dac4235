// summary.json keeps the keys that users were promised.

#include "run/summary.hpp"

#include <gtest/gtest.h>

#include "describe/json.hpp"
#include "describe/value.hpp"

namespace mpifarm {
namespace {

Summary sample() {
  Summary s;
  s.status = "complete";
  s.job = "squares";
  s.tasks = 1'234'567;
  s.succeeded = 1'234'560;
  s.failed = 7;
  s.ranks = 2;
  s.threads = 4;
  s.wall_seconds = 1.5;
  s.busy_seconds = 5.4;
  s.utilisation = 0.9;
  s.tasks_per_second = 823'044;
  s.digest = "00ff";
  s.per_rank = {{0, "host a", 2, false, 600'000, 600'000, 0, 2.7, 2.6},
                {1, "host b", 2, true, 634'567, 634'574, 7, 2.7, 2.6}};
  return s;
}

TEST(SummaryJson, HasThePromisedKeysInTheirOrder) {
  const auto value = describe::parse_json(to_json(sample()));
  const auto* fields = value.as<describe::Value::Object>();
  ASSERT_NE(fields, nullptr);
  const std::vector<std::string> promised{
      "status",           "job",   "tasks",   "succeeded",    "failed",       "attempts",    "resumed",
      "lost_ranks",       "ranks", "threads", "wall_seconds", "busy_seconds", "cpu_seconds", "utilisation",
      "tasks_per_second", "digest"};
  ASSERT_GE(fields->size(), promised.size());
  for (std::size_t i = 0; i < promised.size(); ++i) EXPECT_EQ((*fields)[i].first, promised[i]);
  EXPECT_EQ(*value.find("tasks"), describe::Value{1'234'567});
  EXPECT_EQ(*value.find("status"), describe::Value{"complete"});
  EXPECT_EQ(value.find("per_rank")->as<describe::Value::List>()->size(), 2U);
  EXPECT_TRUE(to_json(sample()).ends_with("}\n"));
}

TEST(SummaryJson, ReadsBack) {
  Summary back;
  describe::from_value(describe::parse_json(to_json(sample())), back, "summary");
  EXPECT_EQ(to_json(back), to_json(sample()));
}

TEST(SummaryForPeople, SaysWhatHappened) {
  const std::string text = for_people(sample(), "runs/a");
  for (const char* part :
       {"squares complete", "1 234 560 of 1 234 567 tasks succeeded", "7 failed", "4 slots", "2 ranks",
        "90.0 % busy", "823 044 tasks/s", "host b", "lost", "digest  00ff", "runs/a"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in:\n" << text;
  Summary unfinished = sample();
  unfinished.status = "unfinished";
  unfinished.succeeded = 1000;
  unfinished.resumed = 500;
  const std::string half = for_people(unfinished, "runs/a");
  EXPECT_NE(half.find("1 233 560 to do"), std::string::npos) << half;
  EXPECT_NE(half.find("(500 by earlier starts)"), std::string::npos) << half;
}

}  // namespace
}  // namespace mpifarm

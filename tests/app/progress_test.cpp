// What a bar shows at every width, and how fast is fast.

#include "app/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/amounts.hpp"

namespace mpifarm::app {
namespace {

using testing::HasSubstr;
using testing::Not;

ProgressView half_way() {
  return {.job = "squares",
          .done = 523'999,
          .failed = 12,
          .running = 4096,
          .total = 1'000'000,
          .wall_seconds = 61,
          .per_second = 10'000,
          .ranks = {}};
}

TEST(ProgressBar, ShowsEverythingWhereThereIsRoom) {
  EXPECT_EQ(
      progress_bar(half_way(), 160, false),
      "squares  52 %  [####################....................]  523 999/1 000 000  12 failed  10.0 k/s  "
      "0:48 left  4 096 running");
}

TEST(ProgressBar, FitsEveryWidth) {
  for (unsigned columns = 20; columns < 200; ++columns) {
    const std::string line = progress_bar(half_way(), columns, false);
    EXPECT_LT(line.size(), columns) << line;
    EXPECT_THAT(line, HasSubstr("52 %")) << "what matters most stays";
  }
  EXPECT_EQ(progress_bar(half_way(), 40, false), "52 %  524k/1.00M  12 failed  0:48 left");
  EXPECT_THAT(progress_bar(half_way(), 80, false), HasSubstr("[#####"));
}

TEST(ProgressBar, IsFullOnlyWhenAllIsDone) {
  ProgressView view = half_way();
  view.done = 999'999;
  EXPECT_THAT(progress_bar(view, 80, false), HasSubstr("99 %"));
  view.done = 1'000'000;
  EXPECT_THAT(progress_bar(view, 80, false), HasSubstr("100 %"));
  EXPECT_THAT(progress_bar(view, 160, false), Not(HasSubstr(".]")));
  view.done = 29;
  view.total = 100;
  EXPECT_THAT(progress_bar(view, 80, false), HasSubstr("29 %"));
  view.done = 101;
  EXPECT_THAT(progress_bar(view, 80, false), HasSubstr("100 %")) << "more than was said";
  view.done = 0;
  view.total = 0;
  EXPECT_THAT(progress_bar(view, 80, false), HasSubstr("100 %"));
}

TEST(ProgressBar, OfAStreamHasNoEnd) {
  ProgressView view = half_way();
  view.total.reset();
  const std::string line = progress_bar(view, 120, false);
  EXPECT_THAT(line, HasSubstr("523 999 done"));
  EXPECT_THAT(line, HasSubstr("1:01"));
  EXPECT_THAT(line, Not(HasSubstr("%")));
  EXPECT_THAT(line, Not(HasSubstr("left")));
}

TEST(ProgressBar, ColoursTakeNoRoom) {
  const auto without_colours = [](std::string text) {
    for (std::size_t at; (at = text.find('\x1b')) != text.npos;) text.erase(at, text.find('m', at) + 1 - at);
    return text;
  };
  for (const unsigned columns : {40, 80, 160}) {
    const std::string line = progress_bar(half_way(), columns, true);
    EXPECT_NE(line.find("\x1b[31m12 failed\x1b[0m"), line.npos) << line;
    EXPECT_EQ(without_colours(line), progress_bar(half_way(), columns, false));
  }
}

TEST(ProgressBar, ShowsRanksBelow) {
  ProgressView view = half_way();
  view.ranks = {{0, "ws1", 1'234'567, 0.987}, {1, std::string(100, 'h'), 1, 0}};
  const std::string lines = progress_bar(view, 60, false);
  EXPECT_THAT(lines, HasSubstr("\n  rank 0 on ws1: 1 234 567 tasks, 99 % busy\n  rank 1 on hhh"));
  EXPECT_LT(lines.substr(lines.rfind('\n') + 1).size(), 60U);
  view.ranks.resize(100);
  for (const std::size_t most : {0, 1, 5, 99, 100}) {
    const std::string few = progress_bar(view, 60, false, most);
    EXPECT_LE(static_cast<std::size_t>(std::ranges::count(few, '\n')), most);
  }
  EXPECT_THAT(progress_bar(view, 60, false, 5), HasSubstr("\n  and 96 ranks more"));
}

TEST(ProgressText, SaysTheSame) {
  EXPECT_EQ(progress_text(half_way()),
            "523 999 of 1 000 000 tasks (52 %), 4 096 running, 12 failed, 10.0 k/s, 0:48 left");
}

TEST(Speed, IsThatOfLately) {
  Speed speed;
  const TimePoint start{};
  EXPECT_EQ(speed.per_second(), 0);
  speed.observe(start, 100);
  EXPECT_EQ(speed.per_second(), 0);
  for (int second = 1; second <= 100; ++second)
    speed.observe(start + std::chrono::seconds{second}, 100 + (second <= 50 ? 0 : 1000 * (second - 50)));
  EXPECT_NEAR(speed.per_second(), 1000, 1) << "the slow beginning is forgotten";
}

TEST(Amounts, AreAsPeopleReadThem) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(1'234'567), "1 234 567");
  EXPECT_EQ(shortened(999.4), "999");
  EXPECT_EQ(shortened(999.6), "1.00 k");
  EXPECT_EQ(shortened(99'960), "100 k");
  EXPECT_EQ(shortened(13.24e6), "13.2 M");
  EXPECT_EQ(clock_text(59.4), "0:59");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(clock_text(3 * 86400 + 4 * 3600), "3 d 04 h");
  EXPECT_EQ(clock_text(1e30), "11574 d 01 h");
}

}  // namespace
}  // namespace mpifarm::app

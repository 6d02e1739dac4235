// How much time there is.

#include "app/time_left.hpp"

#include <gtest/gtest.h>

#include "app/slurm_job.hpp"
#include "base/error.hpp"

namespace mpifarm::app {
namespace {

using namespace std::chrono_literals;

TEST(TimeLeft, ReadsWhatSlurmSays) {
  EXPECT_EQ(parse_slurm_time("0:07"), Nanos{7s});
  EXPECT_EQ(parse_slurm_time("03:04"), Nanos{3min + 4s});
  EXPECT_EQ(parse_slurm_time("02:03:04"), Nanos{2h + 3min + 4s});
  EXPECT_EQ(parse_slurm_time("1-02:03:04"), Nanos{26h + 3min + 4s});
  for (const char* text : {"", "UNLIMITED", "INVALID", "NOT_SET", "5", "1:2:3:4", "-1:00", "a:b", "1-", ":"})
    EXPECT_EQ(parse_slurm_time(text), std::nullopt) << text;
}

TEST(TimeLeft, EndsALittleEarly) {
  const TimePoint now{};
  EXPECT_EQ(end_of_time(parse_time_left("1000"), now), now + 990s);
  EXPECT_EQ(end_of_time(parse_time_left("20"), now), now + 18s);
  EXPECT_EQ(end_of_time(parse_time_left("none"), now), std::nullopt);
}

TEST(TimeLeft, RefusesWhatIsNoTime) {
  for (const char* text : {"", "0", "-1", "1e9", "nan", "inf", "soon", "1:00"})
    EXPECT_THROW(parse_time_left(text), BadInput) << text;
}

}  // namespace
}  // namespace mpifarm::app

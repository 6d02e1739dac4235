// What a list of jobs must satisfy as a whole.

#include "app/registration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/arguments.hpp"
#include "base/error.hpp"
#include "jobs/jobs.hpp"
#include "mpifarm.hpp"

namespace {

struct Clashing {
  static constexpr auto name = "clashing";
  static constexpr auto summary = "Has a param that mpifarm's own flags take";
  struct Params {
    int master_slots = 0;
  };
  struct Task {
    int n;
  };
  struct Result {
    int n;
  };
  explicit Clashing(const Params&) {}
  std::uint64_t size() const { return 1; }
  Task task(std::uint64_t) const { return {1}; }
  Result compute(const Task& task, mpifarm::Context&) const { return {task.n}; }
};
BOOST_DESCRIBE_STRUCT(Clashing::Params, (), (master_slots))
BOOST_DESCRIBE_STRUCT(Clashing::Task, (), (n))
BOOST_DESCRIBE_STRUCT(Clashing::Result, (), (n))

using mpifarm::BadInput;
using mpifarm::app::check_jobs;
using testing::HasSubstr;

TEST(Registration, TheJobsThatComeWithItAreGood) { EXPECT_NO_THROW(check_jobs(all_jobs())); }

TEST(Registration, AParamMayNotTakeAFlagOfMpifarm) {
  EXPECT_THAT([] { check_jobs({&mpifarm::job_type<Clashing>()}); },
              testing::ThrowsMessage<BadInput>(HasSubstr("master_slots, of --master-slots")));
}

TEST(Registration, NamesAreUnique) {
  EXPECT_THAT(
      [] {
        check_jobs({all_jobs()[0], all_jobs()[0]});
      },
      testing::ThrowsMessage<BadInput>(HasSubstr("two jobs have one name")));
}

// The reserved list must not fall behind the flags there are.
TEST(Registration, EveryFlagOfRunIsReserved) {
  const auto help =
      std::get<mpifarm::app::PrintCommand>(mpifarm::app::parse_arguments({"run", "--help"}, all_jobs())).text;
  std::size_t flags = 0;
  for (std::size_t at = help.find("  --"); at != std::string::npos; at = help.find("  --", at + 1)) {
    const std::string flag = help.substr(at + 2, help.find_first_of(" ,\n", at + 2) - at - 2);
    EXPECT_TRUE(mpifarm::app::is_reserved_flag(flag)) << flag;
    ++flags;
  }
  EXPECT_GT(flags, 10U);
}

}  // namespace

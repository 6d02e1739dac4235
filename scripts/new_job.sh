#!/usr/bin/env bash
# Writes a job and its test, and lists both: a beginning that builds and passes.
# Usage: scripts/new_job.sh NAME      lower-case letters, digits and dashes, a letter first
source "$(dirname "$0")/common.sh"
name=${1:-}
fail() { say "mpifarm: $1" >&2; exit 2; }
[ $# -eq 1 ] || fail "new_job.sh takes one name ($# given); say scripts/new_job.sh cube"
[[ $name =~ ^[a-z][a-z0-9]*(-[a-z0-9]+)*$ ]] ||
  fail "this is no name for a job (\"$name\"); use lower-case letters, digits and dashes, a letter first"
file=${name//-/_}
type=$(sed -E 's/(^|_)([a-z0-9])/\U\2/g' <<<"$file")
[[ ! $file =~ ^(params|task|result|jobs|main)$ ]] || fail "this is no name for a job (\"$name\" has another meaning here); take another"
for path in "jobs/$file.hpp" "tests/jobs/${file}_test.cpp"; do
  [ ! -e "$path" ] || fail "the job is there already ($path); take another name"
done
! grep -rqE "^struct $type( |$)" jobs/*.hpp || fail "a job has this struct already ($type); take another name"

cat >"jobs/$file.hpp" <<JOB
#pragma once
// $type: say here what it computes, and where the method comes from.

#include <mpifarm.hpp>

struct $type {
  static constexpr auto name = "$name";
  static constexpr auto summary = "Double every number in [0, count)";

  struct Params {
    std::uint32_t count = 1000;  // becomes --count
  };
  struct Task {
    std::uint64_t n;
  };
  struct Result {
    std::uint64_t n, value;  // become columns of the results
  };

  // Once in each process. Throw mpifarm::BadInput for params that do not fit together.
  explicit $type(const Params& params) : params_{params} {}

  // The tasks, the same on every rank. For a list that depends on the machine write tasks() instead.
  std::uint64_t size() const { return params_.count; }
  Task task(std::uint64_t i) const { return {i}; }

  // Many threads at once. A throw is a failed attempt.
  Result compute(const Task& task, mpifarm::Context&) const { return {task.n, 2 * task.n}; }

  // Both optional: sees every success in task order, then says what comes out.
  void reduce(const Task&, const Result& result) { sum_ += result.value; }
  std::string conclude() const { return "sum: " + std::to_string(sum_); }

 private:
  Params params_;
  std::uint64_t sum_ = 0;
};
BOOST_DESCRIBE_STRUCT($type::Params, (), (count))
BOOST_DESCRIBE_STRUCT($type::Task, (), (n))
BOOST_DESCRIBE_STRUCT($type::Result, (), (n, value))
JOB

cat >"tests/jobs/${file}_test.cpp" <<TEST
// $name against an oracle that is not its own code.

#include "jobs/$file.hpp"

#include <gtest/gtest.h>

#include "serial_farm.hpp"

namespace {

using Farm = mpifarm::support::SerialFarm<$type>;

TEST($type, DoublesEveryNumber) {
  Farm farm{{{"--count", "5"}}};
  std::vector<std::uint64_t> values;
  for (const auto& task : farm.run()) values.push_back(task.result.value);
  EXPECT_EQ(values, (std::vector<std::uint64_t>{0, 2, 4, 6, 8}));
  EXPECT_EQ(farm.conclude({}), "sum: 20");
}

}  // namespace
TEST

# The includes are sorted; the list sorts itself.
includes=$({ grep '^#include "jobs/' jobs/jobs.cpp; say "#include \"jobs/$file.hpp\""; } | grep -v '"jobs/jobs.hpp"' | LC_ALL=C sort -u)
{
  say '#include "jobs/jobs.hpp"' '' '#include <algorithm>' '' "$includes"
  sed '1,/^#include "jobs\/.*\.hpp"$/d; /^#include/d' jobs/jobs.cpp | sed '/./,$!d' | sed '1i\\'
} | sed "s|^  jobs.push_back(&job_type<Squares>());\$|  jobs.push_back(\&job_type<$type>());\n&|" >jobs/jobs.cpp.new
mv jobs/jobs.cpp.new jobs/jobs.cpp
sed -i "s|^  squares_test.cpp)\$|  ${file}_test.cpp\n&|" tests/CMakeLists.txt

say "wrote jobs/$file.hpp and tests/jobs/${file}_test.cpp; listed in jobs/jobs.cpp and tests/CMakeLists.txt" "" "Next:" \
  "  scripts/build.sh && build/mpifarm run $name --count 10      build and run it" \
  "  scripts/test.sh quick                                       its test, and all others"

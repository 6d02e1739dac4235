#!/usr/bin/env bash
# A job that scripts/new_job.sh wrote builds among the others, runs and passes its test; what it cannot write it
# refuses. The library is the one that is built already.
# Usage: new_job_test.sh SOURCE_FOLDER BUILD_FOLDER
set -euo pipefail
sources=$1 build=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
cp -r "$sources"/{jobs,scripts,tests} "$scratch"
cd "$scratch"
scripts/new_job.sh cube >/dev/null
for name in cube Cube 9lives "a b" ""; do
  status=0
  scripts/new_job.sh "$name" 2>refusal || status=$?
  [ "$status" = 2 ] && [ "$(wc -l <refusal)" = 1 ] || { printf 'new_job.sh "%s" is not refused\n' "$name"; exit 1; }
done
grep -qx '  cube_test.cpp' tests/CMakeLists.txt || { echo "the test is not listed"; exit 1; }
if command -v clang-format >/dev/null; then
  clang-format --style=file:"$sources/.clang-format" --dry-run --Werror jobs/cube.hpp jobs/jobs.cpp tests/jobs/cube_test.cpp
fi
cat >CMakeLists.txt <<'PROJECT'
cmake_minimum_required(VERSION 3.25)
project(with_cube LANGUAGES CXX)
find_package(mpifarm REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PNG REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
include_directories(. tests)
link_libraries(mpifarm::mpifarm)
add_executable(farm jobs/main.cpp jobs/jobs.cpp)
target_link_libraries(farm PRIVATE OpenSSL::Crypto PNG::PNG PkgConfig::RE2)
add_executable(cube_test tests/jobs/cube_test.cpp)
target_link_libraries(cube_test PRIVATE GTest::gtest_main)
PROJECT
cmake -G Ninja -S . -B out -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
ninja -C out >log || { cat log; exit 1; }
out/cube_test --gtest_brief=1
[ "$(out/farm run cube --count 5 --run run 2>/dev/null)" = "sum: 20" ]
out/farm list | grep -q '^cube '
echo "new_job_test: passed"

#!/usr/bin/env bash
# Installs the build into a prefix of its own, builds the author's project against it alone, and runs that.
# Usage: install_test.sh BUILD_FOLDER MPIEXEC
set -euo pipefail
build=$1 mpiexec=$2
project=$(cd "$(dirname "$0")/project" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
cp -r "$project" "$scratch/project"
cmake -S "$scratch/project" -B "$scratch/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build "$scratch/build" >"$scratch/log" || { cat "$scratch/log"; exit 1; }

expect() { # WHAT EXPECTED SEEN
  [ "$2" = "$3" ] || { printf '%s: expected "%s", seen "%s"\n' "$1" "$2" "$3"; exit 1; }
}
cd "$scratch"
status=0
concluded=$("$mpiexec" -n 2 build/cubes run cubes --count 15 --run two 2>two.log) || status=$?
expect "exit status with a failed task" 1 $status
expect "conclusion" "sum: $((105 * 105 - 13 * 13 * 13))" "$concluded"
expect "a row" "14,succeeded,14,2744," "$(tail -n 1 two/results.csv)"
expect "the failed row" "13,failed,,,unlucky" "$(grep ^13, two/results.csv)"
expect "the jobs" "cubes  Cube every integer in [0, count)" "$(build/cubes list)"
expect "the installed program" "$("$build/mpifarm" --version)" "$(prefix/bin/mpifarm --version)"
echo "install_test: passed"

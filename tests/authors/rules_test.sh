#!/usr/bin/env bash
# Each broken job must fail to compile, with the words that name its rule; the whole one must compile.
# Usage: rules_test.sh COMPILER SOURCE_FOLDER
set -euo pipefail
compiler=$1 sources=$2
file=$sources/tests/authors/broken_jobs.cpp
export compiler sources file

check() { # MACRO WORDS
  local seen
  if [ "$1" = WHOLE ]; then
    "$compiler" -std=c++20 -fsyntax-only -I"$sources/src" "$file" && return
    printf 'WHOLE: does not compile\n'
    return 1
  fi
  if seen=$("$compiler" -std=c++20 -fsyntax-only -I"$sources/src" -D"$1" "$file" 2>&1); then
    printf '%s: compiles\n' "$1"
    return 1
  fi
  grep -qF -- "$2" <<<"$seen" && return
  printf '%s: expected "%s" among\n%s\n' "$1" "$2" "$(grep -m 5 error <<<"$seen")"
  return 1
}
export -f check
{
  printf 'WHOLE\0-\0'
  sed -nE 's|.*defined\(([A-Z_]+)\)  // expect: (.*)$|\1\n\2|p' "$file" | tr '\n' '\0'
} | xargs -0 -n 2 -P 2 bash -c 'check "$1" "$2"' check
echo "rules_test: $(grep -c '// expect:' "$file") rules name themselves"

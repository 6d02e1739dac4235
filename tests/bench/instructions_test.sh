#!/usr/bin/env bash
# Instructions a task of the scheduler and the codec, in batches of 10, by callgrind: the same on every machine that
# runs the same code, unlike times. The bounds are twice what was seen (159, 1154, 380).
# Usage: instructions_test.sh PROGRAM
set -euo pipefail
program=$1
out=$(mktemp)
trap 'rm -f "$out"' EXIT

instructions() { # PART TASKS
  valgrind --tool=callgrind --callgrind-out-file="$out" "$program" "$1" "$2" 2>&1 >/dev/null | sed -n 's/.*Collected : *//p'
}

failed=0
check() { # PART BOUND
  local few many each
  few=$(instructions "$1" 20000) many=$(instructions "$1" 60000)
  each=$(((many - few) / 40000))
  printf '%s: %d instructions a task, at most %d\n' "$1" "$each" "$2"
  [ "$each" -gt 0 ] && [ "$each" -le "$2" ] || failed=1
}
check scheduler-range 320
check scheduler-descriptors 2300
check codec 760
exit $failed

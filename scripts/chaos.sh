#!/usr/bin/env bash
# Real runs on ranks, disturbed at random moments and carried on until they are complete; says how many went wrong.
# Usage: scripts/chaos.sh N [SEED] [FLAG ...]      N runs (some 3 s each); -v a line for each, --only K run K alone, --jobs J at a time
runs=${1:?how many runs?}
shift
seed=()
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
  seed=(--seed "$1")
  shift
fi
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}" "${test_packages[@]}"
allow_mpirun
configure build -DMPIFARM_TESTS=ON
ninja -C build chaos >/dev/null
exec build/tests/chaos/chaos "$runs" "${seed[@]}" "$@"

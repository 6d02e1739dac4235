#!/usr/bin/env bash
# Measures mpifarm beside MPI itself and beside other farms: medians, each in turn with its control.
# Usage: scripts/bench.sh [GROUP ...] [--rounds N] [--json]      GROUP: see --help; all take about half an hour
source "$(dirname "$0")/common.sh"
need_packages python3
python3 tests/bench/bench.py --check "$@"  # before anything is built
for argument in "$@"; do case $argument in -h | --help) exit 0 ;; esac; done
need_packages "${build_packages[@]}" "${bench_packages[@]}"
allow_mpirun
configure build-bench -DMPIFARM_TESTS=OFF -DMPIFARM_BENCH=ON
ninja -C build-bench >&2
exec python3 tests/bench/bench.py --build build-bench "$@"

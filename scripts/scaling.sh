#!/usr/bin/env bash
# How a job scales: strong and weak, over ranks and threads, as CSV, plots, fits, and in words.
# Usage: scripts/scaling.sh [OPTION ...] -- JOB [JOB FLAG ...]      see --help
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}" "${scaling_packages[@]}"
allow_mpirun
scripts/build.sh >&2
exec /usr/bin/python3 scripts/scaling/scaling.py --mpifarm "$PWD/build/mpifarm" "$@"

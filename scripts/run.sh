#!/usr/bin/env bash
# Builds mpifarm and runs its main job on every core: checksums of a tree of real files, then the same checked by sha256sum.
# Usage: scripts/run.sh [FOLDER]      (/usr/share/doc)
tree=$(realpath -- "${1:-/usr/share/doc}") || exit 2
source "$(dirname "$0")/common.sh"
scripts/build.sh
allow_mpirun
ranks=$(nproc)
run=runs/checksum-$(date +%Y%m%d-%H%M%S)
command=(mpirun -n "$ranks" build/mpifarm run checksum --path "$tree" --run "$run")
if [ "$(id -u)" -eq 0 ]; then say "" "\$ export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"; else say ""; fi
say "\$ ${command[*]}"
status=0
"${command[@]}" || status=$?
if [ ! -e "$run/SHA256SUMS" ]; then exit "$status"; fi
if [ ! -s "$run/SHA256SUMS" ]; then say "" "There is no file in $tree that could be read."; exit "$status"; fi
say "" "The same, checked by another tool:" "\$ sha256sum --quiet -c $run/SHA256SUMS"
sha256sum --quiet -c "$run/SHA256SUMS"
say "$(wc -l <"$run/SHA256SUMS") checksums agree." "" "Next:" \
  "  scripts/run.sh ~/data                                        the same of your own files" \
  "  build/mpifarm results $run | head    a row for every task" \
  "  build/mpifarm status $run            how it went; of a live run, how it goes" \
  "  mpirun -n 4 --oversubscribe build/mpifarm run squares        another job, on more ranks" \
  "  build/mpifarm list                                           all jobs"
exit "$status"

#!/usr/bin/env bash
# Feeds the readers of messages, journals, tables and manifests with bytes that nobody wrote, under sanitizers.
# Usage: scripts/fuzz.sh [SECONDS] [TARGET ...]   each for so long (600), one after another; all when none is named
#        scripts/fuzz.sh minimise [TARGET ...]    replaces tests/fuzz/corpus by the least of what was found since
# What breaks a target is left in build-fuzz/TARGET-*; copy it to tests/fuzz/corpus/TARGET/found-WHAT to keep it.
source "$(dirname "$0")/common.sh"
seconds=600
if [[ ${1:-} =~ ^([0-9]+|minimise)$ ]]; then seconds=$1 && shift; fi
all=(wire journal csv json_lines task_list manifest)
targets=("${@:-${all[@]}}")
for target in "${targets[@]}"; do
  [[ " ${all[*]} " == *" $target "* ]] || { say "there is no target \"$target\"; it is one of ${all[*]}" >&2; exit 2; }
done
need_packages "${build_packages[@]}" "${fuzz_packages[@]}"
configure build-fuzz -DMPIFARM_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++ \
  -DMPIFARM_SANITIZE=address,undefined "-DCMAKE_CXX_FLAGS=-fno-sanitize-recover=all"
ninja -C build-fuzz fuzz_targets
build-fuzz/tests/fuzz/fuzz_seeds build-fuzz/seeds
[ -w /dev/shm ] && export TMPDIR=/dev/shm  # the journal's target writes files
limits=(-rss_limit_mb=2048 -timeout=10 -max_len=4096)

fuzz() {
  local corpus=tests/fuzz/corpus/$1
  mkdir -p "build-fuzz/found/$1" "$corpus"
  "build-fuzz/tests/fuzz/fuzz_$1" "${limits[@]}" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="build-fuzz/$1-" "build-fuzz/found/$1" "$corpus" "build-fuzz/seeds/$1" >"build-fuzz/$1.log" 2>&1 ||
    { tail -n 40 "build-fuzz/$1.log" >&2; say "$1: broken; the input is build-fuzz/$1-*" >&2; return 1; }
  say "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$1.log") inputs in $seconds s, none broke it"
}

# Keeps what was once found broken, and of the rest those inputs that together reach most of the code.
minimise() {
  local corpus=tests/fuzz/corpus/$1 least=build-fuzz/least/$1 most_files=80
  rm -rf "$least" && mkdir -p "$least" "$corpus" "build-fuzz/found/$1"
  cp "$corpus"/found-* "$least/" 2>/dev/null || true
  "build-fuzz/tests/fuzz/fuzz_$1" "${limits[@]}" -set_cover_merge=1 -use_counters=0 -use_cmp=0 "$least" "$corpus" \
    "build-fuzz/seeds/$1" "build-fuzz/found/$1" >"build-fuzz/$1-merge.log" 2>&1
  # They were written in the order of what each adds.
  find "$least" -type f -printf '%T@ %p\n' | sort -n | sed "1,${most_files}d; s/^[^ ]* //" | xargs -r rm
  rm -rf "$corpus" && cp -r "$least" "$corpus"
  say "$1: $(find "$corpus" -type f | wc -l) files, $(du -sb --apparent-size "$corpus" | cut -f1) bytes"
}

failed=0
for target in "${targets[@]}"; do
  if [ "$seconds" = minimise ]; then minimise "$target"; else fuzz "$target" || failed=1; fi
done
exit "$failed"

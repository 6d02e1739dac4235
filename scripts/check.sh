#!/usr/bin/env bash
# What a review need not look for: format, lint, which floor includes which, layout. Silent about what is good.
# Usage: scripts/check.sh [quick]      quick: without clang-tidy and cppcheck
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}" "${check_packages[@]}"
failed=0
complain() { say "$*"; failed=1; }

mapfile -t sources < <(git ls-files 'src/*.[ch]pp' 'jobs/*.[ch]pp' 'tests/*.[ch]pp')

# ---- format
clang-format --dry-run --Werror "${sources[@]}" 2>&1 | head -n 20 >&2 || true
clang-format --dry-run --Werror "${sources[@]}" 2>/dev/null || complain "format: run clang-format -i on the files above"

# ---- floors: each includes only what its line in src/README.md names
declare -A uses=(
  [base]="" [describe]="base" [wire]="base" [journal]="base" [job]="base describe" [sched]="base wire journal"
  [transport]="base wire" [compute]="base job" [exec]="base describe job compute" [run]="base describe job journal"
  [node]="base describe wire journal job sched transport compute run"
  [sim]="base wire journal sched"
  [app]="base describe wire journal job sched transport compute exec run node sim")
for file in $(git ls-files 'src/*/*.[ch]pp'); do
  floor=$(cut -d/ -f2 <<<"$file")
  [ -n "${uses[$floor]+known}" ] || { complain "floors: $file is on no known floor"; continue; }
  for included in $(sed -n 's|^#include "\([a-z_]*\)/.*|\1|p' "$file" | sort -u); do
    [[ " $floor ${uses[$floor]} " == *" $included "* ]] || complain "floors: $file includes $included/, which $floor may not use"
  done
done
if [ "$(grep -hoP '^\| `\K[a-z]+(?=/`)' src/README.md | sort | tr '\n' ' ')" != "$(printf '%s\n' "${!uses[@]}" | sort | tr '\n' ' ')" ]; then
  complain "floors: src/README.md lists other floors than scripts/check.sh"
fi

# ---- who may see MPI, archives, and the command-line and JSON libraries
only_in() { # WHAT PATTERN ALLOWED...
  local what=$1 pattern=$2 file
  shift 2
  for file in $(git grep -lE "$pattern" -- 'src/*.[ch]pp' 'jobs/*.[ch]pp'); do
    [[ " $* " == *" $file "* || " $* " == *" ${file%/*}/ "* ]] || complain "floors: $file sees $what; only $* may"
  done
}
only_in MPI '#include [<"](mpi\.h|boost/mpi)' src/transport/mpi_transport.cpp src/app/mpi_session.cpp
only_in archives '#include <boost/archive' src/wire/codec.cpp src/describe/
only_in CLI11 '#include <CLI/' src/app/command_line.cpp
only_in Boost.JSON '#include <boost/json' src/describe/json_parser.cpp

# ---- layout
for entry in $(git ls-files | cut -d/ -f1 | sort -u); do
  case $entry in
    src | jobs | scripts | slurm | tests | CMakeLists.txt | CMakePresets.json | README.md | LICENSE | CHANGELOG.md | .*) ;;
    *) complain "layout: $entry does not belong at the top" ;;
  esac
done
for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 400 ] || complain "layout: $file has $lines lines; 400 is the most"
  case $file in *.hpp) head -n 1 "$file" | grep -qx '#pragma once' || complain "layout: $file does not begin with #pragma once" ;; esac
done
for script in $(git ls-files 'scripts/*.sh' 'slurm/*.sh' 'tests/*.sh'); do bash -n "$script" || complain "scripts: $script does not parse"; done

# ---- lint
if [ "${1:-}" != quick ]; then
  configure build
  cmake -S . -B build >/dev/null
  mapfile -t units < <(git ls-files 'src/*.cpp' 'jobs/*.cpp')
  cppcheck --quiet --std=c++20 --language=c++ --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j2 -Isrc -I. '-DBOOST_DESCRIBE_STRUCT(...)=' '-DBOOST_DESCRIBE_ENUM(...)=' '-DMPIFARM_VERSION=""' \
    --suppress=missingIncludeSystem --suppress=internalAstError --suppress=syntaxError "${units[@]}" >&2 || complain "lint: cppcheck found the above"
  printf '%s\n' "${units[@]}" | xargs -P 2 -n 4 clang-tidy --quiet -p build >build/clang-tidy.log 2>/dev/null || { cat build/clang-tidy.log >&2; complain "lint: clang-tidy found the above"; }
fi
[ "$failed" -eq 0 ] && say "checks: format, floors, layout and lint are clean"
exit "$failed"

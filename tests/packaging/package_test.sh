#!/usr/bin/env bash
# What cmake --install and the Debian package bring: the program runs from any prefix, manual pages, completion, module file, templates.
# Usage: package_test.sh BUILD_FOLDER
set -euo pipefail
build=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { printf 'package_test: %s\n' "$*"; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: expected \"$2\", seen \"$3\""; } # WHAT EXPECTED SEEN
holds() { [[ $3 == *"$2"* ]] || fail "$1: \"$2\" is not in \"$3\""; }    # WHAT PART TEXT

# ---- the package
(cd "$build" && cpack -B "$scratch/packages" >"$scratch/cpack.log" 2>&1) || { cat "$scratch/cpack.log"; exit 1; }
package=$(ls "$scratch"/packages/*.deb)
for needed in openmpi-bin libopenmpi3 libboost-mpi1.81.0 libsqlite3-0; do
  holds "what the package depends on" "$needed" "$(dpkg-deb -f "$package" Depends)"
done
dpkg-deb -x "$package" "$scratch/root"
prefix=$scratch/root/usr
expect "the packaged program" "$("$build/mpifarm" --version | head -n 1)" "$("$prefix/bin/mpifarm" --version | head -n 1)"
(cd "$scratch" && "$prefix/bin/mpifarm" run squares --to 10 --run run --quiet >/dev/null) || fail "the packaged program does not run"
for template in run array chain scaling; do
  bash -n "$prefix/share/mpifarm/slurm/$template.sbatch" || fail "$template.sbatch"
done
python3 "$prefix/share/mpifarm/scaling/scaling.py" --help >/dev/null || fail "scaling.py --help"

# ---- manual pages: one a command that --help names, with its flags
for command in $("$build/mpifarm" --help | sed -n '/^Usage/,/^[A-Z].*:$/s/^  \([a-z]*\) .*/\1/p'); do
  page=$prefix/share/man/man1/mpifarm-$command.1
  [ -s "$page" ] || fail "there is no manual page of $command"
  expect "complaints about the page of $command" "" "$(LC_ALL=C.UTF-8 MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)"
done
holds "the page of run" "--time-left" "$(man -l "$prefix/share/man/man1/mpifarm-run.1" | col -b)"
holds "the page of the whole" "launch" "$(man -l "$prefix/share/man/man1/mpifarm.1" | col -b)"

# ---- completion
completed() { # WORD ... : what follows the last, unfinished word
  PATH=$prefix/bin:$PATH bash -c '
    source "$1" && shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _mpifarm "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' - "$prefix/share/bash-completion/completions/mpifarm" "$@"
}
expect "commands in re" "results resume retry-line " "$(completed mpifarm re)"
expect "jobs in s" "spin squares " "$(completed mpifarm run s)"
expect "jobs of describe" "mandelbrot " "$(completed mpifarm describe man)"
expect "flags of run" "--threads " "$(completed mpifarm run spin --thr)"
expect "flags of the job" "--fail-rate " "$(completed mpifarm run spin --fa)"
expect "values" "fifo lifo shuffle " "$(completed mpifarm run spin --order "")"
expect "a value begun" "lifo " "$(completed mpifarm run spin --order li)"
expect "a value behind =" "shuffle " "$(completed mpifarm run spin --order = s)"
expect "flags of launch" "--launcher " "$(completed mpifarm launch --launc)"
expect "the job of launch" "checksum " "$(completed mpifarm launch -n 4 -- c)"
expect "flags of launch's job" "--duration " "$(completed mpifarm launch -n 4 -- spin --durat)"
expect "a flag behind a path" "--run " "$(completed mpifarm merge runs/1 --ru 2>&1)"
expect "a number, which nobody can guess" " " "$(completed mpifarm run spin --count "")"

# ---- module file
loaded=$(modulecmd bash use "$prefix/share/mpifarm/modulefiles" && echo 'eval "$(modulecmd bash load mpifarm)"')
expect "the program of the module" "$prefix/bin/mpifarm" "$(bash -c "$loaded"$'\n''command -v mpifarm')"
holds "manual pages of the module" "$prefix/share/man" "$(bash -c "$loaded"$'\n''echo "$MANPATH"')"

# ---- Spack's recipe is Python that compiles, and names every library the build looks for
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$(dirname "$0")/../../scripts/packaging/package.py"
echo "package_test: passed"

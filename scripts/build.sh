#!/usr/bin/env bash
# Installs what is missing and builds build/mpifarm, in release mode. A second call finds nothing to do.
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}"
if [ ! -e build/build.ninja ]; then configure build -DMPIFARM_TESTS=OFF; fi
if ninja -C build -n mpifarm | grep -q 'no work to do'; then
  say "nothing to do: build/mpifarm is up to date"
else
  ninja -C build mpifarm
  say "built build/mpifarm"
fi

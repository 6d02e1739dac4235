#!/usr/bin/env bash
# A Debian package of the program, the library for jobs of one's own, manual pages, completion, module file and Slurm templates.
# Usage: scripts/package.sh       then: apt-get install ./build/packages/mpifarm_*.deb
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}" "${packaging_packages[@]}"
scripts/build.sh
cmake build >/dev/null # it may have been made before help2man was there
ninja -C build mpifarm_core man
rm -f build/packages/*.deb
(cd build && cpack)
ls build/packages/*.deb

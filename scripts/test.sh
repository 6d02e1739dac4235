#!/usr/bin/env bash
# Every test: the checks, all tests of the release build, and those that run without MPI under sanitizers.
# Usage: scripts/test.sh [quick]      quick: the release build alone
source "$(dirname "$0")/common.sh"
need_packages "${build_packages[@]}" "${test_packages[@]}" "${check_packages[@]}" "${slurm_packages[@]}" "${packaging_packages[@]}"
allow_mpirun

step() { say "" "== $* (after $SECONDS s)"; }

build_sanitized() {
  configure build-asan -DMPIFARM_SANITIZE=address,undefined -DMPIFARM_TESTS=ON
  configure build-tsan -DMPIFARM_SANITIZE=thread -DMPIFARM_TESTS=ON "-DMPIFARM_TEST_FLOORS=base;transport;compute;node"
  ninja -C build-asan unit_tests fuzz_targets
  ninja -C build-tsan unit_tests
}

step "release build"
configure build -DMPIFARM_TESTS=ON
ninja -C build
if [ "${1:-}" != quick ]; then
  step "checks"
  scripts/check.sh
  # Tests mostly wait; what they leave of the cores goes to the compiler.
  (renice -n 19 $BASHPID >/dev/null && build_sanitized) >build/sanitized.log 2>&1 &
  sanitized=$!
  trap 'kill $sanitized 2>/dev/null || true' EXIT
fi
step "tests of the release build"
ctest --test-dir build --output-on-failure -j2
if [ "${1:-}" != quick ]; then
  step "rest of the sanitizers' builds"
  wait $sanitized || { tail -n 50 build/sanitized.log; exit 1; }
  step "address and undefined behaviour sanitizers"
  ctest --test-dir build-asan --output-on-failure -j2
  step "thread sanitizer"
  ctest --test-dir build-tsan --output-on-failure -j2
fi
say "" "all passed after $SECONDS s"

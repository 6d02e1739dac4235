# For the other scripts to source: the project's folder, and what it needs from apt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build_packages=(g++ cmake ninja-build ccache pkg-config openmpi-bin libopenmpi-dev libboost-mpi1.81-dev
  libboost-serialization1.81-dev libboost-json1.81-dev libcli11-dev libspdlog-dev libfmt-dev libxxhash-dev libssl-dev zlib1g-dev libsqlite3-dev libre2-dev libpng-dev)
test_packages=(libgtest-dev libgmock-dev libasan8 libubsan1 libtsan2 procps coreutils sqlite3 valgrind util-linux python3 gnuplot-nox
  man-db bsdextrautils environment-modules)
bench_packages=(libbenchmark-dev python3 python3-mpi4py parallel time)
slurm_packages=(slurm-wlm munge)
packaging_packages=(help2man dpkg-dev file)
scaling_packages=(python3 gnuplot-nox)
fuzz_packages=(clang libclang-rt-14-dev)
check_packages=(clang-format clang-tidy cppcheck git)

say() { printf '%s\n' "$@"; }  # each argument a line

# Installs those of the packages named that are missing.
need_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "missing packages, and neither root nor sudo to install them: ${missing[*]}" >&2; exit 3; }
    as_root=(sudo)
  fi
  say "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

# configure FOLDER [CMAKE ARGUMENT ...]: at the first time, or when an argument is given.
configure() {
  local folder=$1
  shift
  if [ ! -e "$folder/build.ninja" ] || [ $# -gt 0 ]; then cmake -G Ninja -S . -B "$folder" "$@" >/dev/null; fi
}

# The launcher, as it must be called here: as root it wants to be allowed, and there may be more ranks than cores.
allow_mpirun() {
  export OMPI_MCA_rmaps_base_oversubscribe=1
  if [ "$(id -u)" -eq 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
}

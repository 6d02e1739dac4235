#!/usr/bin/env bash
# The tests' own Slurm cluster: slurm/local-cluster.sh beside one that a user may have started with it. Does nothing
# where Slurm is not installed.
set -euo pipefail
PATH=$PATH:/usr/sbin
for program in slurmctld slurmd munged srun; do
  command -v "$program" >/dev/null || { printf '%s\n' "$program is not installed"; exit 0; }
done
export MPIFARM_CLUSTER=/tmp/mpifarm-test-cluster MPIFARM_CLUSTER_PORT=17100
exec "$(dirname "$0")/../../slurm/local-cluster.sh" "$@"

#!/usr/bin/env bash
# A real Slurm cluster of three nodes on this machine, to try the scripts of this folder and for the tests.
# It lives in one directory ($MPIFARM_CLUSTER, by default in /tmp) and touches no other Slurm. Its nodes are one machine; as Open MPI
# would take ranks of different nodes for neighbours that share memory, env turns that off.
# Usage: slurm/local-cluster.sh up|down|quit|kill NODE|status|env
#   up         starts it and waits until jobs can run; what already runs is left alone
#   down       ends its jobs and its daemons and removes the directory
#   quit       ends its jobs
#   kill NODE  as if that node lost its power; up brings it back
#   status     its nodes and jobs
#   env        prints what a shell needs: eval "$(slurm/local-cluster.sh env)"
source "$(dirname "$0")/../scripts/common.sh"

cluster=${MPIFARM_CLUSTER:-/tmp/mpifarm-cluster-$(id -u)}
port=${MPIFARM_CLUSTER_PORT:-17000} # of slurmctld, and the three that follow of the nodes; or the next four that are free
cpus=${MPIFARM_CLUSTER_CPUS:-2}     # of each node, whatever the machine has
nodes=(node1 node2 node3)
export SLURM_CONF=$cluster/slurm.conf
PATH=$PATH:/usr/sbin

configuration() {
  local host user
  host=$(hostname -s) user=$(id -un)
  cat <<CONFIGURATION
ClusterName=mpifarm
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$cluster/munge.socket
StateSaveLocation=$cluster/state
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdSpoolDir=$cluster/spool-%n
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmdLogFile=$cluster/slurmd-%n.log
TmpFS=$cluster/tmp-%n
MpiDefault=pmix
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,requeue_setup_env_fail
SlurmdParameters=config_overrides
SlurmctldTimeout=30
SlurmdTimeout=10
InactiveLimit=0
KillWait=30
MinJobAge=600
ReturnToService=2
JobRequeue=1
NodeName=node[1-3] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 3))] CPUs=$cpus RealMemory=2000
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONFIGURATION
}

# runs PIDFILE: the process it names is there.
runs() { [ -s "$1" ] && kill -0 "$(cat "$1")" 2>/dev/null; }

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $until ]; then
      say "local-cluster: $what did not come up; see the logs in $cluster" >&2
      exit 3
    fi
    sleep 0.1
  done
}

in_use() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

take_free_ports() {
  while in_use "$port" || in_use $((port + 1)) || in_use $((port + 2)) || in_use $((port + 3)); do port=$((port + 4)); done
}

all_there() { ! sinfo -h -N -o %T | grep -qvE '^(idle|mixed|allocated)$'; }

is_mine() { grep -qs "^StateSaveLocation=$cluster/state\$" "$SLURM_CONF"; }

check_mine() {
  if [ -d "$cluster" ] && [ -n "$(ls -A "$cluster")" ] && ! is_mine; then
    say "local-cluster: the directory is no cluster's (MPIFARM_CLUSTER: \"$cluster\"); name another, or an empty one" >&2
    exit 2
  fi
}

up() {
  need_packages "${slurm_packages[@]}"
  check_mine
  mkdir -p -m 700 "$cluster/state" "$cluster/munge" "${nodes[@]/#/$cluster/spool-}" "${nodes[@]/#/$cluster/tmp-}"
  chmod 711 "$cluster"
  [ -s "$cluster/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$cluster/munge.key")
  if ! runs "$cluster/slurmctld.pid"; then
    take_free_ports
    configuration >"$SLURM_CONF"
  fi
  runs "$cluster/munge/pid" || munged --force --socket="$cluster/munge.socket" --key-file="$cluster/munge.key" \
    --pid-file="$cluster/munge/pid" --log-file="$cluster/munge/log" --seed-file="$cluster/munge/seed"
  await 10 munged test -S "$cluster/munge.socket"
  runs "$cluster/slurmctld.pid" || slurmctld
  await 20 slurmctld scontrol ping
  local node
  for node in "${nodes[@]}"; do
    runs "$cluster/slurmd-$node.pid" || slurmd -N "$node"
  done
  await 30 "its nodes" all_there
}

end_jobs() {
  runs "$cluster/slurmctld.pid" || return 0
  scancel --signal=KILL --full --user="$(id -un)" 2>/dev/null || true
  scancel --user="$(id -un)" 2>/dev/null || true
}

down() {
  check_mine
  end_jobs
  local file process processes=()
  for file in "$cluster"/slurmd-*.pid "$cluster/slurmctld.pid" "$cluster/munge/pid"; do
    if runs "$file"; then processes+=("$(cat "$file")"); fi
  done
  for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${processes[@]}"; do
    for _ in {1..100}; do
      kill -0 "$process" 2>/dev/null || continue 2
      sleep 0.1
    done
    kill -KILL "$process" 2>/dev/null || true
  done
  rm -rf "$cluster"
}

# The daemon, the keepers of its steps and all that they started; the youngest first, and at one stroke: an srun whose
# parent is gone would still end its step.
kill_node() {
  local node=$1 process keeper lost
  runs "$cluster/slurmd-$node.pid" || { say "local-cluster: $node is not up (\"$node\"); see status" >&2 && exit 2; }
  lost=("$(cat "$cluster/slurmd-$node.pid")")
  for process in $(grep -slz "^SLURMD_NODENAME=$node\$" /proc/[0-9]*/environ | cut -d/ -f3); do
    grep -sqz "^SLURM_CONF=$SLURM_CONF\$" "/proc/$process/environ" || continue # another cluster's
    keeper=$(awk '/^PPid/ {print $2}' "/proc/$process/status" 2>/dev/null) || continue
    [ "$(cat "/proc/$keeper/comm" 2>/dev/null)" != slurmstepd ] || lost+=("$keeper")
    lost+=("$process")
  done
  mapfile -t lost < <(printf '%s\n' "${lost[@]}" | sort -rnu)
  kill -KILL "${lost[@]}" 2>/dev/null || true
}

case ${1:-} in
  up) up ;;
  down) down ;;
  quit) end_jobs ;;
  kill) kill_node "${2:-}" ;;
  status) sinfo -N -l && squeue ;;
  env) say "export SLURM_CONF=$SLURM_CONF" "export OMPI_MCA_btl=tcp,self" ;;
  *)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

#!/bin/bash
#SBATCH --job-name=mobo-bench
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=3G
#SBATCH --time=04:00:00
#SBATCH --output=mobo-bench-%j.log
# Usage, from the checkout: sbatch docs/cluster/slurm.sh run paper --seeds 7 --slots 16
set -euo pipefail

cd "$SLURM_SUBMIT_DIR"
PATH="$PWD/.venv/bin:$PATH"
# Each process uses one thread: trials share the cores, and results repeat.
export OMP_NUM_THREADS=1 RAY_USAGE_STATS_ENABLED=0

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
# Since Slurm 22.05 a job step has only one core unless --cpus-per-task is given.
on() { srun --nodes=1 --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" --overlap --nodelist="$1" "${@:2}"; }

# The port depends on the job, because several jobs may share a node.
read -r head_ip _ < <(on "${nodes[0]}" hostname --ip-address)
address="$head_ip:$((20000 + SLURM_JOB_ID % 10000))"

# Only a process with the token may join; the nodes read the token from the shared home folder.
ray get-auth-token --generate >/dev/null
export RAY_AUTH_MODE=token

trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT

await_nodes() { # wait until $1 nodes have joined, for at most three minutes
  timeout 180 python - "$address" "$1" <<'PYTHON'
import sys
import time

import ray

address, nodes = sys.argv[1], int(sys.argv[2])
while True:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        break
    except ConnectionError:
        time.sleep(2)
while sum(node["Alive"] for node in ray.nodes()) < nodes:
    time.sleep(2)
PYTHON
}

on "${nodes[0]}" ray start --head --block --node-ip-address="$head_ip" \
  --port="${address##*:}" --num-cpus="$SLURM_CPUS_PER_TASK" --include-dashboard=false &
await_nodes 1
for node in "${nodes[@]:1}"; do
  on "$node" ray start --block --address="$address" --num-cpus="$SLURM_CPUS_PER_TASK" &
done
await_nodes "${#nodes[@]}"

mobo-bench "$@" --address "$address"

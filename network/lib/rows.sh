# shellcheck shell=bash
# What `network.sh status` tells of a node.

# node_row NODE PORT PROBE…: one JSON object. `unhealthy`: the process is there and the probe fails.
node_row() {
  local node=$1 port=$2 state=down pid=null memory=null
  shift 2
  if pid=$(pid_of "$node"); then
    memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || true
    if "$@" >/dev/null 2>&1; then state=up; else state=unhealthy; fi
  fi
  jq -nc --arg node "$node" --arg state "$state" --argjson port "$port" --argjson pid "${pid:-null}" \
    --argjson memory "${memory:-null}" \
    '{node: $node, up: ($state == "up"), state: $state, port: $port, pid: $pid, memory_kib: $memory}'
}

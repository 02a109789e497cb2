# shellcheck shell=bash
# Nodes as processes: start, find again, stop. A process is ours if its environment bears this network's mark, so
# that a process id taken over by another program is never signalled.

STARTED=0
# Peers and orderers tell of every call, twice: that is what metrics are for.
readonly LOG_LEVELS=info:comm.grpc.server=warn:endorser=warn:grpc=error
readonly LOG_FORMAT='%{time:2006-01-02T15:04:05.000Z07:00} %{level} [%{module}] %{message}'

# The process id of a node, if it runs. A process id file that was lost, or not written because network.sh was
# killed, is made anew.
pid_of() {
  local mark="SILLOK_NETWORK_NODE=$RUN:$1" pid
  pid=$(cat "$RUN/pids/$1.pid" 2>/dev/null) || true
  if [[ ! $pid =~ ^[0-9]+$ ]] || ! grep -qzxF "$mark" "/proc/$pid/environ" 2>/dev/null; then
    pid=$(grep -lzxF "$mark" /proc/[0-9]*/environ 2>/dev/null | head -n 1 | cut -d/ -f3) || true
    [[ -n $pid ]] || return 1
    echo "$pid" >"$RUN/pids/$1.pid"
  fi
  echo "$pid"
}

running() { pid_of "$1" >/dev/null; }

# launch NODE PROGRAM-AND-VARIABLES…: in the background, in a session of its own, output to the node's log.
launch() {
  local node=$1 port
  shift
  for port in $(ports_of "$node"); do
    port_is_free "$port" || fail "$node" "port $port is taken by another program; end it or use another --port-base"
  done
  mkdir -p "$RUN/nodes/$node" "$RUN/logs" "$RUN/pids"
  (
    cd "$RUN/nodes/$node" || exit
    exec setsid env -i PATH="$PATH" HOME="$RUN/nodes/$node" TMPDIR="${TMPDIR:-/tmp}" \
      FABRIC_LOGGING_SPEC="$LOG_LEVELS" FABRIC_LOGGING_FORMAT="$LOG_FORMAT" \
      SILLOK_NETWORK_NODE="$RUN:$node" "$@" </dev/null >>"$RUN/logs/$node.log" 2>&1 9>&-
  ) &
  echo "$!" >"$RUN/pids/$node.pid"
  STARTED=$((STARTED + 1))
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
port_is_open() { ! port_is_free "$1"; }

# wait_for SECONDS NODE WHAT COMMAND…: polls until the command succeeds; ends with an error if the node dies or the
# time is over.
wait_for() {
  local end=$((SECONDS + $1)) node=$2 what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    running "$node" || fail "$node" "it ended while waited for: $what"
    ((SECONDS < end)) || fail "$node" "time is over, waited for: $what"
    sleep 0.1
  done
}

# fail NODE WHY: ends with the reason, the last words of the node's log and where the rest is.
fail() {
  printf 'network: %s: %s\n' "$1" "$2" >&2
  [[ ! -f $RUN/logs/$1.log ]] || tail -n 3 "$RUN/logs/$1.log" | cut -c1-300 | sed 's/^/  | /' >&2
  printf 'network: its log: %s\n' "$RUN/logs/$1.log" >&2
  exit 1
}

stop_node() {
  stop_all "$1"
}

stop_nodes() {
  # Chaincode and peers before the orderers, all at once.
  local node reversed=()
  for node in "${NODES[@]}"; do reversed=("$node" "${reversed[@]}"); done
  stop_all "${reversed[@]}"
}

# SIGTERM, 15 seconds of patience, then SIGKILL.
stop_all() {
  local node pid stopping=() end
  for node in "$@"; do
    if pid=$(pid_of "$node"); then
      kill -TERM "$pid" 2>/dev/null || true
      stopping+=("$node")
    else
      rm -f "$RUN/pids/$node.pid"
    fi
  done
  ((${#stopping[@]})) || { say "not running: $*" && return; }
  end=$((SECONDS + 15))
  for node in "${stopping[@]}"; do
    while pid=$(pid_of "$node"); do
      if ((SECONDS >= end)); then
        say "$node did not end within 15 s and is killed"
        kill -KILL "$pid" 2>/dev/null || true
        end=$((SECONDS + 1))
      fi
      sleep 0.1
    done
    rm -f "$RUN/pids/$node.pid"
  done
  say "stopped: ${stopping[*]}"
}

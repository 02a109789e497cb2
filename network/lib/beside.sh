# shellcheck shell=bash
# The services beside Fabric, each a script of its own in network/, and what becomes of everything when `up` fails.

# In the order in which they start.
readonly SERVICES=(postgres kafka cassandra roles)

# service NAME COMMAND…: on this network.
service() { "$HERE/$1.sh" "${@:2}" --dir "$RUN"; }

# each_service COMMAND: of those that there are, the last one first.
each_service() {
  local index
  for ((index = ${#SERVICES[@]} - 1; index >= 0; index--)); do
    [[ ! -d $RUN/${SERVICES[index]} ]] || service "${SERVICES[index]}" "$1"
  done
}

# Those that were asked for.
start_services() {
  local service wanted=()
  [[ -n $NO_POSTGRES ]] || wanted=(postgres)
  [[ -z $FULL ]] || wanted=("${SERVICES[@]}")
  for service in "${wanted[@]}"; do SILLOK_BIN=${SILLOK_BIN:-} service "$service" up; done
}

stop_services() { each_service down; }

# From here until `is_up`, whoever ends in between stops what was not running before.
undo_unless_up() {
  RAN=" $(running_now) "
  trap undo EXIT
}

is_up() { trap - EXIT; }

nothing_new() { [[ $RAN == " $(running_now) " ]]; }

undo() {
  local node started=() postgres=''
  trap - EXIT
  for node in $(running_now); do
    if [[ $RAN == *" $node "* ]]; then continue; fi
    # It is stopped its own way.
    if [[ $node == postgres ]]; then postgres=yes; else started=("$node" "${started[@]}"); fi
  done
  ((${#started[@]} == 0)) || stop_all "${started[@]}" >&2
  [[ -z $postgres ]] || service postgres down >&2
}

# The names of the nodes whose processes there are.
running_now() { all_rows | jq -rj 'select(.pid) | "\(.node) "'; }

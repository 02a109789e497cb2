# shellcheck shell=bash
# Arguments, the run directory, and the ports that follow from its port base.

say() { printf 'network: %s\n' "$*"; }
die() { printf 'network: %s\n' "$*" >&2 && exit 1; }
misuse() { printf 'network: %s; see network/network.sh help\n' "$*" >&2 && exit 2; }

# Sets RUN, WORDS (what is not an option) and the options' variables.
read_arguments() {
  RUN=${SILLOK_NETWORK_DIR:-$HERE/run}
  LISTEN_OFFSET=${SILLOK_NETWORK_LISTEN_OFFSET:-0}
  ASKED_PORT_BASE=${SILLOK_NETWORK_PORT_BASE:-} ASKED_ORDERERS='' ASKED_NODES='' NO_POSTGRES='' FULL='' JSON='' WORDS=()
  while (($#)); do
    [[ $1 != --@(dir|port-base|orderers|nodes) || -n ${2:-} ]] || misuse "$1 needs a value"
    case $1 in
      --dir) RUN=$2 && shift ;;
      --port-base) ASKED_PORT_BASE=$2 && shift ;;
      --orderers) ASKED_ORDERERS=$2 && shift ;;
      --nodes) ASKED_NODES=$2 && shift ;;
      --full) FULL=yes ;;
      --no-postgres) NO_POSTGRES=yes ;;
      --json) JSON=yes ;;
      -*) misuse "unknown option '$1'" ;;
      *) WORDS+=("$1") ;;
    esac
    shift
  done
  [[ $ASKED_ORDERERS == @(|1|3) ]] || misuse "--orderers is 1 or 3, not '$ASKED_ORDERERS'"
  [[ $ASKED_NODES == @(|1|3) ]] || misuse "--nodes is 1 or 3, not '$ASKED_NODES'"
  if [[ -n $ASKED_PORT_BASE && ! $ASKED_PORT_BASE =~ ^[1-9][0-9]{3,4}$ ]] ||
    ((${#ASKED_PORT_BASE} && (ASKED_PORT_BASE < 1024 || ASKED_PORT_BASE > 65400))); then
    misuse "--port-base is a number from 1024 to 65400, not '$ASKED_PORT_BASE'"
  fi
  RUN=$(realpath -m -- "$RUN")
  [[ $LISTEN_OFFSET =~ ^(0|[1-9][0-9]{0,3})$ ]] ||
    misuse "SILLOK_NETWORK_LISTEN_OFFSET is a number from 0 to 9999, not '$LISTEN_OFFSET'"
  # These would need quoting in YAML.
  [[ $RUN != *[\"\\@$'\n\t']* ]] || misuse "the run directory's path may not hold quotes, backslashes, @ or line ends"
}

# One command at a time changes a network. Nodes do not inherit the lock. `clean` deletes the lock's file, so one
# that was waited for is taken only if it is still the one in the directory.
lock() {
  local end=$((SECONDS + 180)) file=$RUN/$1.lock
  while ((SECONDS < end)); do
    mkdir -p "$RUN"
    exec 9>"$file"
    flock -w 180 9 || break
    [[ ! $file -ef /proc/self/fd/9 ]] || return 0
  done
  die "another command has been working on $RUN for 3 minutes; try again"
}

lock_if_any() { [[ ! -f $RUN/settings ]] || lock network; }

# A new network takes the settings asked for; a network that exists keeps its own. PostgreSQL alone has no orderers yet.
open_settings() {
  if [[ ! -f $RUN/settings ]]; then
    write_settings "${ASKED_PORT_BASE:-7000}" "${ASKED_ORDERERS:-1}"
  elif [[ -n $ASKED_ORDERERS && ! -d $RUN/nodes ]]; then
    load_settings
    write_settings "$PORT_BASE" "$ASKED_ORDERERS"
  fi
  load_settings
  [[ -z $ASKED_ORDERERS || $ASKED_ORDERERS == "$ORDERERS" ]] ||
    die "the network in $RUN has $ORDERERS orderer(s); run clean first, or give another --dir"
  [[ -z $ASKED_PORT_BASE || $ASKED_PORT_BASE == "$PORT_BASE" ]] ||
    die "the network in $RUN has port base $PORT_BASE; run clean first, or give another --dir"
}

write_settings() { # port base, orderers
  mkdir -p "$RUN"
  printf '%s %s\n' "$1" "$2" >"$RUN/settings.part"
  mv "$RUN/settings.part" "$RUN/settings"
}

load_settings() {
  read -r PORT_BASE ORDERERS <"$RUN/settings"
  NODES=()
  local number
  for ((number = 1; number <= ORDERERS; number++)); do NODES+=("orderer$number"); done
  NODES+=(peer-office peer-support chaincode-office chaincode-support)
}

open_settings_if_any() {
  NODES=()
  [[ ! -f $RUN/settings ]] || load_settings
}

need_network() {
  [[ -f $RUN/settings ]] || die "there is no network in $RUN; run: network/network.sh up"
  load_settings
}

need_node() {
  NODE=${WORDS[0]:-}
  [[ -n $NODE && " ${NODES[*]} " == *" $NODE "* ]] || misuse "name a node: ${NODES[*]}"
}

# The port of a node, or of one of its side services: admin, chaincode, operations.
port_of() {
  local first
  case $1 in
    orderer[123]) first=$((PORT_BASE + 10 * ${1#orderer})) ;;
    peer-office) first=$((PORT_BASE + 51)) ;;
    peer-support) first=$((PORT_BASE + 61)) ;;
    chaincode-office) first=$((PORT_BASE + 71)) ;;
    chaincode-support) first=$((PORT_BASE + 72)) ;;
    *) die "no port is known for '$1'" ;;
  esac
  case ${2:-} in
    admin | chaincode) echo $((first + 1)) ;;
    operations) echo $((first + 2)) ;;
    *) echo "$first" ;;
  esac
}

# Where a node listens: its port, or so many above it, for what stands in between and is reached at the port.
listens_on() { echo $(($(port_of "$1") + LISTEN_OFFSET)); }

# The organisation that runs a node.
org_of() {
  case $1 in
    *-office | orderer1 | orderer3) echo OfficeMSP ;;
    *-support | orderer2) echo SupportMSP ;;
  esac
}

#!/usr/bin/env bash
# The Fabric network that Sillok runs on: OfficeMSP and SupportMSP with a peer and ordering nodes each, SchoolMSP
# without a peer, one channel `records`, the chaincode `sillok` as one server process an office. No Docker; every
# node listens on 127.0.0.1 alone.
usage() {
  cat <<'END'
usage: network/network.sh COMMAND [OPTIONS]

  up [--orderers 1|3] [--no-postgres] [--full]
                     make and start what is missing, deploy the chaincode, and start PostgreSQL beside it; --full: all of
                     the platform, with Kafka, Cassandra, and a process for each of its roles. Safe to run again. If it
                     fails, what it started is stopped
  down               stop every node; data stays
  status [--json]    what runs, where; exit code 3 if something does not
  logs NODE          the log of a node, or a role
  start|stop NODE    one node, e.g. peer-office
  deploy             package, install, approve and commit the chaincode, if it changed since
  programs           find Fabric's programs, or build them; nothing is started
  env ORG [USER]     export lines for using `peer` by hand: eval "$(network/network.sh env OfficeMSP)"
  clean              stop every node and delete the run directory, keys and ledger included
  help               this text

Nodes: orderer1 (orderer2, orderer3), peer-office, peer-support, chaincode-office, chaincode-support.

  --dir DIR          the run directory, default network/run or SILLOK_NETWORK_DIR
  --port-base N      first port, default 7000 or SILLOK_NETWORK_PORT_BASE; kept in the run directory. Used are
                     N+10 to N+32 (orderers), N+51 to N+63 (peers), N+71, N+72 (chaincode), N+40 to N+49 (the
                     platform's roles), N+80 (PostgreSQL), N+90, N+91 (Kafka), N+94, N+95 (Cassandra)

Fabric's programs (3.1.x: peer, orderer, osnadmin, configtxgen, cryptogen) are taken from SILLOK_FABRIC_BIN or
PATH, else built with Go from what network/fabric pins; the chaincode server from SILLOK_CHAINCODE_BIN and the program
sillok from SILLOK_BIN, else they are built with cargo. Kafka and Cassandra come by Maven and need Java 17.

SILLOK_NETWORK_LISTEN_OFFSET, for tests: the nodes listen so many ports above those that all others know them by, where
a proxy is expected to stand.

Exit codes: 0 done, 1 a step failed, 2 wrong usage, 3 not everything is up.
END
}
set -euo pipefail
umask 077
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
# What `env` exported into this shell must not reach the nodes.
unset "${!CORE_@}" "${!ORDERER_@}" FABRIC_CFG_PATH
# shellcheck source-path=SCRIPTDIR
{
  source "$HERE/lib/settings.sh"
  source "$HERE/lib/process.sh"
  source "$HERE/lib/programs.sh"
  source "$HERE/lib/crypto.sh"
  source "$HERE/lib/nodes.sh"
  source "$HERE/lib/channel.sh"
  source "$HERE/lib/package.sh"
  source "$HERE/lib/chaincode.sh"
  source "$HERE/lib/rows.sh"
  source "$HERE/lib/report.sh"
  source "$HERE/lib/beside.sh"
}

up() {
  local began=$SECONDS
  find_programs
  find_chaincode
  [[ -z $FULL ]] || SILLOK_BIN=$(find_built SILLOK_BIN sillok-gateway sillok)
  undo_unless_up
  make_crypto
  start_nodes
  create_channel
  write_network_file
  deploy
  peers_meet
  start_services
  is_up
  if ((DEPLOYED == 0)) && nothing_new; then
    say "everything is up already"
  else
    say "up after $((SECONDS - began)) s; see $RUN/network.json"
  fi
}

down() {
  if [[ ! -f $RUN/settings ]]; then say "nothing to stop: no network in $RUN" && return; fi
  stop_services
  stop_nodes
}

clean() {
  down
  each_service clean
  [[ -f $RUN/settings ]] || return 0 # whatever that directory is, it is not a network's
  rm -rf -- "${RUN:?}"
  say "deleted $RUN"
}

main() {
  local command=${1:-help}
  shift || true
  case $command in
    help | -h | --help) usage && return ;;
    up | down | status | logs | start | stop | deploy | programs | env | clean) ;;
    *) misuse "unknown command '$command'" ;;
  esac
  read_arguments "$@"
  case $command in
    up) lock network; open_settings; up ;;
    down) lock_if_any; open_settings_if_any; down ;;
    clean) lock_if_any; open_settings_if_any; clean ;;
    deploy) need_network; lock network; find_programs; find_chaincode; deploy; report_deploy ;;
    start) need_network; lock network; need_node; find_programs; start_one "$NODE" ;;
    stop) need_network; lock network; need_node; stop_node "$NODE" ;;
    programs) find_programs; say "Fabric's programs are in $(dirname "$(command -v peer)")" ;;
    logs) need_network; print_log ;;
    status) need_network; status ;;
    env) need_network; find_programs; print_env ;;
  esac
}
main "$@"

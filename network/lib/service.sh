# shellcheck shell=bash
# What the scripts of the services beside Fabric share: how they are called, what they need of the machine, their rows in
# `network.sh status`. Such a script sets SERVICE and TITLE and says `usage`, has a function SERVICE_COMMAND for each of its commands, and
# ends with `serve "COMMAND|COMMAND" "$@"`. `open_place`, which it may define, sets what follows from the run directory and the ports.
#
# Every one of them knows up, down, clean and rows.

set -euo pipefail
umask 077
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly HERE
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
{
  source "$HERE/lib/settings.sh"
  source "$HERE/lib/process.sh"
  source "$HERE/lib/rows.sh"
}

open_place() { :; }

# serve COMMANDS COMMAND ARGUMENTS…: whatever changes something does so alone.
serve() {
  local commands=$1 command=${2:-help}
  shift 2 || shift
  [[ $command == @($commands) ]] || { usage && [[ $command == @(help|-h|--help) ]] && return || exit 2; }
  read_arguments "$@"
  PLACE=$RUN/$SERVICE PORT_BASE=7000
  case $command in
    up) lock "$SERVICE" && open_settings ;;
    url | roots | settings | rows) [[ ! -f $RUN/settings ]] || load_settings ;;
    *) [[ ! -f $RUN/settings ]] || { lock "$SERVICE" && load_settings; } ;;
  esac
  open_place
  "${SERVICE}_$command"
}

# told FILE: prints what `up` has noted there.
told() {
  [[ -f $1 ]] || die "no $TITLE in $RUN; run: network/$SERVICE.sh up"
  cat "$1"
}

# need PROGRAM PACKAGE: installs the Debian package that brings the program, or says that it is missing.
need() {
  command -v "$1" >/dev/null || install_package "$1" "$2"
}

# install_package WHAT PACKAGE
install_package() {
  if ((EUID)) || ! command -v apt-get >/dev/null; then die "$1 is missing; run: sudo apt-get install $2"; fi
  say "installing $2, which brings $1"
  mkdir -p "$PLACE"
  { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y "$2"; } \
    >"$PLACE/install.log" 2>&1 </dev/null 9>&- || die "apt-get failed; its log: $PLACE/install.log"
}

#!/usr/bin/env bash
# A PostgreSQL of its own for the records database of a gateway on this network: loopback only, a generated password,
# TLS for who asks for it, durable (fsync stays on), and with a log that the gateway can watch.
usage() {
  cat <<'END'
usage: network/postgres.sh up|down|clean|url|roots [--dir DIR] [--port-base N]

  up      install PostgreSQL if it is missing (Debian, as root), make the cluster, start it; safe to run again
  down    stop it; data stays
  clean   stop it and delete its data
  url     print the URL, password included; it is kept in DIR/postgres/url, readable by its owner alone
  roots   print the name of the file (PEM) of the certificate that it shows over TLS, which is its own

The directory and ports are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR, the port is N+80. The
cluster is DIR/postgres/cluster. PostgreSQL refuses to run as root: for root it runs as the user `postgres`, and since
root's directories are closed to that user, DIR/postgres/cluster is then a link to a directory in /var/lib/postgresql.
END
}
set -euo pipefail
umask 077
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
# shellcheck source-path=SCRIPTDIR
source "$HERE/lib/settings.sh"
# shellcheck source-path=SCRIPTDIR
source "$HERE/lib/process.sh"

find_postgres() {
  BIN=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  if [[ -z $BIN ]]; then
    if ((EUID)) || ! command -v apt-get >/dev/null; then
      die "PostgreSQL is missing; run: sudo apt-get install postgresql"
    fi
    say "installing PostgreSQL"
    { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y postgresql; } \
      >"$HOME_DIRECTORY/install.log" 2>&1 </dev/null || die "apt-get failed; its log: $HOME_DIRECTORY/install.log"
    BIN=$(find /usr/lib/postgresql -path '*/bin/initdb' | sort -V | tail -n 1)
  fi
  BIN=${BIN%/initdb}
}

# as_server COMMAND…: as the user that PostgreSQL runs as, without what this shell has exported.
as_server() {
  local user=()
  ((EUID)) || user=(setpriv --reuid postgres --regid postgres --init-groups)
  (cd "$CLUSTER/" && exec "${user[@]}" env -i PATH="$BIN:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@" 9>&-)
}

answers() { as_server pg_isready -q -h 127.0.0.1 -p "$PORT"; }
up_already() { [[ -f $DATA/postmaster.pid ]] && as_server pg_ctl -D "$DATA" status >/dev/null 2>&1; }

up() {
  mkdir -p "$HOME_DIRECTORY"
  find_postgres
  make_place
  DATA=$(realpath "$CLUSTER")/data
  [[ -f $HOME_DIRECTORY/url && -f $DATA/PG_VERSION ]] || make_cluster
  if up_already && answers; then say "PostgreSQL is up already on port $PORT" && return; fi
  port_is_free "$PORT" || die "PostgreSQL: port $PORT is taken by another program; use another --port-base"
  start_server || die "PostgreSQL did not start; its log: $CLUSTER/server.log"
  say "PostgreSQL is up on port $PORT; its URL: network/postgres.sh url"
}

# After kill -9 the old server's children may hold its shared memory for a moment, and a new one refuses to start.
start_server() {
  local end=$((SECONDS + 30))
  until as_server pg_ctl -D "$DATA" -l "${DATA%/*}/server.log" -w -t 60 start >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.3
  done
}

make_place() {
  [[ ! -d $CLUSTER ]] || return 0
  if ((EUID)); then mkdir -p "$CLUSTER" && return; fi
  local place
  place=/var/lib/postgresql/sillok-$(sha256sum <<<"$RUN" | cut -c1-16)
  install -d -o postgres -g postgres -m 0700 "$place"
  ln -sfn "$place" "$CLUSTER"
}

# In a directory that gets its name when all is done, so that a cut-short attempt is made anew.
make_cluster() {
  local password made=${DATA%/*}/making
  ! up_already || as_server pg_ctl -D "$DATA" -m fast -w -t 30 stop >/dev/null
  rm -rf "$made" "$DATA"
  password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  as_server initdb -D "$made" -U postgres --auth=reject -E UTF8 --locale=C.UTF-8 >/dev/null ||
    die "initdb failed in $made"
  as_server tee -a "$made/postgresql.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = ''
max_connections = 200
ssl = on
wal_level = logical
max_replication_slots = 100
max_wal_senders = 100
max_slot_wal_keep_size = 4GB
END
  make_certificate "$made"
  # Only the database's owner may log in, with the password in the URL; it may make more databases, for tests.
  as_server tee "$made/pg_hba.conf" >/dev/null <<<'host all sillok 127.0.0.1/32 scram-sha-256'
  as_server postgres --single -D "$made" postgres >/dev/null 2>"$HOME_DIRECTORY/make.log" <<END ||
CREATE ROLE sillok LOGIN CREATEDB REPLICATION PASSWORD '$password'
CREATE DATABASE sillok OWNER sillok
END
    die "PostgreSQL: role and database were not made"
  printf 'postgres://sillok:%s@127.0.0.1:%s/sillok\n' "$password" "$PORT" >"$HOME_DIRECTORY/url"
  mv "$made" "$DATA"
}

# For 127.0.0.1 and no name. Nobody's but this server's, so it is its own root.
make_certificate() {
  as_server openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config /dev/null \
    -subj /CN=127.0.0.1 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$1/server.key" -out "$1/server.crt" >"$HOME_DIRECTORY/make.log" 2>&1 ||
    die "PostgreSQL: its certificate was not made; openssl said: $(tail -n 1 "$HOME_DIRECTORY/make.log")"
  as_server cat "$1/server.crt" >"$HOME_DIRECTORY/roots.pem"
}

down() {
  if [[ ! -d $DATA ]]; then say "PostgreSQL: nothing to stop" && return; fi
  find_postgres
  if ! up_already; then say "PostgreSQL is not running" && return; fi
  as_server pg_ctl -D "$DATA" -m fast -w -t 30 stop >/dev/null 2>&1 ||
    as_server pg_ctl -D "$DATA" -m immediate -w -t 15 stop >/dev/null || die "PostgreSQL does not stop; its log: $CLUSTER/server.log"
  say "PostgreSQL is stopped"
}

clean() {
  down
  [[ ! -d $DATA ]] || rm -rf -- "${DATA%/*}"
  rm -rf -- "${HOME_DIRECTORY:?}"
}

main() {
  local command=${1:-help}
  shift || true
  [[ $command == @(up|down|clean|url|roots) ]] || { usage && [[ $command == @(help|-h|--help) ]] && return || exit 2; }
  read_arguments "$@"
  HOME_DIRECTORY=$RUN/postgres CLUSTER=$RUN/postgres/cluster
  DATA=$(realpath -m "$CLUSTER")/data
  if [[ $command == up ]]; then
    lock postgres
    open_settings
  elif [[ -f $RUN/settings ]]; then
    [[ $command == @(url|roots) ]] || lock postgres
    load_settings
  fi
  PORT=$((${PORT_BASE:-7000} + 80))
  case $command in
    up) up ;;
    down) down ;;
    clean) clean ;;
    url) cat "$HOME_DIRECTORY/url" 2>/dev/null || die "no PostgreSQL in $RUN; run: network/postgres.sh up" ;;
    roots)
      [[ -f $HOME_DIRECTORY/roots.pem ]] || die "no PostgreSQL with TLS in $RUN; run: network/postgres.sh clean, then up"
      echo "$HOME_DIRECTORY/roots.pem"
      ;;
  esac
}
main "$@"

#!/usr/bin/env bash
# A PostgreSQL of its own for the records database of a gateway on this network: loopback only, a generated password,
# TLS for who asks for it, durable (fsync stays on), and with a log that the gateway can watch.
usage() {
  cat <<'END'
usage: network/postgres.sh up|down|clean|url|roots|admin [--dir DIR] [--port-base N]

  up      install PostgreSQL if it is missing (Debian, as root), make the cluster, start it; safe to run again
  down    stop it; data stays
  clean   stop it and delete its data
  url     print the URL, password included; it is kept in DIR/postgres/url, readable by its owner alone
  admin   run what standard input says, an SQL statement a line, in the database `sillok`, as the server's administrator;
          for that the server is started anew, unless it is what was run the last time
  roots   print the name of the file (PEM) of the certificate that it shows over TLS, which is its own

The directory and ports are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR, the port is N+80. The
cluster is DIR/postgres/cluster. PostgreSQL refuses to run as root: for root it runs as the user `postgres`, and since
root's directories are closed to that user, DIR/postgres/cluster is then a link to a directory in /var/lib/postgresql.
END
}
# shellcheck source=SCRIPTDIR/lib/service.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/service.sh"
readonly SERVICE=postgres TITLE=PostgreSQL

open_place() {
  PORT=$((PORT_BASE + 80)) CLUSTER=$PLACE/cluster
  DATA=$(realpath -m "$CLUSTER")/data
}

find_postgres() {
  BIN=$(newest_initdb)
  [[ -n $BIN ]] || { install_package initdb postgresql && BIN=$(newest_initdb); }
  BIN=${BIN%/initdb}
}

newest_initdb() { find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1; }

# as_server COMMAND…: as the user that PostgreSQL runs as, without what this shell has exported.
as_server() {
  local user=()
  ((EUID)) || user=(setpriv --reuid postgres --regid postgres --init-groups)
  (cd "$CLUSTER/" && exec "${user[@]}" env -i PATH="$BIN:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@" 9>&-)
}

answers() { as_server pg_isready -q -h 127.0.0.1 -p "$PORT"; }
up_already() { [[ -f $DATA/postmaster.pid ]] && as_server pg_ctl -D "$DATA" status >/dev/null 2>&1; }

postgres_up() {
  mkdir -p "$PLACE"
  find_postgres
  make_place
  DATA=$(realpath "$CLUSTER")/data
  [[ -f $PLACE/url && -f $DATA/PG_VERSION ]] || make_cluster
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
  as_server postgres --single -D "$made" postgres >/dev/null 2>"$PLACE/make.log" <<END ||
CREATE ROLE sillok LOGIN CREATEDB REPLICATION PASSWORD '$password'
CREATE DATABASE sillok OWNER sillok
END
    die "PostgreSQL: role and database were not made"
  printf 'postgres://sillok:%s@127.0.0.1:%s/sillok\n' "$password" "$PORT" >"$PLACE/url"
  mv "$made" "$DATA"
}

# For 127.0.0.1 and no name. Nobody's but this server's, so it is its own root.
make_certificate() {
  as_server openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config /dev/null \
    -subj /CN=127.0.0.1 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:127.0.0.1 \
    -keyout "$1/server.key" -out "$1/server.crt" >"$PLACE/make.log" 2>&1 ||
    die "PostgreSQL: its certificate was not made; openssl said: $(tail -n 1 "$PLACE/make.log")"
  as_server cat "$1/server.crt" >"$PLACE/roots.pem"
}

postgres_down() {
  if [[ ! -d $DATA ]]; then say "PostgreSQL: nothing to stop" && return; fi
  find_postgres
  if ! up_already; then say "PostgreSQL is not running" && return; fi
  as_server pg_ctl -D "$DATA" -m fast -w -t 30 stop >/dev/null 2>&1 ||
    as_server pg_ctl -D "$DATA" -m immediate -w -t 15 stop >/dev/null || die "PostgreSQL does not stop; its log: $CLUSTER/server.log"
  say "PostgreSQL is stopped"
}

postgres_clean() {
  postgres_down
  [[ ! -d $DATA ]] || rm -rf -- "${DATA%/*}"
  rm -rf -- "${PLACE:?}"
}

# The administrator may not log in: PostgreSQL runs the statements alone, and not as a server.
postgres_admin() {
  local statements
  statements=$(cat)
  [[ -f $PLACE/url ]] || die "no PostgreSQL in $RUN; run: network/postgres.sh up"
  [[ $statements != "$(cat "$PLACE/admin.sql" 2>/dev/null)" ]] || return 0
  postgres_down >/dev/null
  as_server postgres --single -c exit_on_error=on -D "$DATA" sillok <<<"$statements" >"$PLACE/admin.log" 2>&1 ||
    die "PostgreSQL: a statement failed; the log: $PLACE/admin.log"
  let_logins_in
  start_server || die "PostgreSQL did not start; its log: $CLUSTER/server.log"
  printf '%s\n' "$statements" >"$PLACE/admin.sql"
}

# Logins beside the owner's, into its database.
let_logins_in() {
  local line='host sillok all 127.0.0.1/32 scram-sha-256'
  grep -qxF "$line" "$DATA/pg_hba.conf" || as_server tee -a "$DATA/pg_hba.conf" >/dev/null <<<"$line"
}

# The server's first process is PostgreSQL's own to note.
pid_of() { up_already && head -n 1 "$DATA/postmaster.pid"; }

postgres_rows() {
  [[ -d $DATA ]] || return 0
  find_postgres
  node_row postgres "$PORT" answers
}

postgres_url() { told "$PLACE/url"; }

postgres_roots() {
  [[ -f $PLACE/roots.pem ]] || die "no PostgreSQL with TLS in $RUN; run: network/postgres.sh clean, then up"
  echo "$PLACE/roots.pem"
}

serve "up|down|clean|rows|url|roots|admin" "$@"

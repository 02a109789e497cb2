#!/usr/bin/env bash
# The platform's roles on this network, each a process of its own, with secrets, ports and grants of its own.
usage() {
  cat <<'END'
usage: network/roles.sh up|down|clean|url|root [--dir DIR] [--port-base N]

  up     make what is missing of each role's certificates, logins, grants and settings, and start it; safe to run again.
         Fabric, PostgreSQL, Kafka and Cassandra have to be up: network/network.sh up --full brings up all of it
  down   stop them; their settings stay
  clean  stop them and delete their settings and keys, office keys too
  url    print where the role api takes requests
  root   print the name of the file (PEM) of the authority of its certificate

The directory and ports are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR; a role has two ports from N+40 on,
in the order of `sillok role list`, for REST and gRPC. What is of a role is in DIR/roles/ROLE, readable by its owner alone;
its log is DIR/logs/ROLE.log. The program is taken from SILLOK_BIN, else it is built with cargo.
END
}
# shellcheck source=SCRIPTDIR/lib/service.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/service.sh"
# shellcheck source-path=SCRIPTDIR
{
  source "$HERE/lib/certificates.sh"
  source "$HERE/lib/programs.sh"
  source "$HERE/lib/role.sh"
}
readonly SERVICE=roles TITLE="The roles"

probe() { curl -fsS --noproxy '*' --max-time 5 --cacert "$PLACE/tls/ca.pem" "$(url_of "$1")/readyz"; }

open_place() {
  ROLES=()
  [[ ! -f $PLACE/list ]] || mapfile -t ROLES <"$PLACE/list"
}

roles_up() {
  local role began=$SECONDS
  find_sillok
  [[ -f $RUN/network.json ]] || die "there is no network in $RUN; run: network/network.sh up --full"
  mkdir -p "$PLACE"
  "$SILLOK" role list >"$PLACE/list"
  open_place
  find_authorities
  make_office_key
  for role in "${ROLES[@]}"; do make_role "$role"; done
  grant_database
  grant_kafka
  # The first makes what the others find: topics, the archive's tables.
  for role in "${ROLES[@]}"; do
    running "$role" || launch "$role" "$SILLOK" --config "$PLACE/$role/sillok.toml" serve --role "$role"
    [[ $role != "${ROLES[0]}" ]] || await "$role"
  done
  for role in "${ROLES[@]}"; do
    await "$role"
    say "$role is up: $(url_of "$role")"
  done
  ((STARTED == 0)) || say "the roles are up after $((SECONDS - began)) s; requests go to $(roles_url)"
}

await() { wait_for 60 "$1" "its /readyz" probe "$1"; }

roles_down() {
  ((${#ROLES[@]})) || { say "roles: nothing to stop" && return; }
  stop_all "${ROLES[@]}"
}

roles_clean() {
  roles_down
  rm -rf -- "${PLACE:?}"
}

roles_rows() {
  local role
  for role in "${ROLES[@]}"; do node_row "$role" "$(port_of "$role")" probe "$role"; done
}

roles_url() {
  ((${#ROLES[@]})) || die "no roles in $RUN; run: network/network.sh up --full"
  url_of api
}

roles_root() {
  told "$PLACE/tls/ca.pem" >/dev/null
  echo "$PLACE/tls/ca.pem"
}

serve "up|down|clean|rows|url|root" "$@"

# shellcheck shell=bash
# What is of a role: its ports, secrets and settings, and what it is granted. `sillok role` knows what that has to be.

# The port of a role's REST; that of its gRPC is the next.
port_of() {
  local index
  for index in "${!ROLES[@]}"; do
    [[ ${ROLES[index]} != "$1" ]] || { echo $((PORT_BASE + 40 + 2 * index)) && return; }
  done
  die "there is no role $1; there are: ${ROLES[*]}"
}

ports_of() { port_of "$1" && echo $(($(port_of "$1") + 1)); }

# The role api is called by others than this machine's operator.
url_of() {
  if [[ $1 == api ]]; then echo "https://127.0.0.1:$(port_of "$1")"; else echo "http://127.0.0.1:$(port_of "$1")"; fi
}

# Of the api's certificate one of its own; of the ledger that of the support office, whose clients the roles are.
find_authorities() {
  [[ -f $PLACE/tls/ca.pem ]] || make_authority "$PLACE/tls"
  mkdir -p "$PLACE/fabric"
  ln -sfn "$(jq -r .organizations.SupportMSP.ca_cert "$RUN/network.json")" "$PLACE/fabric/ca.pem"
  ln -sfn "$(jq -r .organizations.SupportMSP.ca_key "$RUN/network.json")" "$PLACE/fabric/ca.key"
}

# For those who open the archive. The first one; `sillok archive rotate` makes more.
make_office_key() {
  compgen -G "$PLACE/office-keys/*.key" >/dev/null ||
    SILLOK_ARCHIVE__KEYS=$PLACE/office-keys "$SILLOK" archive key >/dev/null
}

# A role's own key and certificate of each service that it calls, made once, and its settings.
make_role() { # role
  local own=$PLACE/$1
  mkdir -p "$own"
  certified "$PLACE/fabric" "$own/fabric" "OU=client/CN=$1" "DNS:$1"
  certified "$RUN/kafka/tls" "$own/kafka" "CN=$1" "DNS:$1"
  [[ -f $own/postgres-password ]] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$own/postgres-password"
  case $1 in
    api)
      certified "$PLACE/tls" "$own/tls" CN=api IP:127.0.0.1,DNS:localhost
      certified "$RUN/cassandra/tls" "$own/cassandra" CN=api DNS:api
      ;;
    recorder) certified "$RUN/cassandra/tls" "$own/cassandra" CN=recorder DNS:recorder ;;
  esac
  role_settings "$1" >"$own/sillok.toml.part"
  mv "$own/sillok.toml.part" "$own/sillok.toml"
}

# certified AUTHORITY FILE NAME ALTERNATIVE-NAMES: once.
certified() { [[ -f $2.pem ]] || certify "$@"; }

role_settings() { # role
  local own=$PLACE/$1
  cat <<END
data = "$own/data"

[listen]
rest = "127.0.0.1:$(port_of "$1")"
grpc = "127.0.0.1:$(($(port_of "$1") + 1))"

[records]
url = "postgres://$(login_of "$1")@$(database_address)?sslmode=require"
password_file = "$own/postgres-password"
root_certificates = "$RUN/postgres/roots.pem"

[ledger]
engine = "fabric"
[ledger.fabric]
msp_id = "SupportMSP"
certificate = "$own/fabric.pem"
key = "$own/fabric.key"
peers = $(jq -c '[.organizations | .SupportMSP, .OfficeMSP | .peer.address]' "$RUN/network.json")
tls_roots = "$(peers_tls_roots)"

[events]
engine = "kafka"
# It looks often for what the others wrote, since it brings all of it to Kafka.
poll_ms = $([[ $1 == api ]] && echo 50 || echo 250)
[events.kafka]
brokers = ["$(<"$RUN/kafka/url")"]
roots = "$RUN/kafka/roots.pem"
certificate = "$own/kafka.pem"
key = "$own/kafka.key"
replication = 1
END
  case $1 in
    api) archive_settings api && tls_settings ;;
    recorder) archive_settings recorder ;;
  esac
}

tls_settings() {
  cat <<END

[tls]
certificate = "$PLACE/api/tls.pem"
key = "$PLACE/api/tls.key"
END
}

# Those of the gateway that cassandra.sh knows, with the role's own certificate, and the office keys.
archive_settings() { # role
  echo
  sed -e "s|^certificate = .*|certificate = \"$PLACE/$1/cassandra.pem\"|" -e "s|^key = .*|key = \"$PLACE/$1/cassandra.key\"|" \
    -e "s|^\[archive\]$|&\nkeys = \"$PLACE/office-keys\"|" "$RUN/cassandra/archive.toml"
}

login_of() { echo "sillok_$1"; }

# Host, port and database.
database_address() { sed 's|.*@||' "$RUN/postgres/url"; }

# The authorities of both peers' TLS certificates, in one file.
peers_tls_roots() {
  jq -r '.organizations | .SupportMSP, .OfficeMSP | .peer.tls_root_cert' "$RUN/network.json" | xargs cat >"$PLACE/peers.pem"
  echo "$PLACE/peers.pem"
}

# The tables are the owner's; each role's login may do what its work needs.
grant_database() {
  local role login
  SILLOK_RECORDS__URL=$(<"$RUN/postgres/url") "$SILLOK" role prepare >/dev/null
  for role in "${ROLES[@]}"; do
    login=$(login_of "$role")
    echo "DO \$\$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '$login') THEN CREATE ROLE $login LOGIN; END IF; END \$\$;"
    echo "ALTER ROLE $login PASSWORD '$(<"$PLACE/$role/postgres-password")';"
    "$SILLOK" --config "$PLACE/$role/sillok.toml" role sql "$role" --login "$login"
  done | "$HERE/postgres.sh" admin --dir "$RUN"
}

grant_kafka() {
  local role
  for role in "${ROLES[@]}"; do
    "$SILLOK" --config "$PLACE/$role/sillok.toml" role acls "$role" --principal "User:CN=$role"
  done | "$HERE/kafka.sh" allow --dir "$RUN"
}

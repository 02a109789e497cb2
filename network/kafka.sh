#!/usr/bin/env bash
# An Apache Kafka broker of its own in KRaft mode: loopback only, TLS for everybody, and certificates asked of its clients.
usage() {
  cat <<'END'
usage: network/kafka.sh up|down|clean|url|settings [--dir DIR] [--port-base N]

  up        install Java and Maven if they are missing (Debian, as root), fetch Kafka, make certificates, start the broker;
            safe to run again, also after the broker was killed
  down      stop it; data stays
  clean     stop it and delete its data
  url       print where it is: host and port
  settings  print the sections of a gateway's configuration that use it

The directory and ports are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR, the ports are N+90 (broker) and
N+91 (controller). Everything is in DIR/kafka: roots.pem, client.pem and client.key are for its clients.

Kafka is what network/kafka/pom.xml names, fetched by Maven, which verifies the checksums, into network/.cache.
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

readonly NODE=kafka

need() { # program, Debian package
  command -v "$1" >/dev/null && return
  if ((EUID)) || ! command -v apt-get >/dev/null; then die "$1 is missing; run: sudo apt-get install $2"; fi
  say "installing $2, which brings $1"
  { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y "$2"; } \
    >"$PLACE/install.log" 2>&1 </dev/null || die "apt-get failed; its log: $PLACE/install.log"
}

# The jars, in a directory named after what was asked for; it gets its name when all is there.
find_kafka() {
  need java default-jre-headless
  local version
  version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
  ((${version:-0} >= 17)) || die "Kafka needs Java 17 or later, this is Java ${version:-of an unknown version}"
  JARS=$HERE/.cache/kafka-$(sha256sum "$HERE/kafka/pom.xml" | cut -c1-16)
  [[ ! -d $JARS ]] || return 0
  need mvn maven
  say "fetching Kafka by Maven"
  local part
  mkdir -p "$HERE/.cache"
  part=$(mktemp -d "$HERE/.cache/kafka.XXXXXX")
  timeout 900 mvn -B -q -C -f "$HERE/kafka/pom.xml" dependency:copy-dependencies -DoutputDirectory="$part" \
    >"$PLACE/fetch.log" 2>&1 </dev/null || { rm -rf "$part" && die "mvn failed; its log: $PLACE/fetch.log"; }
  chmod 755 "$part"
  mv -T "$part" "$JARS" 2>/dev/null || rm -rf "$part" # another was quicker
}

# An authority of this broker's own, and certificates for the broker and for its clients.
make_certificates() {
  local made=$PLACE/tls.part who
  [[ ! -d $PLACE/tls ]] || return 0
  rm -rf "$made" && mkdir "$made"
  sign() { openssl "$@" >>"$PLACE/make.log" 2>&1 || die "Kafka: certificates were not made; the log: $PLACE/make.log"; }
  sign req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config /dev/null -subj /CN=kafka-authority \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout "$made/roots.key" \
    -out "$made/roots.pem"
  for who in broker client; do
    sign req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config /dev/null -subj "/CN=$who" \
      -keyout "$made/$who.key" -out "$made/$who.csr"
    sign x509 -req -in "$made/$who.csr" -CA "$made/roots.pem" -CAkey "$made/roots.key" -days 3650 \
      -extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n') \
      -out "$made/$who.pem"
  done
  # As Kafka reads them: the key (PKCS #8), and behind it the certificate.
  cat "$made/broker.key" "$made/broker.pem" >"$made/broker.store.pem"
  rm -f "$made/"*.csr "$made/roots.key"
  mv "$made" "$PLACE/tls"
  cp "$PLACE/tls/"{roots.pem,client.pem,client.key} "$PLACE/"
}

write_properties() {
  cat >"$PLACE/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
listeners=CLIENTS://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$((PORT + 1))
advertised.listeners=CLIENTS://127.0.0.1:$PORT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
listener.security.protocol.map=CLIENTS:SSL,CONTROLLER:SSL
ssl.keystore.type=PEM
ssl.keystore.location=$PLACE/tls/broker.store.pem
ssl.truststore.type=PEM
ssl.truststore.location=$PLACE/tls/roots.pem
ssl.client.auth=required
log.dirs=$PLACE/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
message.max.bytes=8388608
# So that tests need not wait long for a consumer that was killed, or for more of them to come.
group.min.session.timeout.ms=500
group.initial.rebalance.delay.ms=0
END
}

kafka() { # main class and arguments: in the foreground, for half a minute at most
  timeout 30 java -Xmx128m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$JARS/*" "$@"
}

format() {
  [[ ! -f $PLACE/data/meta.properties ]] || return 0
  local id
  id=$(openssl rand 16 | basenc --base64url | tr -d '=')
  kafka kafka.tools.StorageTool format -t "$id" -c "$PLACE/server.properties" >>"$PLACE/make.log" 2>&1 ||
    die "Kafka: its directory was not made; the log: $PLACE/make.log"
}

# It speaks TLS and takes our certificate.
answers() {
  openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$PLACE/roots.pem" -cert "$PLACE/client.pem" \
    -key "$PLACE/client.key" -verify_return_error </dev/null >/dev/null 2>&1
}

up() {
  mkdir -p "$PLACE" "$RUN/pids"
  find_kafka
  make_certificates
  write_properties
  format
  if running "$NODE" && answers; then say "Kafka is up already on port $PORT" && return; fi
  if ! running "$NODE"; then
    local port
    for port in "$PORT" $((PORT + 1)); do
      port_is_free "$port" || die "Kafka: port $port is taken by another program; use another --port-base"
    done
    start_broker
  fi
  wait_until_up
  printf '127.0.0.1:%s\n' "$PORT" >"$PLACE/url"
  say "Kafka is up on port $PORT"
}

start_broker() {
  (
    cd "$PLACE" || exit
    exec setsid env -i PATH="$PATH" HOME="$PLACE" SILLOK_NETWORK_NODE="$RUN:$NODE" \
      java -Xms64m -Xmx384m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
      -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$JARS/*" kafka.Kafka server.properties \
      </dev/null >>"$PLACE/server.log" 2>&1 9>&-
  ) &
  echo "$!" >"$RUN/pids/$NODE.pid"
}

wait_until_up() {
  local end=$((SECONDS + 90))
  until answers; do
    # Between its start and its exec the process does not bear the mark yet.
    ((SECONDS < end - 85)) || running "$NODE" || die "Kafka ended; its log: $PLACE/server.log"
    ((SECONDS < end)) || die "Kafka does not answer; its log: $PLACE/server.log"
    sleep 0.2
  done
}

down() {
  if [[ ! -d $PLACE ]]; then say "Kafka: nothing to stop" && return; fi
  stop_all "$NODE"
}

clean() {
  down
  rm -rf -- "${PLACE:?}"
}

print_settings() {
  [[ -f $PLACE/url ]] || die "no Kafka in $RUN; run: network/kafka.sh up"
  cat <<END
[events]
engine = "kafka"
[events.kafka]
brokers = ["$(cat "$PLACE/url")"]
roots = "$PLACE/roots.pem"
certificate = "$PLACE/client.pem"
key = "$PLACE/client.key"
replication = 1
END
}

main() {
  local command=${1:-help}
  shift || true
  [[ $command == @(up|down|clean|url|settings) ]] ||
    { usage && [[ $command == @(help|-h|--help) ]] && return || exit 2; }
  read_arguments "$@"
  PLACE=$RUN/kafka
  if [[ $command == up ]]; then
    lock kafka
    open_settings
  elif [[ -f $RUN/settings ]]; then
    [[ $command == @(url|settings) ]] || lock kafka
    load_settings
  fi
  PORT=$((${PORT_BASE:-7000} + 90))
  case $command in
    up) up ;;
    down) down ;;
    clean) clean ;;
    url) cat "$PLACE/url" 2>/dev/null || die "no Kafka in $RUN; run: network/kafka.sh up" ;;
    settings) print_settings ;;
  esac
}
main "$@"

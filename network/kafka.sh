#!/usr/bin/env bash
# An Apache Kafka broker of its own in KRaft mode: loopback only, TLS for everybody, and certificates asked of its clients.
usage() {
  cat <<'END'
usage: network/kafka.sh up|down|clean|url|settings|allow [--dir DIR] [--port-base N]

  up        install Java and Maven if they are missing (Debian, as root), fetch Kafka, make certificates, start the broker;
            safe to run again, also after the broker was killed
  down      stop it; data stays
  clean     stop it and delete its data
  url       print where it is: host and port
  allow     let clients do what standard input says, the arguments of one `kafka-acls --add` a line. The certificate
            client.pem may do everything
  settings  print the sections of a gateway's configuration that use it

The directory and ports are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR, the ports are N+90 (broker) and
N+91 (controller). Everything is in DIR/kafka: roots.pem, client.pem and client.key are for its clients.

Kafka is what network/kafka/pom.xml names, fetched by Maven, which verifies the checksums, into network/.cache.
END
}
# shellcheck source=SCRIPTDIR/lib/service.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/service.sh"
# shellcheck source-path=SCRIPTDIR
{
  source "$HERE/lib/java.sh"
  source "$HERE/lib/certificates.sh"
}
readonly SERVICE=kafka TITLE=Kafka

open_place() { PORT=$((PORT_BASE + 90)); }

# An authority of this broker's own, and certificates for the broker and for its clients: `client` may do everything.
make_certificates() {
  local made=$PLACE/tls.part who
  [[ ! -d $PLACE/tls ]] || return 0
  rm -rf "$made"
  make_authority "$made"
  for who in broker client; do certify "$made" "$made/$who" "CN=$who" IP:127.0.0.1,DNS:localhost; done
  # As Kafka reads them: the key (PKCS #8), and behind it the certificate.
  for who in broker client; do cat "$made/$who.key" "$made/$who.pem" >"$made/$who.store.pem"; done
  cp "$made/ca.pem" "$PLACE/roots.pem"
  cp "$made/client.pem" "$made/client.key" "$PLACE/"
  mv "$made" "$PLACE/tls"
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
ssl.truststore.location=$PLACE/tls/ca.pem
ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:CN=broker;User:CN=client
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
  timeout 30 "$JAVA" -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$JARS/*" "$@"
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

kafka_up() {
  mkdir -p "$PLACE" "$RUN/pids"
  find_java 17 99 default-jre-headless
  fetch_jars
  make_certificates
  write_properties
  format
  if running "$SERVICE" && answers; then say "Kafka is up already on port $PORT" && return; fi
  if ! running "$SERVICE"; then
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
    exec setsid env -i PATH="$PATH" HOME="$PLACE" SILLOK_NETWORK_NODE="$RUN:$SERVICE" \
      "$JAVA" -Xms64m -Xmx384m -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
      -Dorg.slf4j.simpleLogger.showDateTime=true -cp "$JARS/*" kafka.Kafka server.properties \
      </dev/null >>"$PLACE/server.log" 2>&1 9>&-
  ) &
  echo "$!" >"$RUN/pids/$SERVICE.pid"
}

wait_until_up() {
  local end=$((SECONDS + 90))
  until answers; do
    # Between its start and its exec the process does not bear the mark yet.
    ((SECONDS < end - 85)) || running "$SERVICE" || die "Kafka ended; its log: $PLACE/server.log"
    ((SECONDS < end)) || die "Kafka does not answer; its log: $PLACE/server.log"
    sleep 0.2
  done
}

kafka_down() {
  if [[ ! -d $PLACE ]]; then say "Kafka: nothing to stop" && return; fi
  stop_all "$SERVICE"
}

kafka_clean() {
  kafka_down
  rm -rf -- "${PLACE:?}"
}

# Each line is a Java program's run, so what was allowed before is passed over.
kafka_allow() {
  local line words
  find_java 17 99 default-jre-headless
  fetch_jars
  printf '%s\n' security.protocol=SSL ssl.truststore.type=PEM "ssl.truststore.location=$PLACE/roots.pem" \
    ssl.keystore.type=PEM "ssl.keystore.location=$PLACE/tls/client.store.pem" >"$PLACE/client.properties"
  touch "$PLACE/allowed"
  while read -r line; do
    ! grep -qxF -e "$line" "$PLACE/allowed" || continue
    read -ra words <<<"$line"
    kafka org.apache.kafka.tools.AclCommand --bootstrap-server "$(kafka_url)" --command-config "$PLACE/client.properties" \
      --add "${words[@]}" >"$PLACE/allow.log" 2>&1 </dev/null || die "Kafka: nothing was allowed; the log: $PLACE/allow.log"
    printf '%s\n' "$line" >>"$PLACE/allowed"
  done
}

kafka_rows() { node_row kafka "$PORT" answers; }

kafka_url() { told "$PLACE/url"; }

kafka_settings() {
  cat <<END
[events]
engine = "kafka"
[events.kafka]
brokers = ["$(kafka_url)"]
roots = "$PLACE/roots.pem"
certificate = "$PLACE/client.pem"
key = "$PLACE/client.key"
replication = 1
END
}

serve "up|down|clean|rows|url|settings|allow" "$@"

#!/usr/bin/env bash
# Apache Cassandra for the archive of a gateway on this network: nodes on loopback addresses of their own, TLS with
# certificates on both sides, durable, with small heaps.
usage() {
  cat <<'END'
usage: network/cassandra.sh up|down|clean|url|settings|start|kill [OPTIONS]

  up [--nodes 1|3]  fetch Cassandra if it is not here, make what is missing, start the nodes; safe to run again
  down              stop them; data stays
  clean             stop them and delete their data
  url               print the nodes' addresses
  settings          print the file that holds the gateway's settings for them, as TOML
  start NODE        one node, cassandra1 to cassandra3
  kill NODE         the same, ended at once (SIGKILL), as a machine that fails

The directory and port base are those of network.sh: DIR is network/run or SILLOK_NETWORK_DIR. Node 1 listens on
127.0.0.1, node 2 on 127.0.0.2 and so on; for clients on N+94, for each other on N+95. Their files are in
DIR/cassandra. Cassandra is fetched by Maven, as network/cassandra/pom.xml names it, into network/.cache; it needs Java
17. Both are installed where they are missing (Debian, as root).
END
}
# shellcheck source=SCRIPTDIR/lib/service.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/service.sh"
# shellcheck source-path=SCRIPTDIR
{
  source "$HERE/lib/java.sh"
  source "$HERE/lib/certificates.sh"
}
readonly SERVICE=cassandra TITLE=Cassandra
readonly HEAP=384m

open_place() { NATIVE=$((PORT_BASE + 94)) STORAGE=$((PORT_BASE + 95)); }

nodes() { seq -f 'cassandra%g' 1 "$1"; }
home_of() { echo "$PLACE/$1"; }
address_of() { echo "127.0.0.${1#cassandra}"; }

# listens NODE PORT: by the system's table. Whoever tried by connecting could meet themselves, and keep the port from the
# node: it may be one that the system gives to those who call.
listens() {
  local address
  printf -v address '%02X00007F:%04X' "${1#cassandra}" "$2"
  grep -qE " (0{16}F{4}0{4})?$address [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

cassandra_up() {
  local began=$SECONDS node
  mkdir -p "$PLACE" "$RUN/logs" "$RUN/pids"
  find_java 17 17 openjdk-17-jre-headless
  fetch_jars
  [[ -f $PLACE/nodes ]] || make_all "${ASKED_NODES:-3}"
  COUNT=$(<"$PLACE/nodes")
  [[ -z $ASKED_NODES || $ASKED_NODES == "$COUNT" ]] ||
    die "the Cassandra in $RUN has $COUNT node(s); run clean first, or give another --dir"
  for node in $(nodes "$COUNT"); do running "$node" || start_node "$node"; done
  for node in $(nodes "$COUNT"); do await "$node"; done
  say "Cassandra is up after $((SECONDS - began)) s: $(cassandra_url)"
}

# The note of how many there are comes last: a cut-short attempt is made anew.
make_all() { # how many
  local node
  make_authority "$PLACE/tls"
  certify "$PLACE/tls" "$PLACE/tls/client" CN=gateway DNS:gateway
  for node in $(nodes "$1"); do make_node "$node" "$1"; done
  write_gateway_settings "$1"
  echo "$1" >"$PLACE/nodes"
}

make_node() { # node, how many there are
  local node=$1 home seeds token number=${1#cassandra}
  home=$(home_of "$node")
  seeds=$(nodes "$2" | while read -r seed; do echo "$(address_of "$seed"):$STORAGE"; done | paste -sd,)
  # Evenly around the ring.
  token=$((-9223372036854775807 + 6148914691236517205 * (number - 1)))
  rm -rf -- "${home:?}"
  mkdir -p "$home/tmp" "$home/tls"
  cp "$PLACE/tls/ca.pem" "$home/tls/ca.pem"
  certify "$PLACE/tls" "$home/tls/node" "CN=$node" "IP:$(address_of "$node")"
  # As Cassandra reads them, all in one.
  cat "$home/tls/"{node.key,node.pem,ca.pem} >"$home/tls/node.store.pem"
  sed -e "s|@TOKEN@|$token|" -e "s|@SEEDS@|$seeds|" -e "s|@ADDRESS@|$(address_of "$node")|" -e "s|@STORAGE@|$STORAGE|" \
    -e "s|@NATIVE@|$NATIVE|" -e "s|@HOME@|$home|" -e "s|@TLS@|$home/tls|" \
    "$HERE/config/cassandra.yaml" >"$home/cassandra.yaml"
  cp "$HERE/config/cassandra.logback.xml" "$home/logback.xml"
}

write_gateway_settings() { # how many there are
  local tls=$PLACE/tls nodes
  nodes=$(nodes "$1" | while read -r node; do printf '"%s:%s"\n' "$(address_of "$node")" "$NATIVE"; done | paste -sd,)
  cat >"$PLACE/archive.toml" <<END
[archive]
engine = "cassandra"
[archive.cassandra]
nodes = [$nodes]
replication = $1
root_certificates = "$tls/ca.pem"
certificate = "$tls/client.pem"
key = "$tls/client.key"
END
}

# What Cassandra 5 asks of Java 17, as its own configuration has it.
readonly OPENED=(
  exports:java.base/jdk.internal.misc exports:java.management.rmi/com.sun.jmx.remote.internal.rmi
  exports:java.rmi/sun.rmi.registry exports:java.rmi/sun.rmi.server exports:java.rmi/sun.rmi.transport.tcp
  exports:java.sql/java.sql exports:java.base/java.lang.ref exports:java.base/jdk.internal.ref
  exports:java.base/sun.nio.ch exports:jdk.unsupported/sun.misc
  opens:java.base/java.lang opens:java.base/java.lang.module opens:java.base/java.lang.reflect
  opens:java.base/jdk.internal.loader opens:java.base/jdk.internal.ref opens:java.base/jdk.internal.reflect
  opens:java.base/jdk.internal.math opens:java.base/jdk.internal.module opens:java.base/jdk.internal.util.jar
  opens:jdk.management/com.sun.management.internal opens:java.base/sun.nio.ch opens:java.base/java.io
  opens:java.base/java.nio opens:java.base/java.util opens:java.base/java.util.concurrent
  opens:java.base/java.util.concurrent.atomic opens:java.base/java.net opens:java.base/java.time
)

start_node() { # node
  local node=$1 home port options=() opened
  home=$(home_of "$node")
  for port in "$NATIVE" "$STORAGE"; do
    ! listens "$node" "$port" || fail "$node" "port $port is taken by another program; use another --port-base"
  done
  for opened in "${OPENED[@]}"; do options+=("--add-${opened%%:*}" "${opened#*:}=ALL-UNNAMED"); done
  (
    cd "$home" || exit
    exec setsid env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$home" TMPDIR="$home/tmp" \
      SILLOK_NETWORK_NODE="$RUN:$node" \
      "$JAVA" "-Xms$HEAP" "-Xmx$HEAP" -XX:MaxDirectMemorySize=256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss512k \
      -XX:+ExitOnOutOfMemoryError -XX:-UsePerfData "${options[@]}" \
      -Djava.io.tmpdir="$home/tmp" -Djna.tmpdir="$home/tmp" -Djava.security.manager=allow \
      -Djdk.attach.allowAttachSelf=true -javaagent:"$(echo "$JARS"/jamm-*.jar)" \
      -Dcassandra.config="file://$home/cassandra.yaml" -Dlogback.configurationFile="file://$home/logback.xml" \
      -Dcassandra.storagedir="$home" -Dcassandra.logdir="$home" -Dcassandra-foreground=yes \
      -Dcassandra.ring_delay_ms=2000 -Dcassandra.skip_wait_for_gossip_to_settle=0 \
      -cp "$JARS/*" org.apache.cassandra.service.CassandraDaemon </dev/null >>"$RUN/logs/$node.log" 2>&1 9>&-
  ) &
  echo "$!" >"$RUN/pids/$node.pid"
}

await() { wait_for 180 "$1" "it takes clients" listens "$1" "$NATIVE"; }

cassandra_url() {
  local node
  for node in $(nodes "$(told "$PLACE/nodes")"); do echo "$(address_of "$node"):$NATIVE"; done | paste -sd,
}

cassandra_down() {
  [[ -f $PLACE/nodes ]] || { say "Cassandra: nothing to stop" && return; }
  mapfile -t COUNTED < <(nodes "$(<"$PLACE/nodes")")
  stop_all "${COUNTED[@]}"
}

cassandra_clean() {
  local node
  cassandra_down
  for node in cassandra1 cassandra2 cassandra3; do rm -f "$RUN/logs/$node.log"; done
  rm -rf -- "${PLACE:?}"
}

cassandra_settings() {
  [[ -f $PLACE/nodes ]] || die "no Cassandra in $RUN; run: network/cassandra.sh up"
  echo "$PLACE/archive.toml"
}

cassandra_rows() {
  local node
  [[ -f $PLACE/nodes ]] || return 0
  for node in $(nodes "$(<"$PLACE/nodes")"); do node_row "$node" "$NATIVE" listens "$node" "$NATIVE"; done
}

# Sets NODE to the one that is named.
need_named() {
  NODE=${WORDS[0]:-}
  nodes "$(told "$PLACE/nodes")" | grep -qxF "$NODE" || misuse "name a node: cassandra1, cassandra2, cassandra3"
}

cassandra_start() {
  need_named
  find_java 17 17 openjdk-17-jre-headless
  fetch_jars
  running "$NODE" || start_node "$NODE"
  await "$NODE"
}

cassandra_kill() {
  local pid
  need_named
  pid=$(pid_of "$NODE") || die "$NODE does not run"
  kill -KILL "$pid"
  while running "$NODE"; do sleep 0.1; done
  rm -f "$RUN/pids/$NODE.pid"
}

serve "up|down|clean|rows|url|settings|start|kill" "$@"

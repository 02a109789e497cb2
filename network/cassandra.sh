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
set -euo pipefail
umask 077
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly HERE
# shellcheck source-path=SCRIPTDIR
source "$HERE/lib/settings.sh"
# shellcheck source-path=SCRIPTDIR
source "$HERE/lib/process.sh"

readonly POM=$HERE/cassandra/pom.xml
readonly HEAP=384m

# Sets JARS and JAVA, fetching or installing what is missing.
find_cassandra() {
  local version
  version=$(sed -n '/cassandra-all/{n;s/.*<version>\(.*\)<.*/\1/p}' "$POM")
  JARS=$HERE/.cache/cassandra-$version
  JAVA=$(find_java) || { install "Java 17" openjdk-17-jre-headless && JAVA=$(find_java); } ||
    die "Java 17 is missing; on Debian: apt-get install openjdk-17-jre-headless"
  [[ -d $JARS ]] || fetch_cassandra "$version"
}

find_java() {
  local java
  for java in "${JAVA_HOME:-/nowhere}/bin/java" /usr/lib/jvm/*17*/bin/java /usr/lib/jvm/*17*/jre/bin/java java; do
    if "$java" -version 2>&1 | grep -q 'version "17'; then echo "$java" && return; fi
  done
  return 1
}

install() { # what is missing, Debian package
  ((!EUID)) && command -v apt-get >/dev/null || return 1
  say "installing $1"
  { timeout 120 apt-get update && DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y "$2"; } \
    >"$HOME_DIRECTORY/install.log" 2>&1 </dev/null || die "apt-get failed; its log: $HOME_DIRECTORY/install.log"
}

# Into a directory that gets its name when all is there.
fetch_cassandra() { # version
  local part=$JARS.part log=$HERE/.cache/cassandra.log
  command -v mvn >/dev/null || install Maven maven || die "mvn is missing; on Debian: apt-get install maven"
  say "fetching Cassandra $1 with Maven, once"
  mkdir -p "$HERE/.cache"
  rm -rf -- "${part:?}"
  timeout 900 mvn -B -C -f "$POM" dependency:copy-dependencies -DoutputDirectory="$part" -DincludeScope=runtime \
    >"$log" 2>&1 </dev/null 9>&- || die "Maven could not fetch Cassandra; its log: $log"
  mv "$part" "$JARS"
}

nodes() { seq -f 'cassandra%g' 1 "$1"; }
home_of() { echo "$HOME_DIRECTORY/$1"; }
address_of() { echo "127.0.0.${1#cassandra}"; }

# listens NODE PORT: by the system's table. Whoever tried by connecting could meet themselves, and keep the port from the
# node: it may be one that the system gives to those who call.
listens() {
  local address
  printf -v address '%02X00007F:%04X' "${1#cassandra}" "$2"
  grep -qE " (0{16}F{4}0{4})?$address [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6
}

up() {
  local began=$SECONDS node
  mkdir -p "$HOME_DIRECTORY" "$RUN/logs" "$RUN/pids"
  find_cassandra
  [[ -f $HOME_DIRECTORY/nodes ]] || make_all "${ASKED_NODES:-3}"
  COUNT=$(<"$HOME_DIRECTORY/nodes")
  [[ -z $ASKED_NODES || $ASKED_NODES == "$COUNT" ]] ||
    die "the Cassandra in $RUN has $COUNT node(s); run clean first, or give another --dir"
  for node in $(nodes "$COUNT"); do running "$node" || start "$node"; done
  for node in $(nodes "$COUNT"); do await "$node"; done
  say "Cassandra is up after $((SECONDS - began)) s: $(url)"
}

# The note of how many there are comes last: a cut-short attempt is made anew.
make_all() { # how many
  local node
  make_authority
  for node in $(nodes "$1"); do make_node "$node" "$1"; done
  write_gateway_settings "$1"
  echo "$1" >"$HOME_DIRECTORY/nodes"
}

openssl_quietly() {
  openssl "$@" >"$HOME_DIRECTORY/make.log" 2>&1 ||
    die "a certificate was not made; openssl said: $(tail -n 1 "$HOME_DIRECTORY/make.log")"
}

# An authority of this Cassandra's own, and the gateway's certificate.
make_authority() {
  local tls=$HOME_DIRECTORY/tls
  mkdir -p "$tls"
  openssl_quietly req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config /dev/null \
    -subj "/CN=Cassandra of a test network" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign -keyout "$tls/ca.key" -out "$tls/ca.pem"
  certify "$tls" client gateway DNS:gateway
}

# certify DIRECTORY FILE NAME SUBJECT-ALTERNATIVE-NAME: key and certificate, and both in one file.
certify() {
  local tls=$HOME_DIRECTORY/tls
  openssl_quietly req -x509 -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 3650 -config /dev/null -subj "/CN=$3" -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName="$4" -keyout "$1/$2.key" -out "$1/$2.crt"
  cat "$1/$2.key" "$1/$2.crt" "$tls/ca.pem" >"$1/$2.pem"
}

make_node() { # node, how many there are
  local node=$1 home seeds token number=${1#cassandra}
  home=$(home_of "$node")
  seeds=$(nodes "$2" | while read -r seed; do echo "$(address_of "$seed"):$STORAGE"; done | paste -sd,)
  # Evenly around the ring.
  token=$((-9223372036854775807 + 6148914691236517205 * (number - 1)))
  rm -rf -- "${home:?}"
  mkdir -p "$home/tmp" "$home/tls"
  cp "$HOME_DIRECTORY/tls/ca.pem" "$home/tls/ca.pem"
  certify "$home/tls" node "$node" "IP:$(address_of "$node")"
  sed -e "s|@TOKEN@|$token|" -e "s|@SEEDS@|$seeds|" -e "s|@ADDRESS@|$(address_of "$node")|" -e "s|@STORAGE@|$STORAGE|" \
    -e "s|@NATIVE@|$NATIVE|" -e "s|@HOME@|$home|" -e "s|@TLS@|$home/tls|" \
    "$HERE/config/cassandra.yaml" >"$home/cassandra.yaml"
  cp "$HERE/config/cassandra.logback.xml" "$home/logback.xml"
}

write_gateway_settings() { # how many there are
  local tls=$HOME_DIRECTORY/tls nodes
  nodes=$(nodes "$1" | while read -r node; do printf '"%s:%s"\n' "$(address_of "$node")" "$NATIVE"; done | paste -sd,)
  cat >"$HOME_DIRECTORY/archive.toml" <<END
[archive]
engine = "cassandra"
[archive.cassandra]
nodes = [$nodes]
replication = $1
root_certificates = "$tls/ca.pem"
certificate = "$tls/client.crt"
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

start() { # node
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

url() {
  local node
  for node in $(nodes "$(<"$HOME_DIRECTORY/nodes")"); do echo "$(address_of "$node"):$NATIVE"; done | paste -sd,
}

down() {
  [[ -f $HOME_DIRECTORY/nodes ]] || { say "Cassandra: nothing to stop" && return; }
  mapfile -t COUNTED < <(nodes "$(<"$HOME_DIRECTORY/nodes")")
  stop_all "${COUNTED[@]}"
}

clean() {
  local node
  down
  for node in cassandra1 cassandra2 cassandra3; do rm -f "$RUN/logs/$node.log"; done
  rm -rf -- "${HOME_DIRECTORY:?}"
}

kill_node() { # node
  local pid
  pid=$(pid_of "$1") || die "$1 does not run"
  kill -KILL "$pid"
  while running "$1"; do sleep 0.1; done
  rm -f "$RUN/pids/$1.pid"
}

# Takes --nodes, and leaves the rest to what all networks share.
read_nodes() {
  ASKED_NODES='' REST=()
  while (($#)); do
    if [[ $1 == --nodes ]]; then
      [[ ${2:-} == [13] ]] || misuse "--nodes is 1 or 3, not '${2:-}'"
      ASKED_NODES=$2 && shift
    else
      REST+=("$1")
    fi
    shift
  done
}

main() {
  local command=${1:-help}
  shift || true
  [[ $command == @(up|down|clean|url|settings|start|kill) ]] ||
    { usage && [[ $command == @(help|-h|--help) ]] && return || exit 2; }
  read_nodes "$@"
  read_arguments "${REST[@]}"
  HOME_DIRECTORY=$RUN/cassandra
  if [[ $command == up ]]; then
    lock cassandra
    open_settings
  elif [[ -f $RUN/settings ]]; then
    [[ $command == @(url|settings) ]] || lock cassandra
    load_settings
  fi
  NATIVE=$((${PORT_BASE:-7000} + 94)) STORAGE=$((${PORT_BASE:-7000} + 95))
  case $command in
    up | down | clean) "$command" ;;
    *)
      [[ -f $HOME_DIRECTORY/nodes ]] || die "no Cassandra in $RUN; run: network/cassandra.sh up"
      case $command in
        url) url ;;
        settings) echo "$HOME_DIRECTORY/archive.toml" ;;
        *) one_node "$command" ;;
      esac
      ;;
  esac
}

one_node() { # start or kill
  local node=${WORDS[0]:-}
  nodes "$(<"$HOME_DIRECTORY/nodes")" | grep -qxF "$node" || misuse "name a node: cassandra1, cassandra2, cassandra3"
  if [[ $1 == kill ]]; then kill_node "$node" && return; fi
  find_cassandra
  running "$node" || start "$node"
  await "$node"
}
main "$@"

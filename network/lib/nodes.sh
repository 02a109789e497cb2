# shellcheck shell=bash
# What each node is started with.

# render TEMPLATE TO NAME=VALUE…: fills in the @NAME@ marks.
render() {
  local text pair to=$2
  text=$(<"$1")
  for pair in "${@:3}"; do text=${text//"@${pair%%=*}@"/"${pair#*=}"}; done
  [[ ! $text =~ @[A-Z0-9_]+@ ]] || die "$1: nothing to put for ${BASH_REMATCH[0]}"
  printf '%s\n' "$text" >"$to"
}

# Where the identity of a node lies.
crypto_of() {
  case $1 in
    peer-*) echo "$RUN/crypto/$(org_of "$1")/nodes/peer" ;;
    orderer*) echo "$RUN/crypto/$(org_of "$1")/nodes/$1" ;;
    chaincode-*) echo "$RUN/crypto/$(org_of "$1")/chaincode" ;;
  esac
}

# Every port a node listens on.
ports_of() {
  listens_on "$1"
  case $1 in
    orderer*) port_of "$1" admin && port_of "$1" operations ;;
    peer-*) port_of "$1" chaincode && port_of "$1" operations ;;
  esac
}

configure() {
  local node=$1 directory=$RUN/nodes/$1
  mkdir -p "$directory"
  case $node in
    orderer*)
      render "$HERE/config/orderer.yaml" "$directory/orderer.yaml" "CRYPTO=$(crypto_of "$node")" \
        "NODE_DIR=$directory" "MSPID=$(org_of "$node")" "PORT=$(listens_on "$node")" \
        "ADMIN_PORT=$(port_of "$node" admin)" "OPERATIONS_PORT=$(port_of "$node" operations)" \
        "OFFICE_TLS_CA=$(tls_ca_certificate OfficeMSP)" "SUPPORT_TLS_CA=$(tls_ca_certificate SupportMSP)"
      ;;
    peer-*)
      render "$HERE/config/core.yaml" "$directory/core.yaml" "CRYPTO=$(crypto_of "$node")" "NODE=$node" \
        "NODE_DIR=$directory" "MSPID=$(org_of "$node")" "PORT=$(port_of "$node")" "BUILDER=$HERE/builder" \
        "LISTEN_PORT=$(listens_on "$node")" \
        "CHAINCODE_PORT=$(port_of "$node" chaincode)" "OPERATIONS_PORT=$(port_of "$node" operations)"
      ;;
  esac
}

# Starts a node and does not wait for it.
launch_node() {
  local node=$1 directory=$RUN/nodes/$1
  configure "$node"
  case $node in
    orderer*) launch "$node" FABRIC_CFG_PATH="$directory" orderer ;;
    peer-*)
      launch "$node" FABRIC_CFG_PATH="$directory" \
        SILLOK_CHAINCODE_TLS="$(crypto_of "chaincode-${node#peer-}")" peer node start
      ;;
    chaincode-*) launch_chaincode "$node" ;;
  esac
}

launch_chaincode() {
  local node=$1 material deployed=$RUN/chaincode/current
  material=$(crypto_of "$node")
  [[ -f $deployed/$node.id ]] || fail "$node" "no chaincode is deployed yet; run: network/network.sh deploy"
  launch "$node" CHAINCODE_ID="$(<"$deployed/$node.id")" CHAINCODE_SERVER_ADDRESS="127.0.0.1:$(listens_on "$node")" \
    CHAINCODE_TLS_DISABLED=false CHAINCODE_TLS_KEY_FILE="$material/server.key" \
    CHAINCODE_TLS_CERT_FILE="$material/server.crt" CHAINCODE_CLIENT_CA_CERT_FILE="$material/ca.crt" \
    RUST_LOG="${RUST_LOG:-info}" "$deployed/sillok-chaincode"
}

healthy() {
  case $1 in
    chaincode-*) running "$1" && port_is_open "$(listens_on "$1")" ;;
    *) running "$1" && curl -fsS --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$1" operations)/healthz" ;;
  esac
}

# Orderers and peers, all at once, then waits for each. Chaincode servers come with `deploy`.
start_nodes() {
  local node
  for node in "${NODES[@]}"; do
    [[ $node == chaincode-* ]] || running "$node" || launch_node "$node"
  done
  for node in "${NODES[@]}"; do
    [[ $node == chaincode-* ]] || wait_for 30 "$node" "its health" healthy "$node"
  done
}

start_one() {
  if running "$1"; then say "$1 is up already" && return; fi
  launch_node "$1"
  wait_for 30 "$1" "its health" healthy "$1"
  [[ $1 != peer-* || ! -f $RUN/chaincode/current/committed ]] || peers_meet
  say "started: $1"
}

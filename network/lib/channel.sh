# shellcheck shell=bash
# The channel `records`: its first block, the nodes that join it, a leader.

readonly CHANNEL=records

create_channel() {
  local node
  [[ -f $RUN/channel/genesis.block ]] || make_genesis
  for node in "${NODES[@]}"; do
    [[ $node != orderer* ]] || orderer_joined "$node" || join_orderer "$node"
  done
  wait_for 30 orderer1 "a leader among the orderers" has_leader
  for node in peer-office peer-support; do
    peer_joined "$node" || join_peer "$node"
  done
}

make_genesis() {
  local crypto=$RUN/crypto
  mkdir -p "$RUN/channel"
  render "$HERE/config/configtx.yaml" "$RUN/channel/configtx.yaml" "CRYPTO=$crypto" \
    "OFFICE_PORT=$(port_of peer-office)" "SUPPORT_PORT=$(port_of peer-support)" \
    "ORDERER1_PORT=$(port_of orderer1)" "ORDERER2_PORT=$(port_of orderer2)" "ORDERER3_PORT=$(port_of orderer3)" \
    "ORDERER1=$(crypto_of orderer1)" "ORDERER2=$(crypto_of orderer2)" "ORDERER3=$(crypto_of orderer3)"
  run_logged configtxgen timeout 60 configtxgen -configPath "$RUN/channel" -profile "Orderers$ORDERERS" -channelID "$CHANNEL" \
    -outputBlock "$RUN/channel/genesis.part"
  mv "$RUN/channel/genesis.part" "$RUN/channel/genesis.block"
}

# osnadmin_at NODE ARGUMENTS…: as the administrator of the node's office.
osnadmin_at() {
  local node=$1 org
  shift
  org=$(org_of "$node")
  timeout 30 osnadmin channel "$@" --channelID "$CHANNEL" --orderer-address "127.0.0.1:$(port_of "$node" admin)" \
    --ca-file "$(tls_ca_certificate "$org")" --client-cert "$RUN/crypto/$org/users/Admin/tls/client.crt" \
    --client-key "$RUN/crypto/$org/users/Admin/tls/client.key" --no-status
}

orderer_joined() { osnadmin_at "$1" list 2>/dev/null | jq -e '.status == "active"' >/dev/null 2>&1; }

join_orderer() {
  local answer
  answer=$(osnadmin_at "$1" join --config-block "$RUN/channel/genesis.block" 2>&1) || true
  wait_for 20 "$1" "its part in channel $CHANNEL; it answered: ${answer//$'\n'/ }" orderer_joined "$1"
}

has_leader() {
  local node
  for node in "${NODES[@]}"; do
    [[ $node == orderer* ]] || continue
    if curl -fsS --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$node" operations)/metrics" 2>/dev/null |
      grep '^consensus_etcdraft_is_leader{.*} 1$'; then return; fi
  done
  return 1
}

# as_admin ORG COMMAND…: a client program of Fabric, at the office's own peer.
as_admin() {
  local org=$1
  shift
  env -i PATH="$PATH" HOME="$RUN" FABRIC_LOGGING_SPEC=error FABRIC_CFG_PATH="$RUN/nodes/$(peer_of "$org")" \
    CORE_PEER_MSPCONFIGPATH="$RUN/crypto/$org/users/Admin/msp" timeout 60 "$@" 9>&-
}

peer_of() {
  case $1 in
    SupportMSP) echo peer-support ;;
    *) echo peer-office ;; # SchoolMSP has none and asks the office's
  esac
}

peer_joined() { as_admin "$(org_of "$1")" peer channel list 2>/dev/null | grep -qx "$CHANNEL"; }

# A peer that has just started again is healthy before it lists the channel it is in, and then refuses to join it.
join_peer() {
  local answer
  answer=$(as_admin "$(org_of "$1")" peer channel join -b "$RUN/channel/genesis.block" 2>&1) || true
  wait_for 20 "$1" "its part in channel $CHANNEL; it answered: ${answer//$'\n'/ }" peer_joined "$1"
}

# Waits until the offices' peers know each other; before that the gateway service cannot have a transaction endorsed.
peers_meet() {
  local node
  if ! running peer-office || ! running peer-support; then return; fi
  for node in peer-office peer-support; do
    wait_for 30 "$node" "its sight of the other office's peer" sees_another "$node"
  done
}

sees_another() {
  curl -fsS --noproxy '*' --max-time 2 "http://127.0.0.1:$(port_of "$1" operations)/metrics" |
    grep "^gossip_membership_total_peers_known{channel=\"$CHANNEL\"} [1-9]"
}

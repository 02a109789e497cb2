# shellcheck shell=bash
# Deploys the chaincode, and upgrades it when its packages or its definition changed.
#
# Both offices endorse every transaction. So each peer that endorses a batch has its body already, and nothing is
# sent round at endorsement (collections.json: required and maximum peer count 0); were a peer to lose one before the
# block arrives, it fetches it from the other office. With a peer down nothing can be endorsed, whatever the
# collection says; callers are told at once and try again.

readonly CHAINCODE=sillok
readonly POLICY="AND('OfficeMSP.peer','SupportMSP.peer')"
readonly COLLECTIONS=$HERE/config/collections.json
DEPLOYED=0

deploy() {
  local next=$RUN/chaincode/next current=$RUN/chaincode/current sequence
  make_packages
  sequence=$(committed_sequence)
  if ((sequence > 0)) && [[ $(cat "$current/committed" 2>/dev/null) == "$sequence" ]] && same_deployment; then
    rm -rf "$next"
  else
    install_packages
    approve $((sequence + 1))
    commit $((sequence + 1))
    switch_to_next $((sequence + 1))
    DEPLOYED=$((sequence + 1))
  fi
  start_chaincode
}

report_deploy() {
  if ((DEPLOYED)); then say "committed $CHAINCODE, sequence $DEPLOYED"; else say "nothing changed since the last deploy"; fi
}

same_deployment() {
  local file
  for file in definition chaincode-office.id chaincode-support.id; do
    cmp -s "$RUN/chaincode/next/$file" "$RUN/chaincode/current/$file" || return 1
  done
}

# 0 if the channel has no definition of the chaincode.
committed_sequence() {
  local answer
  answer=$(as_admin OfficeMSP peer lifecycle chaincode querycommitted -C "$CHANNEL" -O json 2>&1) ||
    fail peer-office "it does not tell the committed chaincodes: ${answer//$'\n'/ }"
  jq -r --arg name "$CHAINCODE" '[.chaincode_definitions[]? | select(.name == $name) | .sequence][0] // 0' <<<"$answer"
}

install_packages() {
  local org node id
  for org in OfficeMSP SupportMSP; do
    node=chaincode-${org%MSP} node=${node,,}
    id=$(<"$RUN/chaincode/next/$node.id")
    if ! as_admin "$org" peer lifecycle chaincode queryinstalled -O json 2>/dev/null |
      jq -e --arg id "$id" 'any(.installed_chaincodes[]?; .package_id == $id)' >/dev/null; then
      run_logged deploy as_admin "$org" peer lifecycle chaincode install "$RUN/chaincode/next/$node.tar.gz"
    fi
  done
}

# definition_flags SEQUENCE: one a line
definition_flags() {
  printf '%s\n' --channelID "$CHANNEL" --name "$CHAINCODE" --version "$VERSION" --sequence "$1" \
    --signature-policy "$POLICY" --collections-config "$COLLECTIONS"
}

ordering_flags() {
  local node
  for node in "${NODES[@]}"; do
    if [[ $node != orderer* ]] || ! running "$node"; then continue; fi
    printf '%s\n' --orderer "127.0.0.1:$(port_of "$node")" --tls --cafile "$(tls_ca_certificate "$(org_of "$node")")"
    return
  done
  fail orderer1 "no orderer runs"
}

approve() {
  local org node id flags ordering
  mapfile -t flags < <(definition_flags "$1")
  mapfile -t ordering < <(ordering_flags)
  for org in OfficeMSP SupportMSP; do
    node=chaincode-${org%MSP} node=${node,,}
    id=$(<"$RUN/chaincode/next/$node.id")
    approved "$org" "$id" "$1" "${flags[@]}" ||
      run_logged deploy as_admin "$org" peer lifecycle chaincode approveformyorg "${ordering[@]}" "${flags[@]}" \
        --package-id "$id"
  done
}

# Whether a deploy that was cut short has left this approval.
approved() {
  local org=$1 id=$2 sequence=$3
  shift 3
  as_admin "$org" peer lifecycle chaincode checkcommitreadiness -O json "$@" 2>/dev/null |
    jq -e --arg org "$org" '.approvals[$org]' >/dev/null &&
    as_admin "$org" peer lifecycle chaincode queryapproved -C "$CHANNEL" -n "$CHAINCODE" --sequence "$sequence" \
      -O json 2>/dev/null | jq -e --arg id "$id" '[.. | strings] | any(. == $id)' >/dev/null
}

commit() {
  local flags ordering
  mapfile -t flags < <(definition_flags "$1")
  mapfile -t ordering < <(ordering_flags)
  run_logged deploy as_admin OfficeMSP peer lifecycle chaincode commit "${ordering[@]}" "${flags[@]}" \
    --peerAddresses "127.0.0.1:$(port_of peer-office)" --tlsRootCertFiles "$(tls_ca_certificate OfficeMSP)" \
    --peerAddresses "127.0.0.1:$(port_of peer-support)" --tlsRootCertFiles "$(tls_ca_certificate SupportMSP)"
}

# The servers end and start again under the new package ids: an address serves one.
switch_to_next() {
  local node
  for node in chaincode-office chaincode-support; do
    ! running "$node" || stop_node "$node" >/dev/null
  done
  printf '%s\n' "$1" >"$RUN/chaincode/next/committed"
  rm -rf "$RUN/chaincode/current"
  mv "$RUN/chaincode/next" "$RUN/chaincode/current"
}

# Starts the servers that do not run and waits until the chaincode answers at both peers.
start_chaincode() {
  local office node
  for office in office support; do
    node=chaincode-$office
    running "$node" || launch_node "$node"
  done
  for office in office support; do
    node=chaincode-$office
    wait_for 20 "$node" "its port" healthy "$node"
    wait_for 40 "$node" "its answer to peer-$office (its log: $RUN/logs/peer-$office.log)" chaincode_answers "$office"
  done
}

chaincode_answers() {
  as_admin "$(org_of "peer-$1")" peer chaincode query -C "$CHANNEL" -n "$CHAINCODE" \
    -c '{"Args":["org.hyperledger.fabric:GetMetadata"]}'
}

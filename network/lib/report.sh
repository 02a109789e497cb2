# shellcheck shell=bash
# What is told about the network: to people, to shells, to the gateway.

status() {
  local rows missing=0
  rows=$(all_rows)
  [[ $rows != *'"up":false'* ]] || missing=3
  if [[ -n $JSON ]]; then
    jq -s --arg dir "$RUN" '{directory: $dir, up: all(.up), nodes: .}' <<<"$rows"
  else
    printf '%-18s %-9s %6s %8s %9s\n' NODE STATE PORT PID MEMORY
    jq -r '[.node, .state, .port, (.pid // "-"), (if .memory_kib then "\(.memory_kib / 1024 | floor) MiB" else "-" end)]
      | @tsv' <<<"$rows" | while IFS=$'\t' read -r node state port pid memory; do
      printf '%-18s %-9s %6s %8s %9s\n' "$node" "$state" "$port" "$pid" "$memory"
    done
  fi
  return "$missing"
}

# Of Fabric's nodes, and of the services that there are beside them.
all_rows() {
  local node service
  for node in "${NODES[@]}"; do node_row "$node" "$(port_of "$node")" healthy "$node"; done
  for service in "${SERVICES[@]}"; do
    [[ ! -d $RUN/$service ]] || service "$service" rows
  done
}

# A role's log lies beside those of the nodes.
print_log() {
  NODE=${WORDS[0]:-}
  [[ $NODE =~ ^[a-z0-9-]+$ && -f $RUN/logs/$NODE.log ]] || need_node
  cat -- "$RUN/logs/$NODE.log" 2>/dev/null || die "$NODE has not run yet"
}

# RUN/network.json: what the gateway needs to know. It names keys by path and holds none.
write_network_file() {
  local org
  for org in OfficeMSP SupportMSP SchoolMSP; do org_object "$org"; done |
    jq -s --arg channel "$CHANNEL" --arg chaincode "$CHAINCODE" --arg roots "$RUN/roots" --argjson orderers "$(
      for node in "${NODES[@]}"; do
        [[ $node != orderer* ]] || jq -n --arg name "$node" --arg address "127.0.0.1:$(port_of "$node")" \
          --arg tls "$(tls_ca_certificate "$(org_of "$node")")" '{name: $name, address: $address, tls_root_cert: $tls}'
      done | jq -s .
    )" '{channel: $channel, chaincode: $chaincode, roots: $roots, orderers: $orderers,
         organizations: (map({key: .msp_id, value: .}) | from_entries)}' >"$RUN/network.json.part"
  mv "$RUN/network.json.part" "$RUN/network.json"
}

org_object() {
  local org=$1 peer=null user users=()
  for user in "$RUN/crypto/$org/users/"*; do users+=("$(basename "$user")"); done
  if [[ $org != SchoolMSP ]]; then
    peer=$(jq -n --arg address "127.0.0.1:$(port_of "$(peer_of "$org")")" --arg tls "$(tls_ca_certificate "$org")" \
      '{address: $address, tls_root_cert: $tls, tls_server_name: null}')
  fi
  jq -n --arg org "$org" --argjson peer "$peer" --arg cert "$(ca_certificate "$org")" --arg key "$(ca_key "$org")" \
    --arg users "$RUN/crypto/$org/users" \
    '{msp_id: $org, peer: $peer, ca_cert: $cert, ca_key: $key,
      users: ($ARGS.positional | map({key: ., value: "\($users)/\(.)/msp"}) | from_entries)}' --args "${users[@]}"
}

# Lines for `eval`.
print_env() {
  local org=${WORDS[0]:-} user=${WORDS[1]:-Admin} peer
  [[ -d $RUN/crypto/${org:-none}/users ]] || misuse "name an organisation: OfficeMSP, SupportMSP or SchoolMSP"
  [[ -d $RUN/crypto/$org/users/$user ]] ||
    misuse "$org has no user '$user'; there are: $(cd "$RUN/crypto/$org/users" && echo *)"
  peer=$(peer_of "$org")
  export_line PATH "$(dirname "$(command -v peer)"):$PATH"
  export_line FABRIC_CFG_PATH "$RUN/nodes/$peer"
  export_line CORE_PEER_LOCALMSPID "$org"
  export_line CORE_PEER_MSPCONFIGPATH "$RUN/crypto/$org/users/$user/msp"
  export_line CORE_PEER_ADDRESS "127.0.0.1:$(port_of "$peer")"
  export_line CORE_PEER_TLS_ENABLED true
  export_line CORE_PEER_TLS_ROOTCERT_FILE "$(tls_ca_certificate "$(org_of "$peer")")"
  export_line FABRIC_LOGGING_SPEC error
  export_line ORDERER_ADDRESS "127.0.0.1:$(port_of orderer1)"
  export_line ORDERER_CA "$(tls_ca_certificate OfficeMSP)"
}

export_line() { printf 'export %s=%q\n' "$1" "$2"; }

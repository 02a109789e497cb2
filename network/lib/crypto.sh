# shellcheck shell=bash
# MSP material, made once by cryptogen in RUN/crypto:
#   <MSPID>/msp, ca, tlsca           the organisation and its two certificate authorities
#   <MSPID>/users/<name>, nodes/<node>   msp and tls of each identity
#   <MSPID>/chaincode                TLS of the link between the office's peer and its chaincode server
# and RUN/roots/<MSPID>.pem, the offices' roots for whoever checks proofs offline.

make_crypto() {
  local made=$RUN/crypto.part
  [[ -d $RUN/crypto ]] || generate_crypto "$made"
  mkdir -p "$RUN/roots"
  local org
  for org in OfficeMSP SupportMSP; do cp "$(ca_certificate "$org")" "$RUN/roots/$org.pem"; done
}

generate_crypto() {
  local made=$1 raw=$1/raw
  rm -rf "$made" && mkdir -p "$raw" "$RUN/logs"
  run_logged cryptogen timeout 60 cryptogen generate --config "$HERE/../crypto-config/organizations.yaml" --output "$raw"
  local domain
  for domain in office.sillok support.sillok; do
    mkdir -p "$raw/ordererOrganizations/$domain"
    cp -r "$raw/peerOrganizations/$domain/"{ca,tlsca} "$raw/ordererOrganizations/$domain/"
  done
  run_logged cryptogen timeout 60 cryptogen extend --config "$HERE/../crypto-config/orderers.yaml" --input "$raw"
  lay_out_org "$raw" "$made/OfficeMSP" office.sillok Client
  lay_out_org "$raw" "$made/SupportMSP" support.sillok Client Gateway
  lay_out_org "$raw" "$made/SchoolMSP" school.sillok Client
  lay_out_link "$raw" "$made/OfficeMSP" chaincode.office.sillok
  lay_out_link "$raw" "$made/SupportMSP" chaincode.support.sillok
  rm -rf "$raw"
  chmod -R go-rwx "$made"
  mv "$made" "$RUN/crypto"
}

# lay_out_org RAW TO DOMAIN USER…: users are cryptogen's User1, User2 … in turn, and Admin.
lay_out_org() {
  local from=$1/peerOrganizations/$3 orderers=$1/ordererOrganizations/$3/orderers to=$2 domain=$3 number=0 node user
  mkdir -p "$to/users" "$to/nodes"
  mv "$from/"{msp,ca,tlsca} "$to/"
  mv "$from/users/Admin@$domain" "$to/users/Admin"
  for user in "${@:4}"; do
    number=$((number + 1))
    mv "$from/users/User$number@$domain" "$to/users/$user"
  done
  for node in "$from/peers/"* "$orderers/"*; do
    [[ ! -d $node ]] || mv "$node" "$to/nodes/$(basename "$node" ".$domain")"
  done
}

# lay_out_link RAW TO DOMAIN
lay_out_link() {
  local peers=$1/peerOrganizations/$3/peers to=$2/chaincode domain=$3 end
  mkdir -p "$to"
  cp "$peers/server.$domain/tls/ca.crt" "$to/ca.crt"
  for end in server peer; do
    mv "$peers/$end.$domain/tls/server.crt" "$to/$end.crt"
    mv "$peers/$end.$domain/tls/server.key" "$to/$end.key"
  done
}

# run_logged LOG COMMAND…: a step whose output matters only if it fails.
run_logged() {
  local log=$RUN/logs/$1.log
  shift
  "$@" >>"$log" 2>&1 9>&- && return
  printf 'network: failed: %s\n' "${log##*/}: ${*:1:6}" >&2
  tail -n 3 "$log" | cut -c1-400 | sed 's/^/  | /' >&2
  die "its log: $log"
}

ca_certificate() { echo "$RUN/crypto/$1/ca/ca."*-cert.pem; }
ca_key() { echo "$RUN/crypto/$1/ca/priv_sk"; }
tls_ca_certificate() { echo "$RUN/crypto/$1/tlsca/tlsca."*-cert.pem; }

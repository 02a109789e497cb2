# shellcheck shell=bash
# Finds Fabric's programs and the chaincode server.

readonly FABRIC_PROGRAMS=(peer orderer osnadmin configtxgen cryptogen)

# Prepends SILLOK_FABRIC_BIN to PATH and makes sure that all of Fabric 3.1 is there.
find_programs() {
  local program tool
  for tool in jq curl flock setsid; do
    command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt-get install jq curl util-linux"
  done
  [[ -z ${SILLOK_FABRIC_BIN:-} ]] || PATH=$(realpath -m -- "$SILLOK_FABRIC_BIN"):$PATH
  for program in "${FABRIC_PROGRAMS[@]}"; do
    command -v "$program" >/dev/null || die "Fabric's program '$program' is missing. $(how_to_get_fabric)"
  done
  for program in peer orderer; do
    fabric_version "$program" | grep -q '^3\.1\.' ||
      die "$(command -v "$program") is Fabric '$(fabric_version "$program")', wanted is 3.1.x. $(how_to_get_fabric)"
  done
}

fabric_version() { timeout 20 "$1" version 2>/dev/null | sed -n 's/^ *Version: *v\{0,1\}//p' | head -n 1; }

how_to_get_fabric() {
  printf 'Put %s of Hyperledger Fabric 3.1.5 on PATH, or name their directory in SILLOK_FABRIC_BIN' \
    "${FABRIC_PROGRAMS[*]}"
}

# Sets CHAINCODE_PROGRAM, building it if need be.
find_chaincode() {
  CHAINCODE_PROGRAM=${SILLOK_CHAINCODE_BIN:-}
  if [[ -z $CHAINCODE_PROGRAM ]]; then
    command -v cargo >/dev/null || die "cargo is missing to build the chaincode; install Rust or set SILLOK_CHAINCODE_BIN"
    timeout 1800 cargo build --quiet --release --manifest-path "$HERE/../Cargo.toml" -p sillok-chaincode 9>&- ||
      die "the chaincode server did not build: cargo build --release -p sillok-chaincode"
    CHAINCODE_PROGRAM=${CARGO_TARGET_DIR:-$HERE/../target}/release/sillok-chaincode
  fi
  [[ -f $CHAINCODE_PROGRAM && -x $CHAINCODE_PROGRAM ]] || die "no chaincode server at $CHAINCODE_PROGRAM"
}

# shellcheck shell=bash
# Finds Fabric's programs and the chaincode server.

readonly FABRIC_PROGRAMS=(peer orderer osnadmin configtxgen cryptogen)
readonly FABRIC_VERSION=3.1.5
readonly FABRIC_CACHE=$HERE/.cache/fabric-$FABRIC_VERSION

# Makes sure that all of Fabric 3.1 is on PATH: what SILLOK_FABRIC_BIN names, what PATH has, or what was built before;
# else builds it.
find_programs() {
  local tool
  for tool in jq curl flock setsid; do
    command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt-get install jq curl util-linux"
  done
  [[ -z ${SILLOK_FABRIC_BIN:-} ]] || PATH=$(realpath -m -- "$SILLOK_FABRIC_BIN"):$PATH
  ! have_fabric || return 0
  [[ -z ${SILLOK_FABRIC_BIN:-} ]] || die "SILLOK_FABRIC_BIN=$SILLOK_FABRIC_BIN has not all of ${FABRIC_PROGRAMS[*]} 3.1.x"
  PATH=$FABRIC_CACHE/bin:$PATH
  have_fabric || build_fabric
}

have_fabric() {
  local program
  for program in "${FABRIC_PROGRAMS[@]}"; do command -v "$program" >/dev/null || return 1; done
  for program in peer orderer; do [[ $(fabric_version "$program") == 3.1.* ]] || return 1; done
}

fabric_version() { timeout 20 "$1" version 2>/dev/null | sed -n 's/^ *Version: *v\{0,1\}//p' | head -n 1; }

# Builds the programs that network/fabric pins, one after the other. In a copy of that module, because Go notes the
# release's own checksum there, which it takes from Go's checksum database.
build_fabric() {
  local program log=$FABRIC_CACHE/build.log variables
  local get="put ${FABRIC_PROGRAMS[*]} of Hyperledger Fabric $FABRIC_VERSION on PATH, or name their directory in SILLOK_FABRIC_BIN"
  command -v go >/dev/null || die "Fabric's programs are missing; install Go 1.26 to have them built, or $get"
  say "building Fabric $FABRIC_VERSION, once (some minutes)"
  mkdir -p "$FABRIC_CACHE/module" "$FABRIC_CACHE/part"
  cp "$HERE/fabric/go.mod" "$HERE/fabric/go.sum" "$FABRIC_CACHE/module"
  variables="-s -w -X github.com/hyperledger/fabric/common/metadata.Version=v$FABRIC_VERSION"
  for program in "${FABRIC_PROGRAMS[@]}"; do
    timeout 1200 go -C "$FABRIC_CACHE/module" build -mod=mod -trimpath -buildvcs=false -ldflags "$variables" \
      -o "$FABRIC_CACHE/part/$program" "github.com/hyperledger/fabric/cmd/$program" >"$log" 2>&1 9>&- ||
      die "Fabric's $program could not be built ($(tail -n 1 "$log"); see $log): $get"
  done
  rm -rf -- "${FABRIC_CACHE:?}/bin"
  mv "$FABRIC_CACHE/part" "$FABRIC_CACHE/bin"
  have_fabric || die "what was built in $FABRIC_CACHE/bin is not Fabric 3.1: delete it, or $get"
}

# Sets CHAINCODE_PROGRAM, building it if need be.
find_chaincode() { CHAINCODE_PROGRAM=$(find_built SILLOK_CHAINCODE_BIN sillok-chaincode sillok-chaincode); }

# Sets SILLOK, building it if need be.
find_sillok() {
  SILLOK=$(find_built SILLOK_BIN sillok-gateway sillok)
  SILLOK=$(realpath -- "$SILLOK")
  # For its own settings alone.
  unset "${!SILLOK_@}"
}

# find_built VARIABLE PACKAGE PROGRAM: prints where the program is that the variable names, or that cargo builds.
find_built() {
  local program=${!1:-}
  if [[ -z $program ]]; then
    command -v cargo >/dev/null || die "cargo is missing to build $3; install Rust, or name the program in $1"
    timeout 3600 cargo build --quiet --release --manifest-path "$HERE/../Cargo.toml" -p "$2" --bin "$3" >&2 9>&- ||
      die "$3 did not build: cargo build --release -p $2"
    program=${CARGO_TARGET_DIR:-$HERE/../target}/release/$3
  fi
  [[ -f $program && -x $program ]] || die "no program $3 at $program"
  echo "$program"
}

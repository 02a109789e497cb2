# shellcheck shell=bash
# The chaincode packages, one an office: each names its own server's address, so their ids differ. A package holds
# no key and no code, but the server program's SHA-256: another program is another package id, which both offices
# have to approve anew. The same inputs give the same bytes.

# Fills RUN/chaincode/next: program, packages, ids and what the definition says.
make_packages() {
  local next=$RUN/chaincode/next node
  rm -rf "$next" && mkdir -p "$next"
  VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$HERE/../Cargo.toml" | head -n 1)
  [[ -n $VERSION ]] || die "no version is named in Cargo.toml"
  # The copy is what runs until the next deploy, whatever is built meanwhile.
  cp "$CHAINCODE_PROGRAM" "$next/sillok-chaincode"
  chmod 0700 "$next/sillok-chaincode"
  for node in chaincode-office chaincode-support; do make_package "$node" "$next"; done
  definition >"$next/definition"
}

make_package() {
  local node=$1 next=$2 work=$2/work label=sillok_$VERSION package=$2/$1.tar.gz
  mkdir -p "$work"
  printf '{"type":"sillok","label":"%s"}\n' "$label" >"$work/metadata.json"
  printf '{"address":"127.0.0.1:%s","dial_timeout":"5s"}\n' "$(port_of "$node")" >"$work/connection.json"
  sha256_of "$next/sillok-chaincode" >"$work/program.sha256"
  same_tar "$work" connection.json program.sha256 >"$work/code.tar.gz"
  same_tar "$work" metadata.json code.tar.gz >"$package"
  printf '%s:%s\n' "$label" "$(sha256_of "$package")" >"$next/$node.id"
  rm -rf "$work"
}

# A tar.gz that depends on the files' names and content alone.
same_tar() {
  tar -C "$1" --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 -cf - "${@:2}" |
    gzip -n -9
}

sha256_of() { sha256sum <"$1" | cut -d' ' -f1; }

# What the offices approve beside the packages.
definition() {
  printf 'version %s\npolicy %s\ncollections %s\n' "$VERSION" "$POLICY" "$(sha256_of "$COLLECTIONS")"
}

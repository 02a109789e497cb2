# shellcheck shell=bash
# Certificates of a service's own authority: for its nodes, and for who calls them.

openssl_quietly() {
  openssl "$@" >"$PLACE/make.log" 2>&1 ||
    die "$TITLE: a certificate was not made; openssl said: $(tail -n 1 "$PLACE/make.log")"
}

# make_authority DIRECTORY: ca.key and ca.pem there.
make_authority() {
  mkdir -p "$1"
  openssl_quietly req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -config /dev/null \
    -subj "/CN=$TITLE of a test network" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign -keyout "$1/ca.key" -out "$1/ca.pem"
}

# certify AUTHORITY FILE SUBJECT ALTERNATIVE-NAMES: FILE.key and FILE.pem, by the authority in that directory.
certify() {
  openssl_quietly req -x509 -CA "$1/ca.pem" -CAkey "$1/ca.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 3650 -config /dev/null -subj "/$3" -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName="$4" -keyout "$2.key" -out "$2.pem"
}

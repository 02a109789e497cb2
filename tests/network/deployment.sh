# shellcheck shell=bash
# The chaincode: packed, deployed, upgraded.

# pack DIRECTORY: by network.sh's own function, from a copy of the program that is deployed.
pack() (
    unset "${!SILLOK_@}"
    HERE=$top/network RUN=$1 PORT_BASE=$port_base CHAINCODE_PROGRAM=$1/program
    mkdir -p "$RUN"
    cp "$dir/chaincode/current/sillok-chaincode" "$CHAINCODE_PROGRAM"
    cd "$RUN"
    # shellcheck source-path=SCRIPTDIR/../../network/lib
    {
        source "$HERE/lib/settings.sh"
        source "$HERE/lib/process.sh"
        source "$HERE/lib/chaincode.sh"
        source "$HERE/lib/package.sh"
    }
    make_packages
)

packs_reproducibly() {
    local port_base=$SILLOK_NETWORK_PORT_BASE node org
    (umask 000 && TZ=Pacific/Kiritimati LC_ALL=C pack "$work/one")
    (umask 077 && TZ=America/Anchorage LC_ALL=C.UTF-8 pack "$work/a second place")
    for org in OfficeMSP SupportMSP; do
        node=chaincode-${org%MSP} node=${node,,}
        cmp "$work/one/chaincode/next/$node.tar.gz" "$work/a second place/chaincode/next/$node.tar.gz" ||
            why "$node's package differs"
        same "$org's installed packages" "$(installed "$org")" "$(<"$work/one/chaincode/next/$node.id")"
    done
    [[ $(installed OfficeMSP) != "$(installed SupportMSP)" ]] || why "both offices' packages are one"
}

installed() {
    as_member "$1" Admin timeout 60 peer lifecycle chaincode queryinstalled -O json |
        jq -r '.installed_chaincodes[].package_id'
}

# The committed sequence, as both peers tell it.
committed() {
    local org
    for org in OfficeMSP SupportMSP; do
        as_member "$org" Admin timeout 60 peer lifecycle chaincode querycommitted -C records -n sillok -O json |
            jq .sequence
    done | sort -u
}

deploys_nothing() {
    local before
    before=$(committed; pids)
    ask net deploy
    expect 0 "nothing changed"
    same "sequence and process ids" "$(committed; pids)" "$before"
}

upgrades() {
    local before sequence
    before=$(pids | grep -v '^chaincode-')
    sequence=$(committed)
    cp "$dir/chaincode/current/sillok-chaincode" "$work/another-program"
    printf 'x' >>"$work/another-program"
    export SILLOK_CHAINCODE_BIN=$work/another-program # of every `up` from here on
    ask net deploy
    expect 0 "committed sillok, sequence $((sequence + 1))"
    eventually 60 "the new sequence at both peers" committed_is $((sequence + 1))
    same "the other nodes' process ids" "$(pids | grep -v '^chaincode-')" "$before"
    same "the office's packages" "$(installed OfficeMSP | wc -l)" 2
    cmp "$work/another-program" "/proc/$(pid_of chaincode-support)/exe"
}

committed_is() { [[ $(committed) == "$1" ]]; }

goes_on_after_upgrade() {
    heads_are_as_before
    ledger_takes "after the upgrade"
}

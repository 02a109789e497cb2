# shellcheck shell=bash
# The ledger, by hand: Fabric's own `peer` with what `network.sh env` gives.

# as_member ORG USER COMMAND…
as_member() (
    lines=$(net env "$1" "$2")
    eval "$lines"
    shift 2
    "$@"
)

query() { timeout 60 peer chaincode query -C records -n sillok -c "$1"; }

call() { jq -nc '{Args: $ARGS.positional}' --args "$@"; }

# Both offices' peers, as `peer chaincode invoke` wants them.
endorsers() {
    jq -r '.organizations | (.OfficeMSP, .SupportMSP) | .peer
        | "--peerAddresses", .address, "--tlsRootCertFiles", .tls_root_cert' "$dir/network.json"
}

# invoke CALL: endorsed by both offices, ordered and committed.
invoke() {
    local peers
    mapfile -t peers < <(endorsers)
    timeout 90 peer chaincode invoke --orderer "$ORDERER_ADDRESS" --tls --cafile "$ORDERER_CA" -C records -n sillok \
        "${peers[@]}" --waitForEvent --waitForEventTimeout 60s -c "$1"
}

all_heads() {
    local schools school
    schools=$(query "$(call ListSchools 100 '')" | jq -r '.items[].id')
    for school in $schools; do query "$(call GetHead "$school")" || return; done | jq -cs 'sort_by(.school)'
}

heads_agree() {
    as_member OfficeMSP Admin all_heads >"$work/heads.office" && as_member SupportMSP Admin all_heads >"$work/heads.support" &&
        cmp "$work/heads.office" "$work/heads.support"
}

# The schools' heads, as both peers tell them; one may be a block behind for a moment.
heads() {
    eventually 60 "the same heads from both peers" heads_agree
    cat "$work/heads.office"
}

# ledger_takes TEXT: a transaction by the education office, which is then read at both peers.
ledger_takes() {
    local school
    school=$(jq -r '.[0].school' <<<"$told_heads")
    as_member OfficeMSP Admin invoke "$(call UpdateSchool "{\"id\":\"$school\",\"district\":\"$1\"}")" >/dev/null 2>"$work/invoke" ||
        why "the ledger did not take a transaction: $(<"$work/invoke")"
    eventually 60 "district $1 at both peers" district_is "$school" "$1"
}

district_is() {
    local org
    for org in OfficeMSP SupportMSP; do
        as_member "$org" Admin query "$(call GetSchool "$1")" | jq -e --arg name "$2" '.district == $name' || return
    done
}

gives_env() {
    same "the peer's channels" "$(as_member OfficeMSP Admin peer channel list 2>/dev/null | tail -n 1)" records
    as_member SupportMSP Client query "$(call ListSchools 10 '')" | jq -e '.items == []' >/dev/null
    ask as_member OfficeMSP Admin env
    expect 0 "CORE_PEER_LOCALMSPID=OfficeMSP"
}

# A peer answers a school, as it may ask; the orderers take nothing from it, and the contract lets it change nothing.
refuses_a_school() {
    ask as_member SchoolMSP Client invoke "$(call ListSchools 10 '')"
    expect 1 FORBIDDEN
    ask as_member SchoolMSP Client invoke "$(call RegisterSchool '{}')"
    expect 1 creator.forbidden
}

refuses_a_client() {
    ask as_member OfficeMSP Client invoke "$(call RegisterSchool '{}')"
    expect 1 creator.forbidden
}

plays_the_demo() {
    local data=()
    [[ -z ${SILLOK_TEST_DATA:-} ]] || data=(--data "$SILLOK_TEST_DATA")
    timeout 900 "$sillok" demo --fabric --network "$dir" --proofs "$proofs" --json "${data[@]}" >"$work/demo.out" 2>"$work/demo.err" ||
        why "the demo failed: $(tail -n 3 "$work/demo.err")"
    summary=$(tail -n 1 "$work/demo.out")
    jq -e '.queries > 0 and .entries_recorded == .queries and .proofs_verified == .queries and (.refusals | length > 0) and
        .insider == {differences_found: 1, rows_put_back: 1, certificate: "valid"}' \
        <<<"$summary" >/dev/null || why "the counts disagree: $summary"
    local kept=("$proofs"/*.json)
    same "proofs kept" "${#kept[@]}" "$(jq .queries <<<"$summary")"
    remark=$(jq -r '"\(.queries) queries in \(.batches) batches, \(.seconds) s"' <<<"$summary")
}

holds_the_demo() {
    told_heads=$(heads)
    same "batches by the heads' sequences" "$(jq 'map(.sequence) | add' <<<"$told_heads")" "$(jq .batches <<<"$summary")"
    same "schools with a head" "$(jq length <<<"$told_heads")" "$(jq .schools <<<"$summary")"
}

heads_are_as_before() { same "the heads" "$(heads)" "$told_heads"; }

# shellcheck shell=bash
# Proofs, verified and refuted while nothing of the network runs. `example` is the proof that is tampered with.

# verify ROOTS FILE-OR-DIRECTORY…: sets `report` and `code`.
verify() {
    code=0
    report=$(timeout 600 "$sillok" proof verify --json --roots "$@" 2>"$work/verify.err") || code=$?
    report=${report%%$'\n'*} # after it comes why it failed
    [[ -n $report ]] || why "sillok proof verify ended with $code and no report: $(<"$work/verify.err")"
}

# refuted ROOTS DIRECTORY CODES: none of the proofs there holds, and each for one of these reasons.
refuted() {
    verify "$1" "$2"
    same "exit code over $2" "$code" 5
    jq -e --arg codes "^($3)\$" '.verified == 0 and .failed > 0
        and all(.proofs[]; (.ok | not) and (.why | length > 0) and (.code | test($codes)))' <<<"$report" >/dev/null ||
        why "not refuted as $3: $(jq -c '[.proofs[] | {ok, code}] | unique' <<<"$report")"
}

# sealed < JSON: as a proof is written, under the digest of what it holds. Who tampers can do that too.
sealed() {
    local body digest
    body=$(jq -cS 'del(.digest)')
    digest=$(printf '%s' "$body" | sha256sum | cut -d' ' -f1)
    # shellcheck disable=SC2059 # the format is the digest's bytes
    digest=$(printf "$(sed 's/../\\x&/g' <<<"$digest")" | base64 | tr '+/' '-_' | tr -d '=')
    jq -cSj --arg digest "$digest" '.digest = $digest' <<<"$body"
}

verifies_offline() {
    same "processes of the network" "$(processes)" ''
    verify "$dir/roots" "$proofs"
    same "exit code" "$code" 0
    jq -e --argjson queries "$(jq .queries <<<"$summary")" '.verified == $queries and .failed == 0
        and all(.proofs[]; .engine == "fabric" and .endorsed_by == ["OfficeMSP", "SupportMSP"])' <<<"$report" >/dev/null ||
        why "not every proof holds: $(jq -c '{verified, failed}' <<<"$report")"
    jq -c '.proofs | sort_by(.file)[] | {file, school, sequence}' <<<"$report" >"$work/places"
    example=$(head -n 1 "$work/places" | jq -r .file)
    mkdir "$work/again"
    sealed <"$example" >"$work/again/sealed.json"
    cmp "$example" "$work/again/sealed.json" # so that what is refuted below is not how it was sealed
    remark="$(jq .verified <<<"$report") proofs"
}

# One bit, at 600 places across the file.
refutes_changed_files() {
    local LC_ALL=C text at step place changed=0
    text=$(<"$example") step=$((${#text} / 600 + 1))
    mkdir "$work/changed"
    for ((at = 0; at < ${#text}; at += step)); do
        printf -v place '\\%03o' $(($(printf '%d' "'${text:at:1}") ^ (1 << (at % 8))))
        # shellcheck disable=SC2059 # the format is one byte
        { printf '%s' "${text::at}" && printf "$place" && printf '%s' "${text:at+1}"; } >"$work/changed/$at.json"
        changed=$((changed + 1))
    done
    refuted "$dir/roots" "$work/changed" 'proof\..*|receipt\..*'
    same "files refuted" "$(jq .failed <<<"$report")" "$changed"
    remark="$changed files, by $(jq -r '[.proofs[].code] | unique | join(", ")' <<<"$report")"
}

# One bit of what the base64 of a part stands for (of a hexadecimal digit in the transaction id), at 16 places each.
readonly FLIP='
    def alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    def other: . as $letter | (alphabet | index($letter)) as $value
        | if $value == null then "A" elif $value % 2 == 0 then alphabet[$value + 1:$value + 2]
          else alphabet[$value - 1:$value] end;
    getpath($part) as $text | ($text | length) as $length
        | ($length * $sixteenth / 16 | floor) as $at
        | setpath($part; $text[:$at] + ($text[$at:$at + 1] | other) + $text[$at + 1:])'

refutes_changed_part() { # path of the part, codes
    local sixteenth
    rm -rf "$work/part" && mkdir "$work/part"
    for sixteenth in {0..15}; do
        jq --argjson part "$1" --argjson sixteenth "$sixteenth" "$FLIP" "$example" | sealed >"$work/part/$sixteenth.json"
    done
    refuted "$dir/roots" "$work/part" "$2"
}

refutes_changed_parts() {
    local number
    refutes_changed_part '["entry"]' 'proof\.(entry|path|other_school)'
    refutes_changed_part '["header"]' 'proof\.(header|path|other_school|time|other_header)|proof\.not_recorded'
    refutes_changed_part '["path", 0]' 'proof\.path'
    refutes_changed_part '["request"]' 'proof\.(other_request|request)'
    refutes_changed_part '["certificate"]' 'proof\.(certificate|other_certificate)'
    refutes_changed_part '["receipt", "transaction"]' 'receipt\.transaction|proof\.other_transaction'
    refutes_changed_part '["receipt", "payload"]' 'receipt\.(malformed|signature|transaction)'
    for number in 0 1; do
        refutes_changed_part "[\"receipt\", \"endorsements\", $number, \"signature\"]" 'receipt\.signature'
        refutes_changed_part "[\"receipt\", \"endorsements\", $number, \"endorser\"]" \
            'receipt\.(malformed|office_unknown|issuer|signature)'
    done
    refutes_edit '.index += 1' 'proof\.path'
    refutes_edit '.path |= .[1:]' 'proof\.path'
    refutes_edit '.version = 2' 'proof\.version'
    refutes_edit '.receipt.engine = "embedded"' 'receipt\..*'
}

# refutes_edit EDIT CODES [JQ-OPTION…]: an edit in jq's words, under the digest of what came of it.
refutes_edit() {
    rm -rf "$work/edit" && mkdir "$work/edit"
    jq "${@:3}" "$1" "$example" | sealed >"$work/edit/edited.json"
    refuted "$dir/roots" "$work/edit" "$2"
}

# place FILTER: the file of the first proof whose place, compared with the `$example`'s, is as the filter says.
place() {
    jq -sr ".[0] as \$example | first(.[] | select($1) | .file) // empty" "$work/places"
}

# The header holds the Merkle root: another batch's, then another school's; with the header alone, and with all that
# goes with it.
refutes_other_batches() {
    local whose file all='.header = $other[0].header | .path = $other[0].path | .index = $other[0].index | .receipt = $other[0].receipt'
    for whose in '.school == $example.school and .sequence != $example.sequence' '.school != $example.school'; do
        file=$(place "$whose")
        [[ -n $file ]] || { same "schools" "$(jq .schools <<<"$summary")" 1 && continue; } # no other school to take from
        refutes_edit '.header = $other[0].header' 'proof\.(path|other_school)' --slurpfile other "$file"
        refutes_edit "$all" 'proof\.(path|other_school)' --slurpfile other "$file"
        refutes_edit '.receipt = $other[0].receipt' 'proof\.not_recorded' --slurpfile other "$file"
        refutes_edit '.entry = $other[0].entry' 'proof\.(path|other_school)' --slurpfile other "$file"
    done
    [[ -z $file ]] || same "the code for another school's root" "$(other_schools_code "$file")" proof.other_school
}

other_schools_code() {
    refutes_edit '.header = $other[0].header' 'proof\..*' --slurpfile other "$1"
    jq -r '.proofs[0].code' <<<"$report"
}

refutes_a_missing_endorsement() {
    local number
    for number in 0 1; do
        refutes_edit "del(.receipt.endorsements[$number])" 'receipt\.endorsement_missing'
        refutes_edit ".receipt.endorsements[$number] = .receipt.endorsements[$((1 - number))]" 'receipt\.endorsement_missing'
        jq -cSj "del(.receipt.endorsements[$number])" "$example" >"$work/edit/edited.json" # its digest left as it was
        refuted "$dir/roots" "$work/edit" 'proof\.damaged'
    done
    refutes_edit '.receipt.endorsements = []' 'receipt\.endorsement_missing'
}

# Those of offices of the same names with keys of their own; the two offices' exchanged; one alone.
refutes_other_offices() {
    local name
    ask as_member OfficeMSP Admin timeout 60 cryptogen generate --config "$top/crypto-config/organizations.yaml" \
        --output "$work/others"
    expect 0 ''
    mkdir "$work/other-roots" "$work/exchanged" "$work/lonely"
    for name in office support; do
        cp "$work/others/peerOrganizations/$name.sillok/ca/"*-cert.pem "$work/other-roots/${name^}MSP.pem"
    done
    refuted "$work/other-roots" "$proofs" 'receipt\.issuer'
    cp "$dir/roots/OfficeMSP.pem" "$work/exchanged/SupportMSP.pem"
    cp "$dir/roots/SupportMSP.pem" "$work/exchanged/OfficeMSP.pem"
    refuted "$work/exchanged" "$proofs" 'receipt\.issuer'
    cp "$dir/roots/OfficeMSP.pem" "$work/lonely/"
    ask "$sillok" proof verify --roots "$work/lonely" "$example"
    expect 2 roots.unusable
}

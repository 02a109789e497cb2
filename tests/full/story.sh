# shellcheck shell=bash
# What README shows.

# readme_block: the commands behind the comment that names this test.
readme_block() {
    sed -n '/^<!-- tests\/full\/run runs/,/^```$/p' "$top/README.md" | sed -e '1,2d' -e '$d' -e "s|network/run|$dir|g"
}

# As somebody does who stands in the repository's directory; what they make stays in a directory of this test's own.
plays_the_readme() {
    local began=$SECONDS
    mkdir -p "$work/readme" "$work/bin"
    ln -sfn "$top/network" "$work/readme/network"
    ln -sfn "$SILLOK_BIN" "$work/bin/sillok"
    readme_block >"$work/readme.sh"
    (($(wc -l <"$work/readme.sh") > 15)) || why "README has no such block"
    (cd "$work/readme" && PATH=$work/bin:$PATH timeout 120 bash -eu -o pipefail "$work/readme.sh") >"$work/said" 2>&1 ||
        why "README's commands failed: $(tail -c 600 "$work/said")"
    grep -q complete "$work/said" || why "the contract is not complete: $(tail -c 600 "$work/said")"
    remark="$((SECONDS - began)) s"
}

# sillok_here COMMAND…: where README's commands left their files.
sillok_here() { (cd "$work/readme" && "$SILLOK_BIN" "$@"); }

# Says who asks, and where: README's own words for kim.
as_kim() {
    printf '%s\n' --gateway "$("$top/network/roles.sh" url)" --root "$("$top/network/roles.sh" root)" \
        --certificate keys/kim.pem --key keys/kim.key
}

signatures_of() { # file
    mapfile -t kim < <(as_kim)
    sillok_here --json signature list "$1" "${kim[@]:0:4}" | jq length
}

has_signatures() { [[ $(signatures_of "$1") == "$2" ]]; }

# shellcheck shell=bash
# One line a check; the first that fails ends the run and says why.

passed=0 checking='the preparation' reason='' at=''

# check WHAT FUNCTION ARGUMENTS…: a function fails by `why` or by any command that fails.
check() {
    checking=$1 reason='' at=''
    shift
    "$@"
    passed=$((passed + 1))
    printf 'ok - %s%s\n' "$checking" "${remark:+ ($remark)}"
    remark=''
}

# why SENTENCE: ends the check.
why() {
    reason=$*
    printf '%s\n' "$reason" >"$work/reason"
    exit 1
}

# From a subshell a reason arrives by file.
told_failure() {
    [[ -n $reason || ! -f $work/reason ]] || reason=$(<"$work/reason")
    printf 'not ok - %s: %s\n' "$checking" "${reason:-failed at $at}" >&2
    [[ ! -d $dir/logs ]] || tail -n 3 "$dir"/logs/{orderer,peer,chaincode}*.log 2>/dev/null | cut -c1-300 >&2
}

# net COMMAND…: network.sh, which bounds its own waits; the limit is for the programs it may have to build.
net() { timeout 3600 "$top/network/network.sh" "$@"; }

# ask COMMAND…: sets `said` (both streams) and `code`.
ask() {
    code=0
    said=$("$@" 2>&1) || code=$?
}

# expect CODE PART: of what the last `ask` gave.
expect() {
    [[ $code == "$1" ]] || why "exit code $code instead of $1; it said: ${said:0:600}"
    [[ $said == *"$2"* ]] || why "it does not say '$2' but: ${said:0:600}"
}

same() { # what, is, should be
    [[ $2 == "$3" ]] || why "$1: ${2:0:600}, and should be ${3:0:600}"
}

# eventually SECONDS WHAT COMMAND…
eventually() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || why "time is over, waited for: $what"
        sleep 0.1
    done
}

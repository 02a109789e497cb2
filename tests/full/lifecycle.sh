# shellcheck shell=bash
# It comes up, is killed, fails and comes back.

bystander=''

# Takes a port, so that whoever wants it fails.
take_port() {
    python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)' "$1" &
    bystander=$!
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
is_free() { ! is_taken "$1"; }

end_bystander() {
    [[ -z $bystander ]] || kill "$bystander" 2>/dev/null || true
    bystander=''
}

comes_up() {
    local began=$SECONDS
    ask net up --full
    expect 0 "monitor is up"
    net status --json | jq -e '.up and ([.nodes[].node] | index("postgres", "kafka", "cassandra3", "api", "recorder"))' >/dev/null ||
        why "status does not tell of all: $(net status)"
    remark="$((SECONDS - began)) s"
}

pids() { net status --json | jq -r '.nodes[] | "\(.node) \(.pid)"'; }

is_up_already() {
    local before
    before=$(pids)
    ask net up --full
    expect 0 "everything is up already"
    same "process ids" "$(pids)" "$before"
}

pid_of() { pids | sed -n "s/^$1 //p"; }

waits_for_a_role() {
    local before
    before=$(pid_of verifier)
    kill -KILL "$before"
    echo 'I agree.' >"$work/readme/consent.pdf"
    mapfile -t kim < <(as_kim)
    ask sillok_here sign consent.pdf --authority "$dir/roots/OfficeMSP.pem" "${kim[@]}"
    expect 0 created
    ask net status
    expect 3 verifier
    ask net up --full
    expect 0 "verifier is up"
    [[ $(pid_of verifier) != "$before" ]] || why "the verifier was not started"
    eventually 30 "the signature is recorded" has_signatures consent.pdf 1
}

# Nothing but the role that cannot start was down before, so nothing else is stopped.
undoes() {
    local role=monitor port before
    port=$(net status --json | jq '.nodes[] | select(.node == "monitor") | .port')
    kill -KILL "$(pid_of monitor)" "$(pid_of recorder)"
    eventually 10 "the monitor's port is free" is_free "$port"
    take_port "$port"
    eventually 10 "the monitor's port is taken" is_taken "$port"
    before=$(pids_but "$role recorder")
    ask net up --full
    expect 1 "monitor: port $port is taken"
    same "what runs" "$(pids_but "$role recorder")" "$before"
    same "the recorder" "$(pid_of recorder)" null
    end_bystander
}

pids_but() { pids_told | grep -vE "^(${1// /|}) "; }
pids_told() { net status --json | jq -r '.nodes[] | "\(.node) \(.pid)"' || true; }

comes_back() {
    ask net down
    expect 0 stopped
    same "processes left" "$(grep -lzF "SILLOK_NETWORK_NODE=$dir:" /proc/[0-9]*/environ 2>/dev/null || true)" ''
    ask net up --full
    expect 0 "monitor is up"
    same "signatures of the contract" "$(signatures_of contract.pdf)" 2
}

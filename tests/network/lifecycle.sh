# shellcheck shell=bash
# Nodes come up, are found, are lost and come back.

comes_up() {
    local began=$SECONDS
    ask net up
    expect 0 "up after"
    [[ -f $dir/network.json ]] || why "there is no network.json"
    remark="$((SECONDS - began)) s"
}

is_up_already() {
    local before
    before=$(pids)
    ask net up
    expect 0 "everything is up already"
    same "process ids" "$(pids)" "$before"
}

tells_status() {
    ask net status
    expect 0 chaincode-support
    net status --json | jq -e --arg dir "$dir" '.up and .directory == $dir and ([.nodes[] | select(.up) | .node]
        == ["orderer1", "peer-office", "peer-support", "chaincode-office", "chaincode-support", "postgres"])' >/dev/null
}

names_a_taken_port() {
    local port=$((SILLOK_NETWORK_PORT_BASE + 10))
    ask "$top/network/postgres.sh" up --dir "$work/second"
    expect 1 "port $((SILLOK_NETWORK_PORT_BASE + 80)) is taken"
    # PostgreSQL alone has settled nothing about orderers.
    ask net up --dir "$work/second" --no-postgres --orderers 3
    expect 1 "orderer1: port $port is taken"
    net clean --dir "$work/second" >/dev/null
    ask net status
    expect 0 orderer1
}

# What `status` says as JSON, whether all is up or not.
told() { net status --json || (($? == 3)); }

# NODE PID a line.
pids() { told | jq -r '.nodes[] | "\(.node) \(.pid)"'; }

pid_of() { pids | sed -n "s/^$1 //p"; }

# Whatever runs with this network's mark or on its database, whether network.sh knows it or not.
processes() {
    { grep -lzF "SILLOK_NETWORK_NODE=$dir:" /proc/[0-9]*/environ 2>/dev/null || true; } | cut -d/ -f3
    { grep -lzxF "$database" /proc/[0-9]*/cmdline 2>/dev/null || true; } | cut -d/ -f3
}

recovers() {
    local node=$1 before
    before=$(pids)
    kill -KILL "$(pid_of "$node")"
    eventually 20 "the end of $node" is_told_down "$node"
    ask net status
    expect 3 "$node"
    grep -Eq "^$node +down " <<<"$said" || why "it does not say that $node is down: $said"
    same "nodes down" "$(told | jq -r '.nodes[] | select(.up | not) | .node')" "$node"
    ask net up
    expect 0 "up after"
    same "the others' process ids" "$(pids | grep -v "^$node ")" "$(grep -v "^$node " <<<"$before")"
    [[ $(pid_of "$node") =~ ^[0-9]+$ ]] || why "$node does not run"
    heads_are_as_before
    ledger_takes "after $node"
}

is_told_down() { told | jq -e --arg node "$1" '.nodes[] | select(.node == $node) | .state == "down"'; }

prints_logs() {
    ask net logs peer-office
    expect 0 records
    ask net logs chaincode-support
    expect 0 sillok
}

refuses_wrong_usage() {
    ask net dance
    expect 2 "unknown command 'dance'"
    ask net up --fast
    expect 2 "unknown option '--fast'"
    ask net logs peer-nowhere
    expect 2 "name a node"
    ask net up --orderers 2
    expect 2 "--orderers is 1 or 3"
    ask net up --port-base x
    expect 2 "--port-base is a number"
    ask net env NowhereMSP
    expect 2 "name an organisation"
    ask net env OfficeMSP Nobody
    expect 2 "no user 'Nobody'"
}

# A process of another network, whose id stands where a node's should: as when ids are used again after a crash.
start_bystander() {
    env -i PATH="$PATH" SILLOK_NETWORK_NODE="$dir-of-another:peer-office" sleep 600 &
    bystander=$!
    echo "$bystander" >"$dir/pids/peer-office.pid"
}

end_bystander() {
    [[ -n ${bystander:-} ]] || return 0
    kill "$bystander" 2>/dev/null || true
    wait "$bystander" 2>/dev/null || true
    bystander=''
}

stops_its_own() {
    database=$(realpath "$dir/postgres/cluster")/data
    (($(processes | wc -l) == 6)) || why "not five nodes and a database run: $(processes)"
    start_bystander
    ask net down
    expect 0 "stopped: chaincode-support chaincode-office peer-support peer-office orderer1"
    same "processes left" "$(processes)" ''
    kill -0 "$bystander" || why "it stopped a process that is not its own"
    end_bystander
    ask net status
    expect 3 down
    ask net down
    expect 0 "not running"
}

comes_back() {
    ask net up
    expect 0 "up after"
    heads_are_as_before
    ledger_takes "after down and up"
}

# Every file that holds a private key or the database's password, whatever it is called.
keeps_keys() {
    local secret open=''
    grep -rlE -- '-----BEGIN ([A-Z]+ )?PRIVATE KEY-----|^postgres://[^:]+:[^@]+@' "$dir" >"$work/secrets"
    (($(wc -l <"$work/secrets") > 10)) || why "too few keys were found: $(<"$work/secrets")"
    while IFS= read -r secret; do open+=$(find "$secret" -perm /077); done <"$work/secrets"
    same "keys that others may read" "$open" ''
    same "the run directory's mode" "$(stat -c %a "$dir")" 700
    same "what others may write" "$(find "$dir/" "$database/" ! -type l -perm /022)" ''
}

cleans() {
    ask net clean
    expect 0 "deleted $dir"
    same "processes left" "$(processes)" ''
    [[ ! -e $dir ]] || why "$dir is still there"
    [[ ! -e $database ]] || why "$database is still there"
    ask net clean
    expect 0 "nothing to stop"
}

# shellcheck shell=bash
# What a role may not do.

# as_login ROLE SQL
as_login() {
    local address
    address=$(sed 's|.*@||' "$dir/postgres/url")
    PGPASSWORD=$(<"$dir/roles/$1/postgres-password") timeout 20 psql -X -q -v ON_ERROR_STOP=1 \
        "postgres://sillok_$1@$address?sslmode=require" -c "$2"
}

may() { # role, SQL
    ask as_login "$1" "$2"
    [[ $code == 0 ]] || why "$1 may not: $2; it was told: $said"
}

may_not() { # role, SQL
    ask as_login "$1" "$2"
    [[ $code != 0 && $said == *"permission denied"* ]] || why "$1 may: $2; it was told: $said"
}

# A school year with all that the api does: it could not under a login that lacks something. The demo is all roles in one
# process, so what is the others' work, by their tables, is refused to it.
plays_a_year() {
    local address
    same "what PostgreSQL refused until now" "$(refusals)" ''
    address=$(sed 's|.*@||' "$dir/postgres/url")
    ask timeout 150 "$SILLOK_BIN" --json demo --fabric --network "$dir" \
        --postgres "postgres://sillok_api:$(<"$dir/roles/api/postgres-password")@$address"
    expect 0 ''
    same "what PostgreSQL refused" "$(refusals | grep -vE 'table sillok_(inbox|archive)$' || true)" ''
}

# What PostgreSQL has noted of logins that lacked a right.
refusals() { grep -h 'permission denied' "$dir/postgres/cluster/server.log" || true; }

keeps_logins_apart() {
    local role table
    for role in $(roles); do
        may "$role" 'SELECT FROM sillok_migrations'
        may_not "$role" "UPDATE sillok_migrations SET checksum = ''"
        may_not "$role" 'UPDATE sillok_archive SET created_at = 0'
        may_not "$role" 'CREATE TABLE sillok_mine (id int)'
        may_not "$role" 'UPDATE sillok_alerts SET kind = kind'
        may_not "$role" 'DELETE FROM sillok_signatures'
        [[ $role != api ]] || continue
        for table in sillok_entries sillok_requests sillok_batches sillok_certificates learner attendance; do
            may_not "$role" "SELECT FROM $table"
        done
        may_not "$role" 'SELECT data FROM sillok_events'
        may_not "$role" 'DELETE FROM sillok_events'
        may_not "$role" 'UPDATE sillok_cursors SET token = 0'
    done
    may verifier 'SELECT verdict FROM sillok_signatures'
    may_not verifier "UPDATE sillok_signatures SET signer = 'kim'"
    may_not verifier 'SELECT FROM sillok_alerts'
    may_not monitor 'SELECT FROM sillok_signatures'
    may_not api "UPDATE sillok_signatures SET signer = 'kim'"
    may_not api 'DELETE FROM sillok_entries'
    may api 'SELECT FROM sillok_entries'
}

roles() { "$SILLOK_BIN" role list; }

# sees ROLE TOPIC: Kafka tells how far the topic is.
sees() {
    local jars role=$dir/roles/$1
    jars=$(find "$top/network/.cache" -maxdepth 1 -name "kafka-$(sha256sum "$top/network/kafka/pom.xml" | cut -c1-16)")
    cat "$role/kafka.key" "$role/kafka.pem" >"$work/$1.pem"
    printf '%s\n' security.protocol=SSL ssl.truststore.type=PEM "ssl.truststore.location=$dir/kafka/roots.pem" \
        ssl.keystore.type=PEM "ssl.keystore.location=$work/$1.pem" >"$work/$1.properties"
    timeout 30 java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=error \
        -cp "$jars/*" org.apache.kafka.tools.GetOffsetShell --bootstrap-server "$(<"$dir/kafka/url")" \
        --command-config "$work/$1.properties" --topic "$2"
}

keeps_principals_apart() {
    ask sees verifier signatures.created
    expect 0 signatures.created:0
    ask sees verifier signatures.recorded
    [[ $said != *signatures.recorded:0* ]] || why "the verifier sees what is not its own: $said"
}

takes_requests_at_the_api() {
    local role url
    for role in $(roles); do
        url=$(net status --json | jq -r --arg role "$role" '.nodes[] | select(.node == $role) | .port')
        if [[ $role == api ]]; then url=https://127.0.0.1:$url; else url=http://127.0.0.1:$url; fi
        ask curl -sS --noproxy '*' --cacert "$dir/roles/tls/ca.pem" -o /dev/null -w '%{http_code}' "$url/v1/alerts"
        if [[ $role == api ]]; then expect 0 401; else expect 0 404; fi
    done
}

keeps_secrets() {
    local role others
    same "what others than its owner may read" "$(find "$dir/roles" -type f -perm /077)" ''
    for role in $(roles); do
        others=$(grep -oE "$dir/roles/[a-z-]+" "$dir/roles/$role/sillok.toml" | sort -u | grep -vxE "$dir/roles/($role|peers)") || true
        case $role in
            api | recorder) same "others' files in the settings of $role" "$others" "$dir/roles/office-keys" ;;
            *) same "others' files in the settings of $role" "$others" '' ;;
        esac
    done
}

-- What was found in the database that did not come through the gateway: each finding once.
CREATE TABLE sillok_alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text COLLATE "C" NOT NULL UNIQUE,
    kind text COLLATE "C" NOT NULL,
    table_name text COLLATE "C",
    key text COLLATE "C",
    operation text COLLATE "C",
    rows bigint NOT NULL,
    committed_at bigint,
    seen_at bigint NOT NULL,
    xid bigint,
    lsn text COLLATE "C",
    detail text COLLATE "C"
);

-- How far the write-ahead log has been judged, by replication slot. It moves with the alerts that were raised on the way.
CREATE TABLE sillok_watch (
    slot text COLLATE "C" NOT NULL PRIMARY KEY,
    position pg_lsn NOT NULL
);

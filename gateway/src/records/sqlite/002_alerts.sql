-- What was found in the database that did not come through the gateway: each finding once.
CREATE TABLE sillok_alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    table_name TEXT,
    key TEXT,
    operation TEXT,
    rows INTEGER NOT NULL,
    committed_at INTEGER,
    seen_at INTEGER NOT NULL,
    xid INTEGER,
    lsn TEXT,
    detail TEXT
) STRICT;

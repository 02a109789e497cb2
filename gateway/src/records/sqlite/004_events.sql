-- Signatures on their way, and events: what tells of a change, written in the transaction that makes it.

-- A signature, from coming in to the ledger. Its evidence is in the archive.
CREATE TABLE sillok_signatures (
    id BLOB NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL,
    signer TEXT NOT NULL,
    subject TEXT NOT NULL,
    document TEXT,
    state TEXT NOT NULL,
    verdict TEXT,
    transaction_id TEXT,
    block INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sillok_signatures_of_hash ON sillok_signatures (hash, created_at, id);
CREATE INDEX sillok_signatures_in_state ON sillok_signatures (state, created_at, id);

-- Numbers grow in the order of commits: one writes at a time.
CREATE TABLE sillok_events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    subject TEXT NOT NULL,
    time INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;

CREATE INDEX sillok_events_on_way ON sillok_events (topic, partition, position);
CREATE INDEX sillok_events_by_time ON sillok_events (time);

-- How far a group is on each way, and which of its members holds the way until when (milliseconds since the Unix epoch).
CREATE TABLE sillok_cursors (
    group_name TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    token INTEGER NOT NULL DEFAULT 0,
    ends_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, topic, partition)
) STRICT;

CREATE TABLE sillok_members (
    group_name TEXT NOT NULL,
    member TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (group_name, member)
) STRICT;

-- What a group has handled, when (microseconds since the Unix epoch): an event may be delivered more than once.
CREATE TABLE sillok_inbox (
    group_name TEXT NOT NULL,
    event TEXT NOT NULL,
    handled_at INTEGER NOT NULL,
    PRIMARY KEY (group_name, event)
) STRICT;

CREATE INDEX sillok_inbox_by_time ON sillok_inbox (handled_at);

-- What a group could not handle. Revived, it is handled once more, by one of the group's members at a time.
CREATE TABLE sillok_dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_name TEXT NOT NULL,
    event TEXT NOT NULL,
    topic TEXT NOT NULL,
    content BLOB NOT NULL,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL,
    buried_at INTEGER NOT NULL,
    revived INTEGER NOT NULL DEFAULT 0,
    taken_until INTEGER NOT NULL DEFAULT 0,
    UNIQUE (group_name, event)
) STRICT;

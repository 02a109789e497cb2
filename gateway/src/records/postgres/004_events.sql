-- Signatures on their way, and events: what tells of a change, written in the transaction that makes it. Every table has a
-- primary key, so that it can be published with all others.

-- A signature, from coming in to the ledger. Its evidence is in the archive.
CREATE TABLE sillok_signatures (
    id bytea NOT NULL PRIMARY KEY,
    hash bytea NOT NULL,
    signer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    document text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    verdict text,
    transaction_id text,
    block bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX sillok_signatures_of_hash ON sillok_signatures (hash, created_at, id);
CREATE INDEX sillok_signatures_in_state ON sillok_signatures (state, created_at, id);

-- Who takes a number first may commit last. So events are read in the order of transactions, and only those of
-- transactions before the oldest that still runs: nothing can come up behind a reader.
CREATE TABLE sillok_events (
    xid bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    position bigint GENERATED ALWAYS AS IDENTITY,
    id text COLLATE "C" NOT NULL UNIQUE,
    topic text COLLATE "C" NOT NULL,
    partition smallint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    time bigint NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (topic, partition, xid, position)
);

CREATE INDEX sillok_events_by_time ON sillok_events (time);

-- How far a group is on each way, and which of its members holds the way until when (milliseconds since the Unix epoch).
CREATE TABLE sillok_cursors (
    group_name text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition smallint NOT NULL,
    xid bigint NOT NULL DEFAULT '-9223372036854775808',
    position bigint NOT NULL DEFAULT 0,
    owner text COLLATE "C",
    token bigint NOT NULL DEFAULT 0,
    ends_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (group_name, topic, partition)
);

CREATE TABLE sillok_members (
    group_name text COLLATE "C" NOT NULL,
    member text COLLATE "C" NOT NULL,
    ends_at bigint NOT NULL,
    PRIMARY KEY (group_name, member)
);

-- What a group has handled, when (microseconds since the Unix epoch): an event may be delivered more than once.
CREATE TABLE sillok_inbox (
    group_name text COLLATE "C" NOT NULL,
    event text COLLATE "C" NOT NULL,
    handled_at bigint NOT NULL,
    PRIMARY KEY (group_name, event)
);

CREATE INDEX sillok_inbox_by_time ON sillok_inbox (handled_at);

-- What a group could not handle. Revived, it is handled once more, by one of the group's members at a time.
CREATE TABLE sillok_dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    group_name text COLLATE "C" NOT NULL,
    event text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    reason text NOT NULL,
    tries bigint NOT NULL,
    buried_at bigint NOT NULL,
    revived boolean NOT NULL DEFAULT false,
    taken_until bigint NOT NULL DEFAULT 0,
    UNIQUE (group_name, event)
);

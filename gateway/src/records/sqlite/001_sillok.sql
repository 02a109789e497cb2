-- What Sillok keeps beside the office's tables.

-- Who has used which id for which request: what makes a request happen once.
CREATE TABLE sillok_claims (
    educator TEXT NOT NULL,
    jti TEXT NOT NULL,
    content BLOB NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (educator, jti)
) STRICT, WITHOUT ROWID;

CREATE TABLE sillok_requests (
    digest BLOB NOT NULL PRIMARY KEY,
    jws TEXT NOT NULL,
    educator TEXT NOT NULL,
    school TEXT NOT NULL,
    outcome BLOB NOT NULL
) STRICT;

-- The outbox. state: 0 pending, 1 recorded, 2 set aside. A pending entry with a batch is in flight.
CREATE TABLE sillok_entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    school TEXT NOT NULL,
    learner TEXT NOT NULL,
    educator TEXT NOT NULL,
    request BLOB NOT NULL,
    bytes BLOB NOT NULL,
    executed_at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    batch INTEGER,
    leaf INTEGER,
    code TEXT,
    reason TEXT
) STRICT;

-- Each holds unrecorded entries only, so that history costs nothing.
CREATE INDEX sillok_entries_waiting ON sillok_entries (school, number) WHERE state = 0 AND batch IS NULL;
CREATE INDEX sillok_entries_unrecorded ON sillok_entries (state) WHERE state = 0;
CREATE INDEX sillok_entries_set_aside ON sillok_entries (number) WHERE state = 2;

CREATE TABLE sillok_batches (
    school TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    header BLOB NOT NULL,
    entries BLOB NOT NULL,
    body BLOB,
    transaction_id TEXT,
    envelope BLOB,
    receipt BLOB,
    block INTEGER,
    PRIMARY KEY (school, sequence)
) STRICT;

-- There is never more than one in flight.
CREATE UNIQUE INDEX sillok_batches_in_flight ON sillok_batches (school) WHERE receipt IS NULL;

-- Who may write a school's batches, until when (milliseconds since the Unix epoch, by the database's clock).
CREATE TABLE sillok_leases (
    school TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    token INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

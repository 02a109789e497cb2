-- What Sillok keeps beside the office's tables.

-- Executed requests, each once: an educator uses an id for one request only.
CREATE TABLE sillok_requests (
    educator TEXT NOT NULL,
    jti TEXT NOT NULL,
    content BLOB NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    jws TEXT NOT NULL,
    school TEXT NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (educator, jti)
) STRICT;

-- The outbox. An entry waits until it is in a batch, or set aside with a code. It is recorded when its batch has a
-- receipt: that is not written here, so an entry's row is written twice at most.
CREATE TABLE sillok_entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    school TEXT NOT NULL,
    learner TEXT NOT NULL,
    educator TEXT NOT NULL,
    request BLOB NOT NULL,
    bytes BLOB NOT NULL,
    executed_at INTEGER NOT NULL,
    batch INTEGER,
    leaf INTEGER,
    code TEXT,
    reason TEXT
) STRICT;

-- Each holds few entries only, so that history costs nothing.
CREATE INDEX sillok_entries_waiting ON sillok_entries (school, number) WHERE batch IS NULL AND code IS NULL;
CREATE INDEX sillok_entries_set_aside ON sillok_entries (number) WHERE code IS NOT NULL;

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

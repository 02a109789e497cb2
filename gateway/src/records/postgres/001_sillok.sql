-- What Sillok keeps beside the office's tables.

-- Who has used which id for which request: what makes a request happen once.
CREATE TABLE sillok_claims (
    educator text NOT NULL,
    jti text NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (educator, jti)
);

CREATE TABLE sillok_requests (
    digest bytea NOT NULL PRIMARY KEY,
    jws text NOT NULL,
    educator text NOT NULL,
    school text NOT NULL,
    outcome bytea NOT NULL
);

-- The outbox. state: 0 pending, 1 recorded, 2 set aside. A pending entry with a batch is in flight.
CREATE TABLE sillok_entries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id bytea NOT NULL UNIQUE,
    school text NOT NULL,
    learner text NOT NULL,
    educator text NOT NULL,
    request bytea NOT NULL,
    bytes bytea NOT NULL,
    executed_at bigint NOT NULL,
    state smallint NOT NULL DEFAULT 0,
    batch bigint,
    leaf integer,
    code text,
    reason text
);

-- Each holds unrecorded entries only, so that history costs nothing.
CREATE INDEX sillok_entries_waiting ON sillok_entries (school, number) WHERE state = 0 AND batch IS NULL;
CREATE INDEX sillok_entries_unrecorded ON sillok_entries (state) WHERE state = 0;
CREATE INDEX sillok_entries_set_aside ON sillok_entries (number) WHERE state = 2;

CREATE TABLE sillok_batches (
    school text NOT NULL,
    sequence bigint NOT NULL,
    header bytea NOT NULL,
    entries bytea NOT NULL,
    body bytea,
    transaction_id text,
    envelope bytea,
    receipt bytea,
    block bigint,
    PRIMARY KEY (school, sequence)
);

-- There is never more than one in flight.
CREATE UNIQUE INDEX sillok_batches_in_flight ON sillok_batches (school) WHERE receipt IS NULL;

-- Who may write a school's batches, until when (milliseconds since the Unix epoch, by the database's clock).
CREATE TABLE sillok_leases (
    school text NOT NULL PRIMARY KEY,
    owner text NOT NULL,
    token bigint NOT NULL,
    ends_at bigint NOT NULL
);

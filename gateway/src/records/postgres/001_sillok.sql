-- What Sillok keeps beside the office's tables. What is compared is compared byte by byte, in whatever locale.

-- Executed requests, each once: an educator uses an id for one request only.
CREATE TABLE sillok_requests (
    educator text COLLATE "C" NOT NULL,
    jti text COLLATE "C" NOT NULL,
    content bytea NOT NULL,
    digest bytea NOT NULL UNIQUE,
    jws text NOT NULL,
    school text COLLATE "C" NOT NULL,
    outcome bytea NOT NULL,
    PRIMARY KEY (educator, jti)
);

-- The outbox. An entry waits until it is in a batch, or set aside with a code. It is recorded when its batch has a
-- receipt: that is not written here, so an entry's row is written twice at most.
CREATE TABLE sillok_entries (
    id bytea NOT NULL PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    school text COLLATE "C" NOT NULL,
    learner text COLLATE "C" NOT NULL,
    educator text COLLATE "C" NOT NULL,
    request bytea NOT NULL,
    bytes bytea NOT NULL,
    executed_at bigint NOT NULL,
    batch bigint,
    leaf integer,
    code text,
    reason text
);

-- Each holds few entries only, so that history costs nothing.
CREATE INDEX sillok_entries_waiting ON sillok_entries (school, number) WHERE batch IS NULL AND code IS NULL;
CREATE INDEX sillok_entries_set_aside ON sillok_entries (number) WHERE code IS NOT NULL;

CREATE TABLE sillok_batches (
    school text COLLATE "C" NOT NULL,
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
    school text COLLATE "C" NOT NULL PRIMARY KEY,
    owner text NOT NULL,
    token bigint NOT NULL,
    ends_at bigint NOT NULL
);

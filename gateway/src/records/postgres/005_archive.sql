-- The archive: sealed records. The key that each is under is wrapped by an office key, which the database never sees.
CREATE TABLE sillok_archive (
    id bytea NOT NULL PRIMARY KEY,
    office_key text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce bytea NOT NULL,
    ciphertext bytea NOT NULL,
    created_at bigint NOT NULL
);

-- Ciphertext does not shrink: trying costs time alone.
ALTER TABLE sillok_archive ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

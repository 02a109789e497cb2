-- The archive: sealed records. The key that each is under is wrapped by an office key, which the database never sees.
CREATE TABLE sillok_archive (
    id BLOB NOT NULL PRIMARY KEY,
    office_key TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    nonce BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

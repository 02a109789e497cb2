-- What is personal of certificates: what the learner asked, what came of comparing, and the certificate's own file. Their
-- states stand on the ledger.
CREATE TABLE sillok_certificates (
    id TEXT NOT NULL PRIMARY KEY,
    learner TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    agrees INTEGER NOT NULL,
    report TEXT NOT NULL,
    file BLOB
) STRICT;

CREATE INDEX sillok_certificates_of_learner ON sillok_certificates (learner, asked_at);

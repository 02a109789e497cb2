-- What is personal of certificates: what the learner asked, what came of comparing, and the certificate's own file. Their
-- states stand on the ledger.
CREATE TABLE sillok_certificates (
    id text NOT NULL PRIMARY KEY,
    learner text NOT NULL,
    asked_at bigint NOT NULL,
    agrees boolean NOT NULL,
    report text NOT NULL,
    file bytea
);

CREATE INDEX sillok_certificates_of_learner ON sillok_certificates (learner, asked_at);

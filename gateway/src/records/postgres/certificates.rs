//! Certificates, stored.

use deadpool_postgres::GenericClient;
use sillok_contract::id::LearnerId;
use tokio_postgres::Row;

use super::{
    connection::{change, rows},
    failure::Done,
};
use crate::{
    certificate::CertificateId,
    records::{
        StoredCertificate,
        certificate::CERTIFICATE,
        execution::{corrupt, identifier},
    },
};

pub(super) async fn store(c: &impl GenericClient, certificate: &StoredCertificate) -> Done<()> {
    let StoredCertificate { id, learner, asked_at, agrees, report, file } = certificate;
    let sql = "INSERT INTO sillok_certificates (id, learner, asked_at, agrees, report, file) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE SET report = excluded.report, file = excluded.file";
    change(c, sql, &[&id.to_string(), &learner.as_str(), asked_at, agrees, report, file]).await.map(drop)
}

pub(super) async fn one(c: &impl GenericClient, id: &CertificateId) -> Done<Option<StoredCertificate>> {
    Ok(certificates(c, "id = $1", &id.to_string()).await?.pop())
}

pub(super) async fn of_learner(c: &impl GenericClient, learner: &LearnerId) -> Done<Vec<StoredCertificate>> {
    certificates(c, "learner = $1 ORDER BY asked_at, id", learner.as_str()).await
}

async fn certificates(c: &impl GenericClient, condition: &str, value: &str) -> Done<Vec<StoredCertificate>> {
    let sql = format!("SELECT {CERTIFICATE} FROM sillok_certificates WHERE {condition}");
    rows(c, &sql, &[&value]).await?.iter().map(certificate).collect()
}

fn certificate(row: &Row) -> Done<StoredCertificate> {
    let id: String = row.try_get(0)?;
    Ok(StoredCertificate {
        id: id.parse().map_err(|_| corrupt("a certificate's id"))?,
        learner: identifier(row.try_get(1)?)?,
        asked_at: row.try_get(2)?,
        agrees: row.try_get(3)?,
        report: row.try_get(4)?,
        file: row.try_get(5)?,
    })
}

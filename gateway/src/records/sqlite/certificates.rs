//! Certificates, stored.

use rusqlite::{Connection, Row, params};
use sillok_contract::id::LearnerId;

use super::connection::away;
use crate::{
    certificate::CertificateId,
    records::{
        Result, StoredCertificate,
        certificate::CERTIFICATE,
        execution::{corrupt, identifier},
    },
};

pub(super) fn store(connection: &Connection, certificate: &StoredCertificate) -> Result<()> {
    let StoredCertificate { id, learner, asked_at, agrees, report, file } = certificate;
    connection
        .execute(
            "INSERT INTO sillok_certificates (id, learner, asked_at, agrees, report, file) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (id) DO UPDATE SET report = excluded.report, file = excluded.file",
            params![id.to_string(), learner.as_str(), asked_at, agrees, report, file],
        )
        .map(drop)
        .map_err(away)
}

pub(super) fn one(connection: &Connection, id: &CertificateId) -> Result<Option<StoredCertificate>> {
    Ok(certificates(connection, "id = ?1", &id.to_string())?.pop())
}

pub(super) fn of_learner(connection: &Connection, learner: &LearnerId) -> Result<Vec<StoredCertificate>> {
    certificates(connection, "learner = ?1 ORDER BY asked_at, id", learner.as_str())
}

fn certificates(connection: &Connection, condition: &str, value: &str) -> Result<Vec<StoredCertificate>> {
    let sql = format!("SELECT {CERTIFICATE} FROM sillok_certificates WHERE {condition}");
    let mut select = connection.prepare_cached(&sql).map_err(away)?;
    let mut rows = select.query([value]).map_err(away)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(away)? {
        found.push(certificate(row)?);
    }
    Ok(found)
}

fn certificate(row: &Row<'_>) -> Result<StoredCertificate> {
    let id: String = row.get(0).map_err(away)?;
    Ok(StoredCertificate {
        id: id.parse().map_err(|_| corrupt("a certificate's id"))?,
        learner: identifier(row.get(1).map_err(away)?)?,
        asked_at: row.get(2).map_err(away)?,
        agrees: row.get(3).map_err(away)?,
        report: row.get(4).map_err(away)?,
        file: row.get(5).map_err(away)?,
    })
}

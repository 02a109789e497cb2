//! Connections: the pool, TLS, and the tables brought up to date.

use std::{collections::HashMap, fs, net::IpAddr, str::FromStr, sync::Arc, time::Duration};

use deadpool_postgres::{
    Client, GenericClient, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Transaction,
};
use rustls::ClientConfig;
use tokio_postgres::{
    Config, NoTls, Row,
    config::{Host, SslMode},
    types::ToSql,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{Done, Failure};
use crate::{
    records::{OpenError, RecordsError, Settings, migration::Migration, schema::Schema, settings::setting},
    trust,
};

/// The number of the lock that whoever migrates holds.
const MIGRATION_LOCK: i64 = 0x5111_0c00;
/// How many prepared statements a connection keeps at most, ours and the callers'.
const PREPARED: usize = 500;

/// Connections of their own for what brings entries to the ledger.
const RECORDING: usize = 2;
/// And for what watches.
const WATCHING: usize = 1;
/// And for who tells and handles events.
const TELLING: usize = 4;

/// The pool that the settings describe. Connects to nothing yet.
pub(super) fn pool(settings: &Settings) -> Result<Pool, OpenError> {
    pool_with(settings, settings.connections, "on")
}

/// A small one beside it: recording does not stand in one line with requests, or it would fall behind them.
pub(super) fn recording_pool(settings: &Settings) -> Result<Pool, OpenError> {
    pool_with(settings, RECORDING, "on")
}

/// One beside it for events: neither requests nor recording wait for who handles them.
pub(super) fn telling_pool(settings: &Settings) -> Result<Pool, OpenError> {
    pool_with(settings, TELLING, "on")
}

/// One more for the watch.
pub(super) fn watching_pool(settings: &Settings) -> Result<Pool, OpenError> {
    pool_with(settings, WATCHING, "on")
}

/// One whose connections also write outside of a transaction that says so.
pub(super) fn autocommit_pool(settings: &Settings) -> Result<Pool, OpenError> {
    pool_with(settings, settings.connections, "off")
}

/// Where the server is, who calls it, and how TLS is spoken, if it is to be.
pub(super) fn config(settings: &Settings) -> Result<(Config, Option<MakeRustlsConnect>), OpenError> {
    let mut config = Config::from_str(&settings.url).map_err(|error| setting(&format!("url: {error}")))?;
    if let Some(file) = &settings.password_file {
        let text = fs::read_to_string(file)
            .map_err(|error| setting(&format!("password_file {}: {error}", file.display())))?;
        config.password(text.lines().next().unwrap_or_default());
    }
    let tls = tls(settings, &mut config)?;
    Ok((config, tls))
}

fn pool_with(settings: &Settings, size: usize, read_only: &str) -> Result<Pool, OpenError> {
    let (mut config, tls) = config(settings)?;
    let wait = Duration::from_millis(settings.wait_ms);
    let given = config.get_options().unwrap_or_default().to_owned();
    config.connect_timeout(wait).application_name("sillok").options(format!(
        "{} -c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={} -c TimeZone=UTC \
         -c DateStyle=ISO -c standard_conforming_strings=on -c default_transaction_isolation=read\\ committed \
         -c default_transaction_read_only={}",
        given,
        settings.statement_ms,
        settings.wait_ms,
        settings.statement_ms.saturating_add(settings.wait_ms),
        read_only,
    ));
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match tls {
        Some(tls) => Manager::from_config(config, tls, how),
        None => Manager::from_config(config, NoTls, how),
    };
    Pool::builder(manager)
        .max_size(size.max(1))
        .wait_timeout(Some(wait))
        .create_timeout(Some(wait))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| setting(&format!("connections: {error}")))
}

/// TLS, if it is to be spoken. Where there are roots, never without: a server that offers none, or whoever says so in
/// its name, is refused. Without roots, plaintext goes no further than this machine, unless the URL asks for it.
fn tls(settings: &Settings, config: &mut Config) -> Result<Option<MakeRustlsConnect>, OpenError> {
    let mode = config.get_ssl_mode();
    let Some(file) = &settings.root_certificates else {
        return match mode {
            SslMode::Disable => Ok(None),
            SslMode::Prefer if config.get_hosts().iter().all(is_this_machine) => Ok(None),
            SslMode::Prefer => Err(setting(
                "root_certificates: TLS to another machine needs them; for plaintext say so: sslmode=disable in url",
            )),
            _ => Err(setting("root_certificates: TLS needs them")),
        };
    };
    match mode {
        SslMode::Disable => return Err(setting("root_certificates: of no use with sslmode=disable in url")),
        _ => config.ssl_mode(SslMode::Require),
    };
    let named =
        |error: &dyn std::fmt::Display| setting(&format!("root_certificates {}: {error}", file.display()));
    let roots = trust::roots(file).map_err(|why| setting(&format!("root_certificates {why}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| named(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(MakeRustlsConnect::new(client)))
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

/// A connection that does not keep more and more prepared statements.
pub(super) async fn connect(pool: &Pool) -> Done<Client> {
    let client = pool.get().await?;
    if client.statement_cache.size() > PREPARED {
        client.statement_cache.clear();
    }
    Ok(client)
}

/// A transaction that may write: outside of one, nothing can.
pub(super) async fn writing(client: &mut Client) -> Done<Transaction<'_>> {
    Ok(client.build_transaction().read_only(false).start().await?)
}

/// Whether one of them is still to be applied.
pub(super) async fn is_due(pool: &Pool, migrations: &[Migration]) -> Done<bool> {
    let client = connect(pool).await?;
    let noted = row(&client, "SELECT to_regclass('sillok_migrations') IS NOT NULL", &[]).await?;
    let noted: Option<bool> = noted.map(|noted| noted.try_get(0)).transpose()?;
    if noted != Some(true) {
        return Ok(true);
    }
    let mut applied = HashMap::new();
    for row in rows(&client, "SELECT family, name, checksum FROM sillok_migrations", &[]).await? {
        applied.insert((row.try_get::<_, String>(0)?, row.try_get::<_, String>(1)?), row.try_get(2)?);
    }
    for migration in migrations {
        let noted: Option<&String> = applied.get(&(migration.set.to_owned(), migration.name.clone()));
        if migration.is_due(noted.map(String::as_str))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Applies what is due, all in one transaction. Where nothing is, nobody needs a right to change tables.
pub(super) async fn migrate(pool: &Pool, migrations: &[Migration]) -> Done<()> {
    if !is_due(pool, migrations).await? {
        return Ok(());
    }
    let mut client = connect(pool).await?;
    let transaction = writing(&mut client).await?;
    // Others that start now wait for this, for as long as it takes.
    transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0").await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS sillok_migrations (
                family text NOT NULL, name text NOT NULL, checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (family, name)
            )",
        )
        .await?;
    for migration in migrations {
        let row = transaction
            .query_opt(
                "SELECT checksum FROM sillok_migrations WHERE family = $1 AND name = $2",
                &[&migration.set, &migration.name],
            )
            .await?;
        let applied: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
        if migration.is_due(applied.as_deref())? {
            let failed = |error: tokio_postgres::Error| {
                let reason = Failure::from(error).error;
                RecordsError::Corrupt(format!("migration {}: {reason}", migration.name))
            };
            transaction.batch_execute(&migration.sql).await.map_err(failed)?;
            transaction
                .execute(
                    "INSERT INTO sillok_migrations (family, name, checksum) VALUES ($1, $2, $3)",
                    &[&migration.set, &migration.name, &migration.checksum()],
                )
                .await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// Looks whether the protected tables are there, with their columns.
pub(super) async fn check(pool: &Pool, schema: &Schema) -> Done<()> {
    let client = connect(pool).await?;
    for (sql, table) in schema.probes() {
        if let Err(error) = client.prepare(&sql).await {
            let reason = Failure::from(error).error;
            return Err(RecordsError::Corrupt(format!("the protected table {table}: {reason}")).into());
        }
    }
    Ok(())
}

/// Rows of a statement of ours.
pub(super) async fn rows(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Vec<Row>> {
    let prepared = client.prepare_cached(sql).await?;
    Ok(client.query(&prepared, values).await?)
}

/// The row of a statement of ours that gives at most one.
pub(super) async fn row(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<Option<Row>> {
    Ok(rows(client, sql, values).await?.pop())
}

/// How many rows a statement of ours changed.
pub(super) async fn change(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Done<u64> {
    let prepared = client.prepare_cached(sql).await?;
    Ok(client.execute(&prepared, values).await?)
}

/// A number as PostgreSQL stores it.
pub(super) fn stored(number: u64) -> Done<i64> {
    i64::try_from(number)
        .map_err(|_| RecordsError::Corrupt(format!("{number} is too large to be stored")).into())
}

//! `sillok admin learner wallet` and `revoke-wallet`

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use sillok_contract::{access::SUPPORT, id::LearnerId, registry::WalletKey};

use super::{
    administrator::Administrator,
    change::{self, Columns, Source, needed},
};
use crate::{
    cli::{Failure, Program, rows::Origin, when::When},
    keys::PublicKey,
};

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewKey {
    /// Whose wallet.
    #[arg(id = "id", long = "learner", value_name = "ID")]
    learner: Option<LearnerId>,
    /// The wallet's public key: a JWK, or PEM.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// From when on it holds, and the one before no longer. Without it, now.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
}

#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RevokedKey {
    /// Whose wallet.
    #[arg(id = "id", long = "learner", value_name = "ID")]
    learner: Option<LearnerId>,
    /// From when on the key that is in force then is void. Without it, now.
    #[arg(long, value_name = "TIME")]
    since: Option<When>,
}

impl Columns for NewKey {
    fn or(self, options: &Self, origin: &Origin) -> Self {
        Self {
            learner: self.learner,
            key: origin.file(self.key, &options.key),
            since: self.since.or(options.since),
        }
    }
}

impl Columns for RevokedKey {
    fn or(self, options: &Self, _origin: &Origin) -> Self {
        Self { learner: self.learner, since: self.since.or(options.since) }
    }
}

pub(super) async fn register(
    source: Source<NewKey>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows =
        source.rows()?.into_iter().map(|row| row.try_map(NewKey::asked)).collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, SUPPORT)?;
    let rows = change::settle(rows, async |(learner, key, since): (LearnerId, PublicKey, When)| {
        let wallets = contract.learner(&learner).await?.map(|learner| learner.wallets).unwrap_or_default();
        let mut key = key.of_wallet(0);
        let standing = wallets.iter().find(|standing| standing.is_same_key(&key));
        key.since = since.or_standing(standing.map(|standing| standing.since));
        Ok((learner, key))
    })
    .await?;
    change::each(program, "wallet keys registered", rows, async |(learner, key): &(LearnerId, WalletKey)| {
        contract.register_wallet_key(learner, key).await
    })
    .await
}

impl NewKey {
    fn asked(self, origin: &Origin) -> Result<(LearnerId, PublicKey, When), Failure> {
        let learner = needed(self.learner, "learner", origin)?;
        let key = PublicKey::read(&needed(self.key, "key", origin)?).map_err(|error| {
            let failure = Failure::from(error);
            Failure { detail: origin.name(&failure.detail), ..failure }
        })?;
        Ok((learner, key, self.since.unwrap_or(When::Now)))
    }
}

pub(super) async fn revoke(
    source: Source<RevokedKey>,
    signer: &Administrator,
    program: &Program,
) -> Result<(), Failure> {
    let rows = source
        .rows()?
        .into_iter()
        .map(|row| {
            row.try_map(|columns, origin| {
                Ok((needed(columns.learner, "learner", origin)?, columns.since.unwrap_or(When::Now)))
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let contract = signer.contract(program, SUPPORT)?;
    let rows = change::settle(rows, async |(learner, since): (LearnerId, When)| {
        let wallets = contract.learner(&learner).await?.map(|learner| learner.wallets).unwrap_or_default();
        let now = When::Now.or_standing(None);
        let in_force = wallets.iter().rev().find(|key| key.since <= now);
        let standing = in_force.and_then(|key| key.revoked_since);
        Ok((learner, since.or_standing(standing)))
    })
    .await?;
    change::each(program, "wallet keys revoked", rows, async |(learner, since): &(LearnerId, i64)| {
        contract.revoke_wallet_key(learner, *since).await
    })
    .await
}

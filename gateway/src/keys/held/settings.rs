//! The configuration's section `held`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{HeldError, HeldKeys, Pkcs11Keys, Result, SoftwareKeys};
use crate::{archive::OfficeKeys, clock};

/// Keys that the office holds for signers who have none of their own: for the processes with the role `signer` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// "software" (files sealed under an office key: for trying, developing and testing) or "pkcs11" (a hardware security
    /// module).
    #[schema(value_type = String)]
    pub engine: HeldEngine,
    /// With "software": the directory of the sealed keys. Without it, `held-keys` under `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub directory: Option<PathBuf>,
    /// With "software": the directory of the office keys that these are sealed under, each a file ID.key that only its owner
    /// may read. Without it, `held-office-keys` under `data`, where the first key is made by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub office_keys: Option<PathBuf>,
    /// With "pkcs11": the token.
    pub pkcs11: Pkcs11Settings,
}

/// Which engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldEngine {
    /// Sealed files.
    #[default]
    Software,
    /// A token.
    Pkcs11,
}

/// A token that speaks PKCS#11.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pkcs11Settings {
    /// The maker's module, a shared library. It runs in this process: name none that others may write.
    #[schema(value_type = String)]
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// A file whose first line is the user's PIN.
    #[schema(value_type = String)]
    pub pin_file: PathBuf,
    /// Sessions with the token at most: how many it signs at one moment.
    pub sessions: usize,
    /// Milliseconds to wait for one of them.
    pub wait_ms: u64,
}

impl Default for Pkcs11Settings {
    fn default() -> Self {
        let (module, pin_file) = ("/usr/lib/softhsm/libsofthsm2.so".into(), "held.pin".into());
        Self { module, token: "sillok".to_owned(), pin_file, sessions: 4, wait_ms: 5_000 }
    }
}

/// Opens the engine that the settings name. `data` is the directory of the embedded engines. It blocks.
pub fn open(settings: &Settings, data: &Path) -> Result<Arc<dyn HeldKeys>> {
    Ok(match settings.engine {
        HeldEngine::Pkcs11 => Arc::new(Pkcs11Keys::open(&settings.pkcs11)?),
        HeldEngine::Software => Arc::new(open_software(settings, data)?),
    })
}

/// The store of files, where it is the engine.
pub(crate) fn open_software(settings: &Settings, data: &Path) -> Result<SoftwareKeys> {
    if settings.engine != HeldEngine::Software {
        return Err(HeldError::Setting("engine: the keys are in a token, not in files".to_owned()));
    }
    let office = match &settings.office_keys {
        Some(directory) => OfficeKeys::open(directory)?,
        None => OfficeKeys::open_or_make(&settings.office_keys(data), clock::now())?,
    };
    let directory = settings.directory.clone().unwrap_or_else(|| data.join("held-keys"));
    SoftwareKeys::open(&directory, Arc::new(office))
}

impl Settings {
    /// Where the office keys are that held keys are sealed under.
    pub fn office_keys(&self, data: &Path) -> PathBuf {
        self.office_keys.clone().unwrap_or_else(|| data.join("held-office-keys"))
    }
}

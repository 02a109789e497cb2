//! A token maker's module, which is one for the whole process: loaded once, begun once, and never let go.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
};

use super::failure::Failure;
use crate::keys::held::{HeldError, Result};

/// The modules of this process.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A module. When it is begun anew, all sessions of before are void, and the numbers they went by are given to new ones.
pub(super) struct Module {
    pub(super) pkcs11: Pkcs11,
    /// How often it was begun anew. Held for reading while it is called: nobody may be in it when it ends.
    generation: RwLock<u64>,
}

impl Module {
    /// Loads it, unless it is loaded.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(path) {
            return Ok(module.clone());
        }
        let wrong = |error: Error| HeldError::Setting(format!("pkcs11.module: {}: {error}", path.display()));
        let module = Arc::new(Self { pkcs11: Pkcs11::new(path).map_err(wrong)?, generation: RwLock::new(0) });
        begin(&module.pkcs11).map_err(Failure::into_error)?;
        loaded.insert(path.to_owned(), module.clone());
        Ok(module)
    }

    /// For the time of a call: which generation it is.
    pub(super) fn calling(&self) -> RwLockReadGuard<'_, u64> {
        self.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins it anew, unless somebody has since that generation.
    pub(super) fn begin_anew(&self, since: u64) -> std::result::Result<(), Failure> {
        let mut generation = self.generation.write().unwrap_or_else(PoisonError::into_inner);
        if *generation == since {
            *generation += 1;
            // It may have ended already.
            let _ = self.pkcs11.clone().finalize();
            begin(&self.pkcs11)?;
        }
        Ok(())
    }
}

fn begin(module: &Pkcs11) -> std::result::Result<(), Failure> {
    match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

//! Held keys that are opened when they are first used.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{HeldKeys, Label, Result, Settings, open};
use crate::keys::PublicKey;

/// Held keys that are opened when they are first used: a process that uses none needs none, and makes none. What could not be
/// opened is tried again at the next use.
pub struct LazyKeys {
    settings: Settings,
    data: PathBuf,
    opened: Mutex<Option<Arc<dyn HeldKeys>>>,
}

impl LazyKeys {
    /// What the settings name; `data` is the directory of the embedded engines.
    pub fn new(settings: &Settings, data: &Path) -> Self {
        Self { settings: settings.clone(), data: data.to_owned(), opened: Mutex::default() }
    }

    fn opened(&self) -> Result<Arc<dyn HeldKeys>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*opened {
            return Ok(keys.clone());
        }
        let keys = open(&self.settings, &self.data)?;
        *opened = Some(keys.clone());
        Ok(keys)
    }
}

impl HeldKeys for LazyKeys {
    fn ready(&self) -> Result<()> {
        self.opened()?.ready()
    }

    fn generate(&self, label: &Label) -> Result<PublicKey> {
        self.opened()?.generate(label)
    }

    fn public(&self, label: &Label) -> Result<Option<PublicKey>> {
        self.opened()?.public(label)
    }

    fn sign(&self, label: &Label, message: &[u8]) -> Result<[u8; 64]> {
        self.opened()?.sign(label, message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    #[test]
    fn nothing_is_made_before_the_first_use() {
        let data = tempfile::tempdir().unwrap();
        let (keys, label) = (LazyKeys::new(&Settings::default(), data.path()), "cha".parse().unwrap());
        assert_eq!(data.path().read_dir().unwrap().count(), 0);
        let public = keys.generate(&label).unwrap();
        public.verify_fixed(b"message", &keys.sign(&label, b"message").unwrap()).unwrap();
        keys.ready().unwrap();
    }

    #[test]
    fn what_cannot_be_opened_is_tried_again() {
        let data = tempfile::tempdir().unwrap();
        let office = data.path().join("office");
        let settings = Settings { office_keys: Some(office.clone()), ..Settings::default() };
        let keys = LazyKeys::new(&settings, data.path());
        assert!(keys.ready().is_err());
        crate::archive::OfficeKeys::make(&office, crate::clock::now()).unwrap();
        keys.ready().unwrap();
    }
}

//! Keys that the office holds for signers: sealed files, or a token where there is one.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use sillok_contract::id::{MspId, SignerId};
use sillok_gateway::{
    archive::OfficeKeys,
    config::Settings,
    keys::{
        PrivateKey,
        held::{self, HeldKeys as _, LazyKeys},
    },
    ledger::signer::Signer,
};

use crate::{engine::Engine, school::now, world::World};

/// Where held keys are, for a scenario that has them go away.
pub struct Safe {
    place: PathBuf,
    away: PathBuf,
}

impl Safe {
    /// Whatever uses the keys cannot from now on, if it opens them only now.
    pub fn goes_away(&self) {
        fs::rename(&self.place, &self.away).unwrap();
    }

    /// They can be used again.
    pub fn is_back(&self) {
        fs::rename(&self.away, &self.place).unwrap();
    }
}

impl World {
    /// From the next start on the office holds keys in places that the settings name: on the production engines in a token,
    /// where there is one.
    pub fn hold_keys(&mut self) -> Safe {
        let token = env::var_os("SILLOK_TEST_PKCS11").filter(|_| self.site.engine == Engine::Production);
        match token {
            Some(token) => {
                let token = PathBuf::from(token);
                self.settings.held = Settings::read(Some(&token.join("held.toml"))).unwrap().held;
                // SoftHSM has a directory a token; this is the one there is.
                let mut tokens = fs::read_dir(token.join("tokens")).unwrap();
                let place = tokens.next().expect("a token was made").unwrap().path();
                Safe { place, away: token.join("away") }
            }
            None => {
                let office = self.site.directory.path().join("held-under");
                OfficeKeys::make(&office, now()).unwrap();
                self.settings.held = sealed(self.site.directory.path(), &office);
                Safe { away: office.with_extension("away"), place: office }
            }
        }
    }
}

fn sealed(directory: &Path, office: &Path) -> held::Settings {
    held::Settings {
        directory: Some(directory.join("held")),
        office_keys: Some(office.to_owned()),
        ..held::Settings::default()
    }
}

/// A registered signer whose key the office really holds; they have their own to approve with.
pub async fn signer_held(world: &World, name: &str) -> Signer {
    let id = SignerId::new(format!("{name}.{}", world.tag)).unwrap();
    let keys = LazyKeys::new(&world.settings.held, &world.settings.data);
    let label = id.as_str().parse().unwrap();
    let key = tokio::task::spawn_blocking(move || keys.generate(&label).unwrap()).await.unwrap();
    let (office, own) = (MspId::new("OfficeMSP").unwrap(), PrivateKey::generate().unwrap());
    Signer::register_held(world.consortium(), office, id, &key, own).await.unwrap()
}

//! The development identities: an authority for each MSP, and the peers, admins and clients it certified.
//!
//! They are made when the ledger is first opened and rest in a directory beside its file:
//! `MSP/ca.pem`, `MSP/ROLE.pem`, each with its `.key`, and the offices' `roots/MSP.pem` for who verifies offline.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use prost::Message as _;
use sillok_contract::Creator;
use sillok_proto::embedded as wire;

use crate::keys::{
    Authority, Issued, KeyError, OfficeSigner, PrivateKey, Validity, read_certificate, write_certificate,
};

/// The offices: each endorses every transaction.
pub const OFFICES: [&str; 2] = ["OfficeMSP", "SupportMSP"];

/// Each MSP with the roles that are certified for it.
const MEMBERS: [(&str, &[&str]); 3] = [
    ("OfficeMSP", &["peer", "admin", "client"]),
    ("SupportMSP", &["peer", "admin", "client"]),
    ("SchoolMSP", &["admin", "client"]),
];

/// Ten years: development certificates are not renewed.
const DAYS: u32 = 3650;

/// One who creates or endorses transactions.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) creator: Creator,
    /// As it stands in proposals and endorsements.
    pub(super) bytes: Vec<u8>,
    pub(super) key: PrivateKey,
    /// The same, for an office's documents.
    pub(super) signer: OfficeSigner,
}

impl Identity {
    fn new(msp: &str, issued: Issued) -> Result<Self, KeyError> {
        let certificate = issued.certificate.to_pem().into_bytes();
        let bytes = wire::Identity { msp: msp.to_owned(), certificate: certificate.clone() }.encode_to_vec();
        let signer = OfficeSigner::new(issued.certificate, issued.key.clone())?;
        Ok(Self { creator: Creator { msp: msp.to_owned(), certificate }, bytes, key: issued.key, signer })
    }
}

/// An MSP: its authority and its members by role.
#[derive(Debug)]
struct Organisation {
    msp: &'static str,
    authority: Authority,
    members: Vec<(&'static str, Arc<Identity>)>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Identities {
    directory: PathBuf,
    organisations: Vec<Organisation>,
}

impl Identities {
    /// Loads them from the directory; makes them if it is not there.
    pub(super) fn open(directory: &Path, now: i64) -> Result<Self, KeyError> {
        if !directory.exists() {
            generate(directory, now)?;
        }
        let organisations =
            MEMBERS.iter().map(|(msp, roles)| load(directory, msp, roles)).collect::<Result<_, _>>()?;
        Ok(Self { directory: directory.to_owned(), organisations })
    }

    /// Where they rest.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The member of an MSP with a role.
    pub(super) fn member(&self, msp: &str, role: &str) -> Option<&Arc<Identity>> {
        let organisation = self.organisations.iter().find(|organisation| organisation.msp == msp)?;
        organisation.members.iter().find(|(name, _)| *name == role).map(|(_, identity)| identity)
    }

    /// The offices' peers.
    pub(super) fn endorsers(&self) -> impl Iterator<Item = &Arc<Identity>> {
        OFFICES.iter().filter_map(|msp| self.member(msp, "peer"))
    }

    /// The authority of an MSP.
    pub(super) fn authority(&self, msp: &str) -> Option<&Authority> {
        self.organisations
            .iter()
            .find(|organisation| organisation.msp == msp)
            .map(|organisation| &organisation.authority)
    }

    /// Each MSP with its authority's certificate, as the first block holds them.
    pub(super) fn root_certificates(&self) -> Vec<wire::Identity> {
        self.organisations
            .iter()
            .map(|organisation| wire::Identity {
                msp: organisation.msp.to_owned(),
                certificate: organisation.authority.certificate().to_pem().into_bytes(),
            })
            .collect()
    }
}

/// The directory of the offices' root certificates among the identities.
pub fn roots_beside(identities: &Path) -> PathBuf {
    identities.join("roots")
}

/// The files of the certificate and the key of an MSP's authority among the identities; none if there is no such MSP.
pub fn authority_files(identities: &Path, msp: &str) -> Option<(PathBuf, PathBuf)> {
    let home = identities.join(MEMBERS.iter().find(|(name, _)| *name == msp)?.0);
    Some((home.join("ca.pem"), home.join("ca.key")))
}

fn load(directory: &Path, msp: &'static str, roles: &[&'static str]) -> Result<Organisation, KeyError> {
    let of = |name: &str, extension: &str| directory.join(msp).join(format!("{name}.{extension}"));
    let authority = Authority::read(&of("ca", "pem"), &of("ca", "key"))?;
    let members = roles
        .iter()
        .map(|&role| {
            let issued = Issued {
                certificate: read_certificate(&of(role, "pem"))?,
                key: PrivateKey::read(&of(role, "key"))?,
            };
            Ok((role, Arc::new(Identity::new(msp, issued)?)))
        })
        .collect::<Result<_, KeyError>>()?;
    Ok(Organisation { msp, authority, members })
}

/// Makes the whole directory under another name first, so that it is there whole or not at all.
fn generate(directory: &Path, now: i64) -> Result<(), KeyError> {
    let unfinished = directory.with_extension("unfinished");
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(KeyError::file(&unfinished, error));
        }
        _ => {}
    }
    create_directory(&unfinished)?;
    create_directory(&roots_beside(&unfinished))?;
    for (msp, roles) in MEMBERS {
        generate_organisation(&unfinished, msp, roles, Validity::days(now, DAYS))?;
    }
    fs::rename(&unfinished, directory).map_err(|error| KeyError::file(directory, error))?;
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| KeyError::file(parent, error))
}

fn generate_organisation(
    directory: &Path,
    msp: &str,
    roles: &[&str],
    validity: Validity,
) -> Result<(), KeyError> {
    let home = directory.join(msp);
    create_directory(&home)?;
    let authority = Authority::generate(&format!("{msp} development CA"), msp, validity)?;
    let keep = |name: &str, issued: &Issued| {
        issued.write_new(&home.join(format!("{name}.pem")), &home.join(format!("{name}.key")))
    };
    keep("ca", &Issued { certificate: authority.certificate().clone(), key: authority.key().clone() })?;
    if OFFICES.contains(&msp) {
        write_certificate(authority.certificate(), &roots_beside(directory).join(format!("{msp}.pem")))?;
    }
    for role in roles {
        let name = format!("{role}.{}", msp.trim_end_matches("MSP").to_lowercase());
        keep(role, &authority.issue(&name, role, validity)?)?;
    }
    Ok(())
}

fn create_directory(path: &Path) -> Result<(), KeyError> {
    fs::DirBuilder::new().mode(0o700).create(path).map_err(|error| KeyError::file(path, error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::os::unix::fs::PermissionsExt as _;

    use sillok_contract::certificate::Certificate;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn they_are_made_once_and_only_their_owner_reads_them() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("ledger.identities");
        fs::create_dir(place.path().join("ledger.unfinished")).unwrap();
        let first = Identities::open(&directory, 1_790_000_000_000_000).unwrap();
        let again = Identities::open(&directory, 0).unwrap();
        assert_eq!(first.root_certificates(), again.root_certificates());
        assert_eq!(mode(&directory), 0o700);
        for (msp, roles) in MEMBERS {
            assert_eq!(mode(&directory.join(msp)), 0o700);
            for role in roles.iter().chain(&["ca"]) {
                assert_eq!(mode(&directory.join(msp).join(format!("{role}.key"))), 0o600);
            }
            let root = again.authority(msp).unwrap().certificate();
            let exported = read_certificate(&roots_beside(again.directory()).join(format!("{msp}.pem"))).ok();
            assert_eq!(exported.as_ref(), Some(root).filter(|_| OFFICES.contains(&msp)));
            for role in roles {
                let member = again.member(msp, role).unwrap();
                let pem = str::from_utf8(&member.creator.certificate).unwrap();
                Certificate::from_pem(pem).unwrap().issued_by(root).unwrap();
            }
        }
        assert_eq!(again.endorsers().count(), 2);
    }
}

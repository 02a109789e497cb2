//! `sillok keys held`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use sillok_contract::{
    access::SUPPORT,
    id::{MspId, SignerId},
};

use super::{Holders, Made, issuing::Issuing};
use crate::{
    archive::{KeyId, OfficeKeys},
    cli::{Failure, Program, private_file},
    clock,
    keys::{
        Authority, PublicKey, Validity,
        held::{self, HeldError, HeldKey, HeldKeys, Label},
        read_certificate, write_certificate,
    },
};

/// Keys that the office holds for signers who have none of their own: in the configuration's section `held`, a store of
/// sealed files or a token.
#[derive(Debug, Args)]
pub(super) struct Held {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes signers' keys where they are held, and has the office's authority certify them: ID.pem.
    ///
    /// The authority is found as for `sillok keys signer`. Register the certificate, and the key by which the person
    /// approves each use (`sillok keys signer --approval`), with `sillok admin signer add`.
    New(New),
    /// With engine "software": makes a new office key and seals all held keys by it. May be run while they are used.
    Rotate,
}

/// For whom, and who certifies it.
#[derive(Debug, Args)]
struct New {
    #[command(flatten)]
    holders: Holders,
    /// The office.
    #[arg(long, value_name = "MSP", default_value = SUPPORT)]
    office: MspId,
    /// Writes a request for a certificate (PKCS#10, PEM), ID.csr, for an authority that is elsewhere.
    #[arg(long, conflicts_with_all = ["authority_certificate", "network"])]
    request: bool,
    #[command(flatten)]
    issuing: Issuing,
}

#[derive(Serialize)]
struct Rotated {
    key: KeyId,
    rewrapped: u64,
}

impl Held {
    pub(super) fn run(self, program: &Program) -> Result<(), Failure> {
        match self.command {
            Command::New(new) => new.run(program),
            Command::Rotate => rotate(program),
        }
    }
}

/// Where a key's certificate comes from.
enum Certifier {
    Authority(Box<Authority>, Validity),
    Elsewhere,
}

impl New {
    fn run(self, program: &Program) -> Result<(), Failure> {
        let settings = program.settings()?;
        let Self { holders, office, request, issuing } = self;
        let certifier = match request {
            true => Certifier::Elsewhere,
            false => {
                let authority = Box::new(issuing.authority(program, office.as_str())?);
                Certifier::Authority(authority, issuing.validity())
            }
        };
        let keys = held::open(&settings.held, &settings.data)?;
        holders.each(program, SignerId::new, |id, holders| certifier.hold(keys.as_ref(), id, holders))
    }
}

impl Certifier {
    /// One's key, made unless it is kept, and the file that comes of it.
    fn hold(&self, keys: &dyn HeldKeys, id: &SignerId, holders: &Holders) -> Result<Made, Failure> {
        let label: Label = id.as_str().parse()?;
        let file = holders.file(id.as_str(), self.extension());
        if file.exists() && !holders.keeps() {
            return Err(private_file::exists(&file));
        }
        let (public, new) = made_or_kept(keys, &label, holders.keeps())?;
        if !file.exists() {
            self.write(&HeldKey::find(keys, &label)?, id, &public, &file)?;
        }
        let key = PathBuf::from(format!("held:{label}"));
        let made =
            Made { id: id.to_string(), key, public_key: None, certificate: None, thumbprint: None, new };
        Ok(match self {
            Self::Authority(..) => {
                let thumbprint = Some(hex::encode(read_certificate(&file)?.thumbprint()));
                Made { certificate: Some(file), thumbprint, ..made }
            }
            Self::Elsewhere => Made { public_key: Some(file), ..made },
        })
    }

    fn extension(&self) -> &'static str {
        match self {
            Self::Authority(..) => "pem",
            Self::Elsewhere => "csr",
        }
    }

    fn write(
        &self,
        key: &HeldKey<'_>,
        id: &SignerId,
        public: &PublicKey,
        file: &std::path::Path,
    ) -> Result<(), Failure> {
        match self {
            Self::Authority(authority, validity) => {
                Ok(write_certificate(&authority.certify_signer(id, public, *validity)?, file)?)
            }
            Self::Elsewhere => private_file::write_new(file, key.certificate_request()?.as_bytes()),
        }
    }
}

fn made_or_kept(keys: &dyn HeldKeys, label: &Label, keeps: bool) -> Result<(PublicKey, bool), HeldError> {
    match keys.generate(label) {
        Err(HeldError::Exists(_)) if keeps => Ok((*HeldKey::find(keys, label)?.public_key(), false)),
        made => Ok((made?, true)),
    }
}

fn rotate(program: &Program) -> Result<(), Failure> {
    let settings = program.settings()?;
    let keys = held::open_software(&settings.held, &settings.data)?;
    let key = OfficeKeys::make(&settings.held.office_keys(&settings.data), clock::now())?;
    let rotated = Rotated { rewrapped: keys.rewrap()?, key };
    program.output.result(&rotated, |done| format!("{} key(s) are under {} now", done.rewrapped, done.key));
    Ok(())
}

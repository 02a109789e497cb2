//! `sillok request`: signs queries and has a gateway execute them.

mod answer;
mod asked;
mod saved;
pub(super) mod wait;

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args};
use serde::Serialize;
use sillok_contract::{
    id::{LearnerId, SchoolId},
    purpose::Purpose,
};

use super::{
    Failure, Program,
    gateway::{Credentials, Gateway},
};
use crate::{
    clock,
    keys::{Asked, RequestSigner, SignedQueries},
};

/// Signs one query, or many under one signature, and sends them to a gateway.
///
/// Prints the rows and the entries, which are then on their way to the ledger; with --wait, their places on it. A
/// request that was saved may be sent again at any time: it is executed once, and answers as the first time.
///
/// Example: sillok request --gateway https://gateway.example:8080 --school north --certificate T1.pem --key T1.key
/// --learner L0001 --sql 'SELECT subject, score FROM grades WHERE year = $1' --param 2026 --wait
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("queries").args(["sql", "file", "send"]).required(true))]
pub struct Request {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
    /// The school for which you ask.
    #[arg(long, required_unless_present = "send", conflicts_with = "send")]
    school: Option<SchoolId>,
    /// The learner it is about.
    #[arg(long, requires = "sql", required_unless_present_any = ["file", "send"])]
    learner: Option<LearnerId>,
    /// One statement: SELECT, INSERT, UPDATE or DELETE; $1, $2 … stand for the parameters.
    #[arg(long, requires = "learner")]
    sql: Option<String>,
    /// A parameter, in order: null, true, false, a number, or else text. Quoted as JSON it is text in any case: '"42"'.
    #[arg(long, value_name = "VALUE", requires = "sql", allow_hyphen_values = true, value_parser = asked::parameter)]
    param: Vec<Parameter>,
    /// Many queries under one signature: a JSON array of {"learner", "sql", "params"}.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Why an officer asks in an educator's place: baseline, restore or correction.
    #[arg(long, conflicts_with = "send", value_parser = asked::purpose)]
    purpose: Option<Purpose>,
    /// Keeps the signed request in a new file, before it is sent. Without --gateway it is only signed.
    #[arg(long, value_name = "FILE", conflicts_with = "send")]
    save: Option<PathBuf>,
    /// Sends a request that was saved.
    #[arg(long, value_name = "FILE")]
    send: Option<PathBuf>,
    /// Waits until every entry is on the ledger.
    #[arg(long)]
    wait: bool,
    /// For how many seconds to wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait")]
    patience: u64,
}

/// A parameter's value. An alias, so that clap does not take it for something else.
type Parameter = serde_json::Value;

/// What is told of a request that was only signed.
#[derive(Serialize)]
struct Signed {
    saved: PathBuf,
    queries: usize,
}

impl Request {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.client()?;
        if client.is_none() && self.save.is_none() {
            return Err(Failure::usage(
                "name the gateway with --gateway, or a file to sign into with --save",
            ));
        }
        // Read before anything is sent, for it is of no use afterwards to learn that one may not ask.
        let access = self.wait.then(|| self.credentials.access()).transpose()?;
        let signed = match &self.send {
            Some(file) => saved::read(file)?,
            None => self.sign()?,
        };
        if let Some(file) = &self.save {
            saved::write(file, &signed)?;
        }
        let Some(client) = client else {
            self.tell_signed(program, &signed);
            return Ok(());
        };
        let executed = client.submit(&signed).await?;
        answer::print(program, &executed);
        if let Some(access) = access {
            let client = client.with_access(access);
            let recorded =
                wait::until_recorded(program, &client, executed, Duration::from_secs(self.patience)).await?;
            answer::print_places(program, &recorded)?;
        }
        Ok(())
    }

    fn sign(&self) -> Result<SignedQueries, Failure> {
        let school = self.school.clone().ok_or_else(|| Failure::usage("name the school with --school"))?;
        let asked = self.asked()?;
        let (certificate, key) = self.credentials.read()?;
        let signer = RequestSigner::new(school, &self.gateway.audience, &certificate, key)?;
        let signer = match self.purpose {
            Some(purpose) => signer.with_purpose(purpose),
            None => signer,
        };
        Ok(signer.sign(asked, clock::now())?)
    }

    fn asked(&self) -> Result<Vec<Asked>, Failure> {
        match (&self.learner, &self.sql, &self.file) {
            (Some(learner), Some(sql), _) => {
                Ok(vec![Asked { learner: learner.clone(), sql: sql.clone(), params: self.param.clone() }])
            }
            (_, _, Some(file)) => asked::read(file),
            _ => Err(Failure::usage("name --learner and --sql, or --file")),
        }
    }

    fn tell_signed(&self, program: &Program, signed: &SignedQueries) {
        let saved = self.save.clone().unwrap_or_default();
        let told = Signed { saved, queries: signed.queries.len() };
        program.output.result(&told, |told| {
            format!("signed, not sent: {} (queries: {})", told.saved.display(), told.queries)
        });
    }
}

//! `sillok role`: what a process of one role is granted of what all share.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, Program};
use crate::{
    records,
    server::{StartError, grants},
    service::Role,
};

/// Sets up processes of one role each (`sillok serve --role`), so that each may do its own work alone.
#[derive(Debug, Args)]
pub struct RoleOf {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Names the roles, one a line.
    List,
    /// Brings the tables of the records database up to date, as the login that owns them.
    ///
    /// Where processes have logins of their own, which may not, this comes before they start: at first, with a new version,
    /// and when the database was restored on another server.
    Prepare,
    /// Prints the SQL that gives a login what a role needs in the records database, a statement a line.
    ///
    /// It is for the database's administrator; the tables have to be up to date. The configuration tells which engines there
    /// are and which tables are protected.
    Sql(Sql),
    /// Prints the arguments of `kafka-acls --add` that give a principal what a role needs in Kafka, one call a line.
    Acls(Acls),
}

#[derive(Debug, Args)]
struct Sql {
    /// Which role.
    role: Role,
    /// The login.
    #[arg(long, value_name = "NAME")]
    login: String,
}

#[derive(Debug, Args)]
struct Acls {
    /// Which role.
    role: Role,
    /// The principal, as Kafka knows it.
    #[arg(long, value_name = "NAME")]
    principal: String,
}

#[derive(Serialize)]
struct Lines {
    lines: Vec<String>,
}

#[derive(Serialize)]
struct Prepared {
    prepared: bool,
}

impl RoleOf {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let lines = match self.command {
            Command::List => Role::ALL.map(|role| role.to_string()).into(),
            Command::Prepare => return prepare(program).await,
            Command::Sql(Sql { role, login }) => {
                grants::of_database(role, &login, &program.settings()?).map_err(StartError::from)?
            }
            Command::Acls(Acls { role, principal }) => {
                grants::of_kafka(role, &principal, &program.settings()?)
            }
        };
        program.output.result(&Lines { lines }, |told| told.lines.join("\n"));
        Ok(())
    }
}

async fn prepare(program: &Program) -> Result<(), Failure> {
    records::prepare(&program.settings()?.records()).await.map_err(StartError::from)?;
    program.output.result(&Prepared { prepared: true }, |_| "the tables are up to date".to_owned());
    Ok(())
}

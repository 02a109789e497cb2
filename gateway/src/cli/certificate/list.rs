//! `sillok certificate list`

use clap::Args;

use crate::{
    cli::{
        Failure, Program,
        gateway::{Credentials, Gateway},
        table::table,
        when,
    },
    service::WaitingCertificate,
};

/// Lists the certificates that wait for an office to sign or refuse them, those that were asked for first at the top.
///
/// Example: sillok certificate list --gateway https://gateway.example:8080 --certificate han.pem --key han.key
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    gateway: Gateway,
    #[command(flatten)]
    credentials: Credentials,
}

impl List {
    pub(super) async fn run(self, program: &Program) -> Result<(), Failure> {
        let client = self.gateway.office_client(&self.credentials)?;
        let (mut waiting, mut bookmark) = (Vec::new(), String::new());
        loop {
            let page = client.waiting_certificates(&bookmark).await?;
            waiting.extend(page.certificates);
            bookmark = page.bookmark;
            if bookmark.is_empty() {
                break;
            }
        }
        program.output.result(&waiting, |waiting| lines(waiting));
        Ok(())
    }
}

fn lines(waiting: &[WaitingCertificate]) -> String {
    let line = |of: &WaitingCertificate| {
        vec![of.certificate.to_string(), of.learner.to_string(), when::written(of.requested_at)]
    };
    table(&["certificate", "learner", "asked for"], waiting.iter().map(line), "no certificate waits")
}

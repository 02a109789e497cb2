//! A gateway on free ports, with engines of its own in a directory of its own.

use std::{num::NonZeroU32, time::Duration};

use sillok_gateway::{
    config::Settings,
    ledger::embedded::Embedded,
    server::{Addresses, Engines, Gateway, Listeners},
    service::Service,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a test waits for something before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway that runs; dropping it without [`Running::stop`] stops it with the test.
pub(crate) struct Running {
    pub(crate) addresses: Addresses,
    pub(crate) shutdown: CancellationToken,
    /// The gateway's ledger, for what administrators do.
    pub(crate) ledger: Embedded,
    /// What is behind both faces.
    pub(crate) service: Service,
    task: JoinHandle<std::io::Result<()>>,
    _data: tempfile::TempDir,
}

/// Starts a gateway; `change` gets the defaults on free ports.
pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Running {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let data = tempfile::tempdir().unwrap();
    let mut settings = Settings { data: data.path().join("data"), ..Settings::default() };
    settings.listen.rest.set_port(0);
    settings.listen.grpc.set_port(0);
    settings.limits.rate = NonZeroU32::new(10_000).unwrap();
    settings.limits.burst = settings.limits.rate;
    // Tests work at all hours, and count what they raise.
    settings.monitor.drift.alerts = 0;
    (settings.monitor.hours.from_hour, settings.monitor.hours.to_hour) = (0, 24);
    change(&mut settings);
    let listeners = Listeners::bind(&settings.listen).await.unwrap();
    let engines = Engines::open(&settings).await.unwrap();
    let service = Service::new(engines.parts, settings.service.clone());
    let gateway = Gateway::new(settings, service.clone()).unwrap();
    let addresses = gateway.addresses(&listeners).unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(gateway.run(listeners, shutdown.clone()));
    Running { addresses, shutdown, ledger: engines.embedded.unwrap(), service, task, _data: data }
}

impl Running {
    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.addresses.rest)
    }

    /// Host and port of REST.
    pub(crate) fn host(&self) -> &str {
        self.addresses.rest.split("//").nth(1).unwrap()
    }

    /// Host and port of gRPC.
    pub(crate) fn grpc_host(&self) -> &str {
        self.addresses.grpc.split("//").nth(1).unwrap()
    }

    /// Waits until every part works: the batcher begins a moment after the ports are open.
    pub(crate) async fn ready(&self) {
        let ready = async {
            while reqwest::get(self.url("/readyz")).await.unwrap().status() != 200 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("the gateway gets ready");
    }

    /// Stops the gateway and waits for its end.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.expect("the gateway stops").unwrap().unwrap();
    }
}

//! The gateway's process: both faces on their ports, until it is told to stop.

mod connection;
mod edge;
mod engines;
mod gate;
pub mod grants;
mod parameters;
mod preface;
mod tls;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum_server::Handle;
use rustls::ServerConfig;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use connection::Peer;
pub(crate) use edge::{Edge, Face, REQUEST_ID, Target, Told, bound, matched_route};
pub(crate) use engines::make_directory;
pub use engines::{Engines, StartError};
pub(crate) use gate::Gate;
pub(crate) use parameters::{
    bearer, certificate_digest, certificate_id, dead_letter_id, dead_letters_wanted, digest, document_id,
    entry_id, language_of, learner_id, nonce, objection_id, objections_wanted, request_digest, rows,
    school_id, signer_id,
};

use crate::{
    config::{ConfigError, Listen, Settings},
    grpc::Grpc,
    rest::Rest,
    service::{Role, Roles, Service},
    telemetry,
};
use connection::{Bounded, Http, serve};

/// The two ports.
#[derive(Debug)]
pub struct Listeners {
    rest: TcpListener,
    grpc: TcpListener,
}

/// Where a caller finds the faces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The base URL of REST.
    pub rest: String,
    /// The base URL of gRPC.
    pub grpc: String,
}

impl Listeners {
    /// Takes both ports; a problem is told by the key that named it.
    pub async fn bind(settings: &Listen) -> Result<Self, ConfigError> {
        Ok(Self {
            rest: listen("listen.rest", settings.rest).await?,
            grpc: listen("listen.grpc", settings.grpc).await?,
        })
    }
}

async fn listen(key: &str, address: SocketAddr) -> Result<TcpListener, ConfigError> {
    TcpListener::bind(address).await.map_err(|error| ConfigError::new(key, format!("{address}: {error}")))
}

/// A gateway that is built and not yet listening.
pub struct Gateway {
    settings: Settings,
    service: Service,
    roles: Roles,
    rest_tls: Option<Arc<ServerConfig>>,
    grpc_tls: Option<Arc<ServerConfig>>,
}

impl Gateway {
    /// Puts both faces before a service.
    pub fn new(settings: Settings, service: Service) -> Result<Self, ConfigError> {
        let rest_tls = tls::of_port(&settings.tls, Http::One)?;
        let grpc_tls = tls::of_port(&settings.tls, Http::Two)?;
        Ok(Self { settings, service, roles: Roles::all(), rest_tls, grpc_tls })
    }

    /// Opens of the engines that the settings name what these roles need, and puts both faces before a service on them.
    /// Without `api` the faces tell only how the process is.
    pub async fn build(settings: Settings, roles: Roles) -> Result<Self, StartError> {
        let engines = Engines::open_for(&settings, &roles).await?;
        if roles.has(Role::Signer) {
            engines::check_held(&settings.held, engines.parts.held.clone()).await?;
        }
        let service = Service::new(engines.parts, settings.service.clone());
        Ok(Self { roles, ..Self::new(settings, service)? })
    }

    /// The URLs of the faces on these listeners.
    pub fn addresses(&self, listeners: &Listeners) -> io::Result<Addresses> {
        let scheme = if self.rest_tls.is_some() { "https" } else { "http" };
        let url =
            |listener: &TcpListener| Ok::<_, io::Error>(format!("{scheme}://{}", listener.local_addr()?));
        Ok(Addresses { rest: url(&listeners.rest)?, grpc: url(&listeners.grpc)? })
    }

    /// Serves both faces and records what is executed, until `shutdown` is cancelled. Then drains, in
    /// `listen.drain_ms` at most: takes no more connections, ends the streams, finishes the requests under way (for
    /// half of that time at most), and lets the batcher hand over what it has.
    pub async fn run(self, listeners: Listeners, shutdown: CancellationToken) -> io::Result<()> {
        let drain = Duration::from_millis(self.settings.listen.drain_ms);
        let last_request = CancellationToken::new();
        let (service, roles) = (self.service.clone(), self.roles.clone());
        let recording = tokio::spawn({
            let last_request = last_request.clone();
            async move { service.run_as(&roles, last_request).await }
        });
        let deadline = async {
            shutdown.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        let work = async {
            let served = self.serve(listeners, &shutdown, drain / 2).await;
            last_request.cancel();
            recording.await.map_err(io::Error::other).and(served)
        };
        tokio::select! {
            done = work => done,
            () = deadline => {
                tracing::warn!("the drain took too long; what was not handed over is recorded at the next start");
                Ok(())
            }
        }
    }

    /// Serves both faces until `shutdown`, and then for as long as requests are under way, at most `patience`.
    async fn serve(
        self,
        listeners: Listeners,
        shutdown: &CancellationToken,
        patience: Duration,
    ) -> io::Result<()> {
        let Self { settings, service, roles, rest_tls, grpc_tls } = self;
        let (listen, limits) = (&settings.listen, &settings.limits);
        let gate = Arc::new(Gate::new(limits));
        let metrics = telemetry::metrics().map_err(io::Error::other)?;
        let rest = Rest::new(service.clone(), gate.clone(), shutdown.clone(), listen, metrics.clone())
            .router(&roles, limits);
        let grpc = Grpc::new(service, gate, shutdown.clone()).router(&roles, limits);
        let handles = [Handle::new(), Handle::new()];
        let [rest_port, grpc_port] =
            [listeners.rest, listeners.grpc].map(|listener| Bounded::new(listener, limits.connections));
        let faces = async {
            tokio::try_join!(
                serve(rest_port, rest, Http::One, rest_tls, limits, handles[0].clone()),
                serve(grpc_port, grpc, Http::Two, grpc_tls, limits, handles[1].clone()),
            )
        };
        let stop = async {
            shutdown.cancelled().await;
            handles.iter().for_each(|handle| handle.graceful_shutdown(Some(patience)));
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = faces => ended.map(drop),
            () = stop => Ok(()),
            () = keep_up(metrics) => Ok(()),
        }
    }
}

/// Folds what the histograms hold, so that they do not grow.
async fn keep_up(metrics: metrics_exporter_prometheus::PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

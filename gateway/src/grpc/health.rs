//! `grpc.health.v1.Health`, which asks the service itself each time. A watch counts as an open stream.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future, stream, stream::BoxStream};
use sillok_proto::gateway::gateway_server::SERVICE_NAME;
use tokio_stream::wrappers::IntervalStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server,
};

use super::problem::status;
use crate::{
    problem::{Kind, Problem},
    server::Gate,
    service::Service,
};

/// How often a watcher's status is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Answers for the server as a whole (the empty name) and for the gateway's service.
#[derive(Clone)]
pub(super) struct Health {
    service: Service,
    gate: Arc<Gate>,
    stopping: CancellationToken,
}

impl Health {
    pub(super) fn new(service: Service, gate: Arc<Gate>, stopping: CancellationToken) -> Self {
        Self { service, gate, stopping }
    }

    async fn now(&self, name: &str) -> ServingStatus {
        if !["", SERVICE_NAME].contains(&name) {
            return ServingStatus::ServiceUnknown;
        }
        let ready = !self.stopping.is_cancelled() && self.service.ready().await.iter().all(|part| part.ready);
        if ready { ServingStatus::Serving } else { ServingStatus::NotServing }
    }

    /// The status now and each time it changes; when the gateway stops, that it does not serve, and the end.
    fn changes(self, name: String) -> impl stream::Stream<Item = ServingStatus> + Send + 'static {
        let stopping = self.stopping.clone();
        let ticks = IntervalStream::new(tokio::time::interval(PERIOD)).take_until(stopping.cancelled_owned());
        let looks = ticks.map(drop).chain(stream::once(future::ready(())));
        let statuses = looks.then(move |()| {
            let (health, name) = (self.clone(), name.clone());
            async move { health.now(&name).await }
        });
        statuses
            .scan(None, |last, status| {
                let changed = last.replace(status) != Some(status);
                future::ready(Some(changed.then_some(status)))
            })
            .filter_map(future::ready)
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match self.now(&request.get_ref().service).await {
            ServingStatus::ServiceUnknown => Err(status(Problem::new(
                Kind::NotFound,
                "service.unknown",
                "no service of this name is served here",
            ))),
            known => Ok(Response::new(response(known))),
        }
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let place = self.gate.open_stream().map_err(status)?;
        let changes = self.clone().changes(request.into_inner().service);
        let answers = changes.map(move |status| {
            // The place is held for as long as the stream is.
            let _held = &place;
            Ok(response(status))
        });
        Ok(Response::new(answers.boxed()))
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

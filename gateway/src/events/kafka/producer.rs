//! The relay's end: what the outbox gives goes to Kafka, in order, and is done when all brokers that must have it do.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use rdkafka::{
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
    types::RDKafkaErrorCode,
};

use super::{Client, settings::KafkaSettings, topics};
use crate::events::{BusError, Event, HandleError, Handler, MEDIA_TYPE, Settings, Topic};

/// What a message is, by CloudEvents' binding for Kafka, in the structured mode.
const CONTENT_TYPE: (&str, &str) = ("content-type", MEDIA_TYPE);

/// Produces events to Kafka.
pub(in crate::events) struct Producer {
    settings: Settings,
    /// Made when it is needed, and made anew after a failure: what was sent behind a message that failed must not
    /// overtake it.
    client: Mutex<Option<std::sync::Arc<Client<FutureProducer>>>>,
}

impl Producer {
    pub(in crate::events) fn new(settings: Settings) -> Self {
        Self { settings, client: Mutex::default() }
    }

    /// Ends its client, and waits until that has ended: its threads must not outlive what they use, and a process ends without
    /// asking them.
    pub(in crate::events) async fn end(self) {
        let client = self.kept().take().and_then(std::sync::Arc::into_inner);
        let producer = client.and_then(|mut client| client.0.take());
        // Nothing can be done where it fails, and nothing is lost: what was not acknowledged is produced again.
        let _ = super::blocking(move || {
            drop(producer);
            Ok(())
        })
        .await;
    }

    fn make(settings: &KafkaSettings) -> Result<FutureProducer, BusError> {
        settings
            .client()?
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("linger.ms", "2")
            .set("delivery.timeout.ms", "20000")
            .create()
            .map_err(super::failed)
    }

    async fn client(&self) -> Result<std::sync::Arc<Client<FutureProducer>>, BusError> {
        if let Some(client) = self.kept().clone() {
            return Ok(client);
        }
        topics::make(&self.settings, &Topic::ALL).await?;
        let client = std::sync::Arc::new(Client::new(Self::make(&self.settings.kafka)?));
        *self.kept() = Some(client.clone());
        Ok(client)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<std::sync::Arc<Client<FutureProducer>>>> {
        self.client.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn send(&self, events: &[Event]) -> Result<(), HandleError> {
        let client = self.client().await.map_err(|error| HandleError::Later(error.to_string()))?;
        let mut sent = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let topic = self.settings.kafka.name(event.topic.name());
            let payload = event.to_json();
            let header = Header { key: CONTENT_TYPE.0, value: Some(CONTENT_TYPE.1) };
            let record = FutureRecord::to(&topic)
                .key(&event.subject)
                .payload(&payload)
                .timestamp(event.time / 1_000)
                .headers(OwnedHeaders::new().insert(header));
            // Put into the queue at once, so in order.
            let delivery = client.get().send_result(record).map_err(|(error, _)| of(&error, index))?;
            sent.push(delivery);
        }
        for (index, delivery) in sent.into_iter().enumerate() {
            match delivery.await {
                Ok(Ok(_)) => {}
                Ok(Err((error, _))) => return Err(of(&error, index)),
                Err(_) => return Err(HandleError::Later("the producer was ended".to_owned())),
            }
        }
        Ok(())
    }
}

/// A message that Kafka will never take is the event's fault; all else is Kafka's.
fn of(error: &KafkaError, index: usize) -> HandleError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessageSize) => {
            HandleError::Event { index, reason: error.to_string() }
        }
        _ => HandleError::Later(format!("Kafka does not take events: {error}")),
    }
}

#[async_trait]
impl Handler for Producer {
    async fn handle(&self, events: &[Event]) -> Result<(), HandleError> {
        let limit = Duration::from_secs(30);
        let sent = match tokio::time::timeout(limit, self.send(events)).await {
            Ok(sent) => sent,
            Err(_) => Err(HandleError::Later("Kafka does not answer".to_owned())),
        };
        if sent.is_err() {
            *self.kept() = None;
        }
        sent
    }
}

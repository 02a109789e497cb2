//! Alerts as they are told: live at the gateway, in the topic `alerts`, in the metrics. And the silence in between.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use sillok_gateway::{
    events::{Bus, Event, Group, Subscription, Topic, relay_group},
    keys::Expected,
    monitor,
    records::Alert,
};
use sillok_proto::gateway::StreamAlertsRequest;
use tokio::sync::mpsc;

use crate::{
    call::{AUDIENCE, Caller, Face, alert},
    engine::{Engine, skipped},
    patience::until,
    school::now,
    told::Past,
    world::World,
};

/// How long the topic is waited for at a time.
const MOMENT: Duration = Duration::from_millis(200);

/// Somebody of the office who hears each alert wherever it is told.
pub struct Alarm {
    live: mpsc::UnboundedReceiver<Alert>,
    topic: Box<dyn Subscription>,
    /// Which were told in the topic, and are still to be told live, and the other way round.
    told: Vec<Alert>,
    heard: Vec<Alert>,
    /// How many of each kind were counted before.
    counted: Vec<(&'static str, u64)>,
}

impl World {
    /// Serves anew, in this process, with these rules; on the production engines through Kafka. Then somebody listens.
    pub async fn is_monitored(&mut self, rules: impl FnOnce(&mut monitor::Settings)) -> Alarm {
        self.stop_and_let_go().await;
        rules(&mut self.settings.monitor);
        if self.site.engine == Engine::Production && !self.use_kafka() {
            skipped("Kafka: SILLOK_TEST_KAFKA is not set; tests/run sets it");
        }
        self.serve().await;
        Alarm::listen(self).await
    }
}

impl Alarm {
    async fn listen(world: &World) -> Self {
        let office = world.as_seen_by_the_office();
        let before = office.alerts().await.unwrap().last().map_or(0, |alert| alert.id);
        let group = Group::new(format!("alarm-{}", now())).unwrap();
        let topic = world.parts().bus.subscribe(&group, &[Topic::Alerts]).await.unwrap();
        let counted = counts(world).await;
        let mut alarm =
            Self { live: office.follow_alerts(before), topic, told: Vec::new(), heard: Vec::new(), counted };
        // A new group is told everything that there was.
        alarm.read_topic().await;
        alarm.told.retain(|alert| alert.id > before);
        alarm
    }

    /// Waits for an alert of this kind about these, as what and name, wherever it is to be told. What was seen, on which
    /// evidence, and what to do stand in it.
    pub async fn hears(&mut self, world: &World, kind: &'static str, about: &[(&str, &str)]) -> Alert {
        let about: BTreeMap<_, _> = about.iter().copied().collect();
        let is_it = |alert: &Alert| alert.finding.kind == kind && names(alert) == about;
        let alert = self.hears_that(world, &format!("{kind} about {about:?}"), is_it).await;
        assert!(!alert.advice.is_empty() && alert.finding.detail.is_some(), "{alert:?}");
        let evidence = alert.finding.evidence.as_ref().unwrap();
        assert!(evidence.count > 0 && evidence.from <= evidence.until, "{alert:?}");
        self.is_counted(world, kind).await;
        alert
    }

    /// Waits for an alert of the watch, or of an audit, about a row of this table.
    pub async fn hears_of_the_database(&mut self, world: &World, table: &str) -> Alert {
        let is_it = |alert: &Alert| alert.finding.table.as_deref() == Some(table);
        self.hears_that(world, &format!("a change of {table}"), is_it).await
    }

    async fn hears_that(&mut self, world: &World, what: &str, is_it: impl Fn(&Alert) -> bool) -> Alert {
        let heard = until(&format!("{what} is told live"), async || {
            self.listen_live();
            let place = self.heard.iter().position(&is_it)?;
            Some(self.heard.remove(place))
        })
        .await;
        let told = until(&format!("{what} is told in the topic"), async || {
            self.read_topic().await;
            let place = self.told.iter().position(&is_it)?;
            Some(self.told.remove(place))
        })
        .await;
        assert_eq!(told, heard, "the topic tells the same");
        world.told().await.past.push(Past::of(&heard));
        heard
    }

    /// All that happened was looked at, and nothing was told.
    pub async fn is_silent(&mut self, world: &World) {
        self.settles(world).await;
        self.settles(world).await;
        assert!(self.heard.is_empty() && self.told.is_empty(), "{:?} {:?}", self.heard, self.told);
    }

    /// Waits until the monitor has seen all events, and reads what it told.
    async fn settles(&mut self, world: &World) {
        let bus = world.parts().bus;
        until("Kafka has all events", async || is_up_to_date(&*bus, &relay_group(), false).await).await;
        let monitor = Group::new("monitor").unwrap();
        until("the monitor has seen all events", async || is_up_to_date(&*bus, &monitor, true).await).await;
        until("Kafka has all events", async || is_up_to_date(&*bus, &relay_group(), false).await).await;
        self.read_topic().await;
        self.listen_live();
    }

    fn listen_live(&mut self) {
        while let Ok(alert) = self.live.try_recv() {
            self.heard.push(alert);
        }
    }

    async fn read_topic(&mut self) {
        loop {
            let deliveries = self.topic.next(100, MOMENT).await.unwrap();
            if deliveries.is_empty() {
                return;
            }
            let alerts = deliveries.iter().map(|delivery| told(delivery.event.as_ref().unwrap()));
            self.told.extend(alerts);
            self.topic.confirm(&deliveries).await.unwrap();
        }
    }

    async fn is_counted(&mut self, world: &World, kind: &str) {
        let now = counts(world).await;
        let of = |counts: &[(&str, u64)]| counts.iter().find(|(counted, _)| *counted == kind).unwrap().1;
        assert!(of(&now) > of(&self.counted), "{kind} is counted: {now:?}");
        self.counted = now;
    }
}

/// Whom an alert is about, by what they are.
fn names(alert: &Alert) -> BTreeMap<&str, &str> {
    let key = alert.finding.key.iter().flatten();
    key.filter_map(|(what, name)| Some((what.as_str(), name.as_str()?))).collect()
}

fn told(event: &Event) -> Alert {
    serde_json::from_value(event.data.clone()).unwrap()
}

/// Whether a group has confirmed everything; whoever must be known and is not has not begun.
async fn is_up_to_date(bus: &dyn Bus, group: &Group, is_known: bool) -> Option<()> {
    let lags = bus.lag(group).await.unwrap();
    (lags.iter().all(|lag| lag.events == 0) && !(is_known && lags.is_empty())).then_some(())
}

/// How often each of the monitor's alerts was raised, as the metrics tell.
async fn counts(world: &World) -> Vec<(&'static str, u64)> {
    let metrics = world.metrics().await;
    let of = |kind: &str| metric(&metrics, &format!("sillok_monitor_alerts_total{{kind=\"{kind}\"}}"));
    monitor::KINDS.iter().map(|kind| (*kind, of(kind).unwrap())).collect()
}

/// The value of a series of the metrics, where there is one.
pub fn metric(metrics: &str, series: &str) -> Option<u64> {
    let line = metrics.lines().find(|line| line.starts_with(&format!("{series} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

impl World {
    /// The gateway's metrics.
    pub async fn metrics(&self) -> String {
        let response = reqwest::get(format!("{}/metrics", self.address())).await.unwrap();
        response.error_for_status().unwrap().text().await.unwrap()
    }
}

impl Caller {
    /// Alerts after one, live, as they are raised.
    fn follow_alerts(&self, after: i64) -> mpsc::UnboundedReceiver<Alert> {
        let (sender, alerts) = mpsc::unbounded_channel();
        let caller = self.clone();
        tokio::spawn(async move {
            // Whoever listened has gone away, or the gateway.
            let _ = match caller.face {
                Face::Rest => caller.follow_by_rest(after, &sender).await,
                Face::Grpc => caller.follow_by_grpc(after, &sender).await,
            };
        });
        alerts
    }

    async fn follow_by_rest(&self, after: i64, to: &mpsc::UnboundedSender<Alert>) -> Option<()> {
        let url = format!("{}/v1/alerts", self.addresses.rest);
        let call = Expected { audience: AUDIENCE, method: "GET", uri: &url, now: now() };
        let request = reqwest::Client::new().get(&url).bearer_auth(self.access.sign(&call, 60));
        let request = request.header("accept", "text/event-stream").header("last-event-id", after);
        let mut response = request.send().await.unwrap().error_for_status().unwrap();
        let mut text = String::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data {
                    to.send(serde_json::from_str(data).unwrap()).ok()?;
                }
                text = rest.to_owned();
            }
        }
        Some(())
    }

    async fn follow_by_grpc(&self, after: i64, to: &mpsc::UnboundedSender<Alert>) -> Option<()> {
        let call = self.with_token("StreamAlerts", StreamAlertsRequest { after });
        let mut stream = self.grpc.clone().stream_alerts(call).await.unwrap().into_inner();
        while let Some(Ok(told)) = stream.next().await {
            to.send(alert(told)).ok()?;
        }
        Some(())
    }
}

//! What all callers share, and what each may take of it: rate, requests at once, streams at once.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    config::Limits,
    problem::{Kind, Problem},
};

/// Callers that are remembered before those that have been quiet are forgotten.
const REMEMBERED: usize = 10_000;

/// Whom a rate counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RateKey {
    /// The SHA-256 of a client certificate.
    Certificate([u8; 32]),
    /// An IPv4 address, or an IPv6 network of 64 bits.
    Network(IpAddr),
}

impl RateKey {
    /// The network a caller's address belongs to.
    pub(crate) fn of_address(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// Lets callers through as far as the limits allow. One gate stands before both faces.
#[derive(Debug)]
pub(crate) struct Gate {
    rate: DefaultKeyedRateLimiter<RateKey>,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Gate {
    /// A gate with these limits.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rate: RateLimiter::keyed(Quota::per_second(limits.rate).allow_burst(limits.burst)),
            requests: semaphore(limits.requests),
            streams: semaphore(limits.streams),
        }
    }

    /// Counts a call against its caller's rate; `limit.rate` where it is used up.
    pub(crate) fn count(&self, caller: &RateKey) -> Result<(), Problem> {
        if self.rate.len() > REMEMBERED {
            self.rate.retain_recent();
        }
        self.rate.check_key(caller).map_err(|refused| {
            let wait = refused.wait_time_from(governor::clock::DefaultClock::default().now());
            Problem::new(
                Kind::TooMany,
                "limit.rate",
                "you send more requests than you may; send them more slowly",
            )
            .retry_after(whole_seconds(wait))
        })
    }

    /// A place among the requests worked on; `limit.concurrency` where there is none. Dropping it gives it back.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.requests.clone().try_acquire_owned().map_err(|_| {
            let detail = "the gateway works on as many requests as it may; try again";
            Problem::new(Kind::Unavailable, "limit.concurrency", detail).retry_after(1)
        })
    }

    /// A place among the open streams; `limit.streams` where there is none. Dropping it gives it back.
    pub(crate) fn open_stream(&self) -> Result<OwnedSemaphorePermit, Problem> {
        self.streams.clone().try_acquire_owned().map_err(|_| {
            let detail = "as many streams are open as may be; try again later, or list batches instead";
            Problem::new(Kind::Unavailable, "limit.streams", detail).retry_after(10)
        })
    }
}

fn semaphore(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
}

fn whole_seconds(wait: Duration) -> u32 {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    NonZeroU32::new(seconds).map_or(1, NonZeroU32::get)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn gate() -> Gate {
        let one = NonZeroU32::MIN;
        Gate::new(&Limits { rate: one, burst: one, requests: 1, streams: 1, ..Limits::default() })
    }

    #[test]
    fn each_caller_has_a_rate_of_their_own() {
        let gate = gate();
        let [first, second] =
            ["192.0.2.1", "192.0.2.2"].map(|text| RateKey::of_address(text.parse().unwrap()));
        assert!(gate.count(&first).is_ok());
        let refused = gate.count(&first).unwrap_err();
        assert_eq!((refused.code, refused.retry_after), ("limit.rate", Some(1)));
        assert!(gate.count(&second).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_caller() {
        let key = |text: &str| RateKey::of_address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn places_are_given_back() {
        let gate = gate();
        let place = gate.enter().unwrap();
        assert_eq!(gate.enter().unwrap_err().code, "limit.concurrency");
        drop(place);
        assert!(gate.enter().is_ok());
        let _stream = gate.open_stream().unwrap();
        assert_eq!(gate.open_stream().unwrap_err().code, "limit.streams");
    }
}

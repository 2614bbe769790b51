//! What the application is supposed to do, and how much the probe may do.

use std::time::Duration;

use super::Fault;
use super::walk::{Faults, Map, parsed};
use super::yaml::Node;
use crate::ceiling;

/// What the owner says the application does. What is left out is only observed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// How many sessions a user may hold.
    pub max_sessions: Option<u32>,
    /// What happens at one more.
    pub on_exceed: Option<OnExceed>,
    /// Whether users see their sessions.
    pub listing: Option<bool>,
    /// The longest silence.
    pub idle: Option<Duration>,
    /// The longest life.
    pub absolute: Option<Duration>,
    /// Whether a session is tied to its device.
    pub bound: Option<bool>,
}

/// What happens when a user signs in once too often.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnExceed {
    /// The session that began first ends.
    EvictOldest,
    /// The session that was used least recently ends.
    EvictLeastRecentlyUsed,
    /// The new sign-in is refused.
    DenyNew,
    /// The user chooses.
    Ask,
}

/// How much the probe may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Requests outside bursts.
    pub max_requests: u32,
    /// Sign-ins outside bursts.
    pub max_logins: u32,
    /// Requests in bursts.
    pub burst_requests: u32,
    /// Sign-ins in bursts.
    pub burst_logins: u32,
    /// Requests a second, outside bursts.
    pub rate: f64,
    /// Requests at one time.
    pub concurrency: u32,
    /// How long the whole run may take.
    pub max_time: Duration,
    /// How long one answer may take.
    pub answer_within: Duration,
    /// How long an end may take to show.
    pub settle_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_requests: 300,
            max_logins: 20,
            burst_requests: 4_000,
            burst_logins: 80,
            rate: 5.0,
            concurrency: 8,
            max_time: Duration::from_mins(10),
            answer_within: Duration::from_secs(30),
            settle_within: Duration::from_secs(30),
        }
    }
}

impl Policy {
    pub(super) fn read(node: Node, faults: &mut Faults) -> Self {
        let mut map = Map::of(node, "policy", faults);
        let mut policy = Self::default();
        if let Some(node) = map.take("max_sessions") {
            policy.max_sessions = parsed(&node, "policy.max_sessions", faults, |text| {
                let number = text.parse().ok().filter(|n| (1..=1000).contains(n));
                number.ok_or_else(|| "a number from 1 to 1000; leave it out for no limit".into())
            });
        }
        if let Some(node) = map.take("on_exceed") {
            policy.on_exceed = parsed(&node, "policy.on_exceed", faults, |text| {
                Ok(match text {
                    "evict-oldest" => OnExceed::EvictOldest,
                    "evict-lru" => OnExceed::EvictLeastRecentlyUsed,
                    "deny-new" => OnExceed::DenyNew,
                    "ask" => OnExceed::Ask,
                    _ => return Err("accepted: evict-oldest, evict-lru, deny-new, ask".into()),
                })
            });
        }
        for (key, place) in [
            ("listing", &mut policy.listing),
            ("bound", &mut policy.bound),
        ] {
            if let Some(node) = map.take(key) {
                *place = parsed(&node, &map.at(key), faults, |text| match text {
                    "true" => Ok(true),
                    "false" => Ok(false),
                    _ => Err("true or false".to_owned()),
                });
            }
        }
        for (key, place) in [
            ("idle", &mut policy.idle),
            ("absolute", &mut policy.absolute),
        ] {
            if let Some(node) = map.take(key) {
                *place = parsed(&node, &map.at(key), faults, span);
            }
        }
        map.end(faults);
        policy
    }
}

impl Limits {
    pub(super) fn read(node: Node, faults: &mut Faults) -> Self {
        let mut map = Map::of(node, "limits", faults);
        let mut limits = Self::default();
        for (key, place) in [
            ("max_requests", &mut limits.max_requests),
            ("max_logins", &mut limits.max_logins),
            ("burst_requests", &mut limits.burst_requests),
            ("burst_logins", &mut limits.burst_logins),
            ("concurrency", &mut limits.concurrency),
        ] {
            if let Some(node) = map.take(key) {
                let read = parsed(&node, &map.at(key), faults, |text| {
                    let number = text.parse().ok().filter(|n| *n > 0);
                    number.ok_or_else(|| "a whole number from 1 on".to_owned())
                });
                *place = read.unwrap_or(*place);
            }
        }
        if let Some(node) = map.take("rate") {
            let read = parsed(&node, "limits.rate", faults, |text| {
                let number = text.strip_suffix("/s").and_then(|n| n.trim().parse().ok());
                let number = number.filter(|n: &f64| n.is_finite() && *n >= 0.1);
                number.ok_or_else(|| "a rate such as 5/s, from 0.1/s on".to_owned())
            });
            limits.rate = read.unwrap_or(limits.rate);
        }
        for (key, place) in [
            ("max_time", &mut limits.max_time),
            ("answer_within", &mut limits.answer_within),
            ("settle_within", &mut limits.settle_within),
        ] {
            if let Some(node) = map.take(key) {
                *place = parsed(&node, &map.at(key), faults, span).unwrap_or(*place);
            }
        }
        map.end(faults);
        limits
    }

    /// What of it goes beyond the ceilings that are compiled in, in words.
    #[must_use]
    pub fn beyond_the_ceilings(&self) -> Vec<String> {
        let mut beyond = Vec::new();
        let mut hold = |name: &str, asked: f64, most: f64| {
            if asked > most {
                beyond.push(format!("limits.{name} is {asked}, and {most} is the most"));
            }
        };
        let requests = f64::from(self.max_requests);
        let logins = f64::from(self.max_logins);
        hold("max_requests", requests, f64::from(ceiling::REQUESTS));
        hold("max_logins", logins, f64::from(ceiling::LOGINS));
        hold(
            "burst_requests",
            f64::from(self.burst_requests),
            f64::from(ceiling::REQUESTS),
        );
        hold(
            "burst_logins",
            f64::from(self.burst_logins),
            f64::from(ceiling::LOGINS),
        );
        hold("rate", self.rate, ceiling::RATE);
        hold(
            "concurrency",
            f64::from(self.concurrency),
            f64::from(ceiling::CONCURRENCY),
        );
        let seconds = |span: Duration| span.as_secs_f64();
        hold("max_time", seconds(self.max_time), seconds(ceiling::TIME));
        hold(
            "answer_within",
            seconds(self.answer_within),
            seconds(ceiling::TIME),
        );
        hold(
            "settle_within",
            seconds(self.settle_within),
            seconds(ceiling::TIME),
        );
        beyond
    }
}

/// Reads `500ms`, `30s`, `10m`, `12h` or `14d`; the error says what is accepted.
pub fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "a span such as 500ms, 30s, 10m, 12h or 14d".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..at].parse().map_err(|_| wrong())?;
    let unit = match text[at..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let milliseconds = number.checked_mul(unit).filter(|n| *n > 0);
    milliseconds.map(Duration::from_millis).ok_or_else(wrong)
}

/// A mistake of a value that nothing else would find.
pub(super) fn on_exceed_without_max(policy: &Policy, line: usize, faults: &mut Faults) {
    if policy.on_exceed.is_some() && policy.max_sessions.is_none() {
        let words = "on_exceed says what happens at a limit: say max_sessions too";
        faults.push(Fault::at(line, "policy", words));
    }
}

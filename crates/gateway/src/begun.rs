//! A sign-in that was begun at a provider, as the browser keeps it: sealed, so that nobody reads
//! or makes one, and for ten minutes.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_domain::session::Timestamp;
use innkeeper_engine::{Authority, EngineError};
use innkeeper_federation::{Flow, Freshness};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::address::SitePath;

/// For how long it may take, by the store's time.
pub(crate) const BEGUN_FOR: Duration = Duration::from_mins(10);

/// A sign-in at a provider, from the button to the answer.
#[derive(Debug)]
pub(crate) struct Begun {
    /// At which provider.
    pub(crate) provider: String,
    pub(crate) flow: Flow,
    /// Where to go then.
    pub(crate) next: SitePath,
}

#[derive(Deserialize, Serialize)]
struct Record {
    provider: String,
    seed: [u8; Flow::SEED_LEN],
    begun_at: u64,
    is_anew: bool,
    next: String,
}

impl Begun {
    /// What the browser is to keep, as the bytes of a cookie.
    pub(crate) fn seal(&self, authority: &Authority) -> Result<String, EngineError> {
        let record = Record {
            provider: self.provider.clone(),
            seed: *self.flow.reveal(),
            begun_at: self.flow.begun_at.as_millis(),
            is_anew: self.flow.freshness == Freshness::Anew,
            next: self.next.as_str().to_owned(),
        };
        let plain = serde_json::to_vec(&record).expect("a record is valid JSON");
        let sealed = authority.seal_begun(&Zeroizing::new(plain))?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What the browser kept; `None` if it was not made here, or took too long.
    pub(crate) fn open(authority: &Authority, text: &str, now: Timestamp) -> Option<Self> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = authority.open_begun(&sealed)?;
        let record: Record = serde_json::from_slice(&plain).ok()?;
        let begun_at = Timestamp::from_millis(record.begun_at);
        if now.since(begun_at) >= BEGUN_FOR {
            return None;
        }
        let freshness = if record.is_anew {
            Freshness::Anew
        } else {
            Freshness::AsSet
        };
        Some(Self {
            provider: record.provider,
            flow: Flow::new(record.seed, begun_at, freshness),
            next: SitePath::parse(&record.next)?,
        })
    }
}

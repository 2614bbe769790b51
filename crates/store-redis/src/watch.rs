//! The channel on which nodes hear of each other's commits.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::lease::Changes;
use innkeeper_store::{StoreError, notice};
use redis::aio::PubSub;
use std::sync::Arc;

use crate::ask::Ask;
use crate::error::{Trouble, unavailable};
use crate::link::Link;

/// How often we see whether the channel still carries anything.
const PULSE: Duration = Duration::from_secs(5);
/// How long a connection and an echo may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is said when every roster is other than before.
const ALL: &str = "all";

/// A connection of its own that listens.
///
/// The channel is open only once a word of ours, said on the connection that commits are made on,
/// has come back on it, and again each time it was silent for long.
pub(crate) struct Watch {
    link: Arc<Link>,
    notices: PubSub,
    word: String,
}

impl Watch {
    pub(crate) async fn begin(link: Arc<Link>) -> Result<Self, StoreError> {
        let seen = link.seen();
        let store = seen.ok_or_else(|| unavailable("no answer came yet"))?.store;
        let opening = async {
            let mut notices = link.client().get_async_pubsub().await?;
            notices.subscribe(format!("innkeeper:{store}")).await?;
            Ok::<_, redis::RedisError>(notices)
        };
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        let notices = opened.map_err(unavailable)?.map_err(unavailable)?;
        let word = format!("echo {}", link.number());
        let mut watch = Self {
            link,
            notices,
            word,
        };
        watch.hear_echo().await?;
        Ok(watch)
    }

    /// Says a word, and waits until it comes back or something else is heard.
    async fn hear_echo(&mut self) -> Result<Option<(RosterTag, RosterVersion)>, StoreError> {
        let echo = Ask::of("echo").bytes(self.word.as_str());
        self.link.ask(&echo).await.map_err(Trouble::unavailable)?;
        let heard = tokio::time::timeout(PATIENCE, self.hear()).await;
        heard.map_err(|_| unavailable("the channel carries no notices"))?
    }

    /// The roster that the next word names, if it names one.
    async fn hear(&mut self) -> Result<Option<(RosterTag, RosterVersion)>, StoreError> {
        let message = self.notices.on_message().next().await;
        let message = message.ok_or_else(|| unavailable("the channel was closed"))?;
        match message.get_payload::<String>() {
            Ok(word) if word == ALL => Err(unavailable("every roster is other than before")),
            Ok(word) => Ok(notice::read(&word)),
            Err(error) => Err(unavailable(error)),
        }
    }
}

#[async_trait]
impl Changes for Watch {
    async fn next(&mut self) -> Result<(RosterTag, RosterVersion), StoreError> {
        loop {
            let heard = match tokio::time::timeout(PULSE, self.hear()).await {
                Ok(heard) => heard?,
                Err(_) => self.hear_echo().await?,
            };
            if let Some(commit) = heard {
                return Ok(commit);
            }
        }
    }
}

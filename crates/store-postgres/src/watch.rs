//! The channel on which nodes hear of each other's commits.

use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::StoreError;
use innkeeper_store::lease::Changes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::error::unavailable;

/// How often we see whether the channel still carries anything.
const PULSE: Duration = Duration::from_secs(5);
/// How long an echo may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// A connection of its own that listens.
///
/// A pooler that hands out connections by the transaction carries no notices. So the channel is
/// open only once a word of ours has come back on it, and again each time it was silent for long.
pub(crate) struct Watch {
    client: Client,
    notices: mpsc::UnboundedReceiver<String>,
    connection: JoinHandle<()>,
    word: String,
}

impl Watch {
    pub(crate) async fn begin(url: &str) -> Result<Self, StoreError> {
        let connecting = tokio_postgres::connect(url, NoTls);
        let (client, mut connection) = tokio::time::timeout(PATIENCE, connecting)
            .await
            .map_err(unavailable)?
            .map_err(unavailable)?;
        let (told, notices) = mpsc::unbounded_channel();
        let connection = tokio::spawn(async move {
            let mut messages =
                futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
                if let AsyncMessage::Notification(notice) = message
                    && told.send(notice.payload().to_owned()).is_err()
                {
                    break;
                }
            }
        });
        let query = "LISTEN innkeeper; SELECT 'echo ' || pg_backend_pid()";
        let said = client.simple_query(query).await.map_err(unavailable)?;
        let word = said.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        let mut watch = Self {
            client,
            notices,
            connection,
            word: word.ok_or_else(|| unavailable("no row came"))?,
        };
        watch.hear_echo().await?;
        Ok(watch)
    }

    /// Says a word, and waits until it comes back. What comes before it is told of nobody: there
    /// is no lease yet.
    async fn hear_echo(&mut self) -> Result<Option<(RosterTag, RosterVersion)>, StoreError> {
        let notify = format!("NOTIFY innkeeper, '{}'", self.word);
        let said = self.client.batch_execute(&notify);
        let said = tokio::time::timeout(PATIENCE, said).await;
        said.map_err(unavailable)?.map_err(unavailable)?;
        let heard = tokio::time::timeout(PATIENCE, self.notices.recv()).await;
        let heard = heard.map_err(|_| unavailable("the channel carries no notices"))?;
        let heard = heard.ok_or_else(|| unavailable("the channel was closed"))?;
        Ok(commit(&heard))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

#[async_trait]
impl Changes for Watch {
    async fn next(&mut self) -> Result<(RosterTag, RosterVersion), StoreError> {
        loop {
            let heard = tokio::time::timeout(PULSE, self.notices.recv()).await;
            let heard = match heard {
                Ok(None) => return Err(unavailable("the channel was closed")),
                Ok(Some(word)) => commit(&word),
                Err(_) => self.hear_echo().await?,
            };
            if let Some(commit) = heard {
                return Ok(commit);
            }
        }
    }
}

/// The roster that a notice names, and its version; echoes name none.
fn commit(notice: &str) -> Option<(RosterTag, RosterVersion)> {
    let (tag, version) = notice.split_once(' ')?;
    let mut bytes = [0; 16];
    if tag.len() != 32 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(tag.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    let version = RosterVersion(version.parse().ok()?);
    Some((RosterTag::from_bytes(bytes), version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_notice_when_read_then_it_names_a_commit_or_nothing() {
        let named = commit("000102030405060708090a0b0c0d0eff 12");

        let tag = RosterTag::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(named, Some((tag, RosterVersion(12))));
        for other in [
            "echo 12",
            "",
            "000102030405060708090a0b0c0d0eff",
            "000102030405060708090a0b0c0d0exx 1",
            "000102030405060708090a0b0c0d0eff -1",
            "ä 1",
        ] {
            assert_eq!(commit(other), None, "{other}");
        }
    }
}

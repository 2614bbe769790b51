//! The channel on which nodes hear of each other's commits.

use std::time::Duration;

use async_trait::async_trait;
use innkeeper_domain::roster::RosterVersion;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::StoreError;
use innkeeper_store::lease::Changes;
use innkeeper_store::notice;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use crate::error::unavailable;

/// How often we see whether the channel still carries anything.
const PULSE: Duration = Duration::from_secs(5);
/// How long a connection and an echo may take.
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
        let said = tokio::time::timeout(PATIENCE, client.simple_query(query)).await;
        let said = said.map_err(unavailable)?.map_err(unavailable)?;
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
        Ok(notice::read(&heard))
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
                Ok(Some(word)) => notice::read(&word),
                Err(_) => self.hear_echo().await?,
            };
            if let Some(commit) = heard {
                return Ok(commit);
            }
        }
    }
}

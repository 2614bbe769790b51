//! Connections whose warnings are heard: a commit that the server ends with one may not be where it
//! has to be.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deadpool_postgres::Connect;
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls};

/// How many warnings any of our connections was given. Whose they were is not known; there are few,
/// and each makes all that was under way unknown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Arc<AtomicU64>);

impl Warnings {
    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<Opened, Error>> + Send + 'a>>;
type Opened = (Client, JoinHandle<()>);

impl Connect for Warnings {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let (config, warnings) = (config.clone(), self.clone());
        Box::pin(async move {
            let (client, mut connection) = config.connect(NoTls).await?;
            let mut messages =
                futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            let hearing = tokio::spawn(async move {
                // A warning comes before the answer that it belongs to.
                while let Some(Ok(message)) = messages.next().await {
                    if let AsyncMessage::Notice(notice) = message
                        && notice.parsed_severity() == Some(Severity::Warning)
                    {
                        warnings.0.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
            Ok((client, hearing))
        })
    }
}

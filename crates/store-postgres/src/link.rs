//! Connections, and transactions that are either over or gone.
//!
//! A connection on which anything went wrong is closed, not handed back: an answer that nobody
//! read must never be taken for the next one (rule 12 of the invariants).

use std::fmt;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use innkeeper_store::StoreError;
use std::time::Duration;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Config, Row};

use crate::error::{OpenError, Unanswered, unavailable};
use crate::heed::Warnings;

/// How long anybody waits for a connection, new or free, and for the answer to a single question.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long anybody waits for an answer within a transaction: a little longer than the server lets
/// a statement take, see [`BEGIN`].
const PATIENCE_WITHIN: Duration = Duration::from_secs(11);

/// How a transaction begins. Deaths are durable before they are told of, whatever the server's
/// default; nobody waits for ever.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
    SET LOCAL synchronous_commit = on; \
    SET LOCAL lock_timeout = '5s'; \
    SET LOCAL statement_timeout = '10s'; \
    SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// A parameter and its type: named, so that nothing has to be prepared beforehand.
pub(crate) type Argument<'a> = (&'a (dyn ToSql + Sync), Type);

/// Which database a URL means, in words: its name and its hosts, without account and password.
pub fn address(url: &str) -> Result<String, OpenError> {
    let config: Config = url.parse().map_err(OpenError::Url)?;
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate();
    let mut hosts: Vec<String> = hosts
        .map(|(place, host)| match host {
            // One port is that of all hosts.
            Host::Tcp(name) => match ports.get(place).or(ports.first()) {
                Some(port) => format!("{name}:{port}"),
                None => name.clone(),
            },
            Host::Unix(folder) => folder.display().to_string(),
        })
        .collect();
    if hosts.is_empty() {
        hosts.extend(config.get_hostaddrs().iter().map(ToString::to_string));
    }
    let name = config.get_dbname().or(config.get_user());
    Ok(format!(
        "the database {} at {}",
        name.unwrap_or_default(),
        hosts.join(", ")
    ))
}

/// Connections to the database.
pub(crate) struct Link {
    pool: Pool,
    warnings: Warnings,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL has the password in it.
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// At most so many connections to the database at `url`, each made when it is needed.
    pub(crate) fn to(url: &str, connections: usize) -> Result<Self, OpenError> {
        let mut config: Config = url.parse().map_err(OpenError::Url)?;
        config.connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE);
        // A URL may name several hosts: a standby among them shows what was true a while ago.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("innkeeper");
        }
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let warnings = Warnings::default();
        let manager = Manager::from_connect(config, warnings.clone(), recycling);
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| OpenError::Unreachable(error.to_string()))?;
        Ok(Self { pool, warnings })
    }

    async fn connection(&self) -> Result<Object, StoreError> {
        self.pool.get().await.map_err(unavailable)
    }

    /// The first connection, with what the server said if it gives none.
    pub(crate) async fn first(&self) -> Result<(), OpenError> {
        match self.pool.get().await {
            Ok(_) => Ok(()),
            // It was reached, and said no: the account, its password or the database.
            Err(PoolError::Backend(error)) if error.code().is_some() => {
                Err(OpenError::Account(told(&error)))
            }
            Err(error) => Err(OpenError::Unreachable(told(&error))),
        }
    }

    /// Asks one thing, in a transaction of its own.
    pub(crate) async fn ask(
        &self,
        query: &str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let connection = self.connection().await?;
        match in_time(PATIENCE, connection.query_typed(query, arguments)).await {
            Ok(rows) => Ok(rows),
            Err(error) => {
                discard(connection);
                Err(unavailable(error))
            }
        }
    }

    /// Makes one change, in a transaction of its own that is durable when it returns.
    pub(crate) async fn change(
        &self,
        query: &str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let (transaction, rows) = self.begin(query, arguments).await?;
        transaction.commit().await.map_err(unavailable)?;
        Ok(rows)
    }

    /// Begins a transaction and asks its first question in the same trip.
    pub(crate) async fn begin(
        &self,
        query: &str,
        arguments: &[Argument<'_>],
    ) -> Result<(Transaction, Vec<Row>), StoreError> {
        let transaction = Transaction {
            connection: Some(self.connection().await?),
            warnings: self.warnings.clone(),
        };
        let connection = transaction.connection();
        let begun = futures_util::future::try_join(
            connection.batch_execute(BEGIN),
            connection.query_typed(query, arguments),
        );
        let ((), rows) = in_time(PATIENCE_WITHIN, begun).await.map_err(unavailable)?;
        Ok((transaction, rows))
    }

    pub(crate) fn close(&self) {
        self.pool.close();
    }
}

/// An open transaction. Dropped before it is over, it takes its connection with it.
pub(crate) struct Transaction {
    connection: Option<Object>,
    warnings: Warnings,
}

impl Transaction {
    fn connection(&self) -> &Object {
        let connection = self.connection.as_ref();
        connection.expect("it is there until the end")
    }

    /// Asks one thing more.
    pub(crate) async fn ask(
        &self,
        query: &str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<Row>, Unanswered> {
        let asking = self.connection().query_typed(query, arguments);
        in_time(PATIENCE_WITHIN, asking).await
    }

    /// Does several things more that take no parameters.
    pub(crate) async fn run(&self, script: &str) -> Result<(), Unanswered> {
        in_time(PATIENCE_WITHIN, self.connection().batch_execute(script)).await
    }

    /// Ends it, with all that it did. Where the server warns, it has done it, and not all that it
    /// was to do for it.
    pub(crate) async fn commit(mut self) -> Result<(), Unanswered> {
        let before = self.warnings.count();
        self.run("COMMIT").await?;
        drop(self.connection.take());
        if self.warnings.count() == before {
            Ok(())
        } else {
            Err(Unanswered::Warned)
        }
    }

    /// Ends it, with nothing done.
    pub(crate) async fn abandon(mut self) -> Result<(), StoreError> {
        self.run("ROLLBACK").await.map_err(unavailable)?;
        drop(self.connection.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            discard(connection);
        }
    }
}

/// Waits for an answer, and not for ever: a server that stands still, or a network that swallows,
/// says nothing of itself.
async fn in_time<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Unanswered> {
    let answer = tokio::time::timeout(patience, answer).await;
    Ok(answer.map_err(|_| Unanswered::Silent)??)
}

/// Closes a connection.
fn discard(connection: Object) {
    drop(Object::take(connection));
}

/// An error with what lies behind it: the driver's own words are "db error".
pub(crate) fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        // Some say what lies behind them themselves.
        if !words.ends_with(&more) {
            words = format!("{words}: {more}");
        }
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_urls_with_passwords_when_named_then_it_is_said_where_and_not_by_what() {
        let named = |url: &str| address(url).expect("it is a URL");

        let one = named("postgres://inn:hunter2@db.internal:5433/sessions?password=hunter2");
        assert_eq!(one, "the database sessions at db.internal:5433");
        let words = named("host=/run/one,two port=5432 user=inn password=hunter2");
        assert_eq!(words, "the database inn at /run/one, two:5432");
    }
}

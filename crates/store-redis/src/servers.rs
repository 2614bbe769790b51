//! The servers that a URL names, and which of them is asked: the one that takes writes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client};

use crate::error::OpenError;
use crate::link::PATIENCE;
use crate::server::is_primary;

/// How long each of several servers may take to say what it is: one that is gone says nothing, and
/// the others are waited for meanwhile.
const EACH: Duration = Duration::from_secs(1);
/// How a URL begins.
const SCHEMES: [&str; 3] = ["redis://", "rediss://", "unix://"];

/// A server, or a primary and those that may take its place.
pub(crate) struct Servers {
    clients: Vec<Client>,
    current: AtomicUsize,
}

impl Servers {
    /// The servers of one URL, or of several with commas between.
    pub(crate) fn at(urls: &str) -> Result<Self, OpenError> {
        let mut clients = Vec::new();
        for url in split(urls) {
            // What it would say of a URL may have the password in it.
            clients.push(Client::open(url).map_err(|_| OpenError::Url)?);
        }
        Ok(Self {
            clients,
            current: AtomicUsize::new(0),
        })
    }

    /// The one that the last connection was opened to.
    pub(crate) fn current(&self) -> &Client {
        &self.clients[self.current.load(Ordering::Acquire)]
    }

    /// Opens a connection to the one that takes writes. Of two that do, one has what the other has
    /// not, and nobody here can say which: then there is none.
    pub(crate) async fn connect(&self) -> Result<MultiplexedConnection, OpenError> {
        if let [only] = &*self.clients {
            return connect(only, PATIENCE).await;
        }
        let mut primaries = Vec::new();
        let mut error = OpenError::Replica;
        let looks = self.clients.iter().map(|client| async {
            let looking = async {
                let mut connection = connect(client, EACH).await?;
                let is_primary = is_primary(&mut connection).await?;
                Ok(is_primary)
            };
            let looked = tokio::time::timeout(EACH, looking).await;
            looked.unwrap_or_else(|_| Err(crate::link::unanswered()))
        });
        for (place, looked) in join_all(looks).await.into_iter().enumerate() {
            match looked {
                Ok(true) => primaries.push(place),
                Ok(false) => {}
                Err(why) => error = why,
            }
        }
        match *primaries {
            [] => Err(error),
            [place] => {
                self.current.store(place, Ordering::Release);
                connect(&self.clients[place], PATIENCE).await
            }
            _ => Err(OpenError::Primaries(primaries.len())),
        }
    }
}

/// Which servers a URL means, in words: where they are, without account and password.
pub fn address(urls: &str) -> Result<String, OpenError> {
    let servers = Servers::at(urls)?;
    let clients = servers.clients.iter();
    let places = clients.map(|client| client.get_connection_info().addr().to_string());
    let places: Vec<String> = places.collect();
    Ok(format!("at {}", places.join(", ")))
}

/// The parts that begin as a URL does: a password may have a comma in it.
fn split(urls: &str) -> Vec<String> {
    let mut split: Vec<String> = Vec::new();
    for part in urls.split(',') {
        let begins = SCHEMES
            .iter()
            .any(|scheme| part.trim_start().starts_with(scheme));
        match split.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(part);
            }
            _ => split.push(part.trim_start().to_owned()),
        }
    }
    split
}

async fn connect(client: &Client, patience: Duration) -> Result<MultiplexedConnection, OpenError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(PATIENCE));
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    connecting.await.map_err(|error| OpenError::of(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_urls_with_commas_when_split_then_those_within_stay() {
        let one = "redis://inn:a,b@one:6379";
        assert_eq!(split(one), [one]);
        let two = split("redis://inn:a,b@one:6379, unix:///run/two,rediss://three");
        assert_eq!(two, [one, "unix:///run/two", "rediss://three"]);
    }

    #[test]
    fn given_urls_with_passwords_when_named_then_it_is_said_where_and_not_by_what() {
        let named = address("redis://inn:hunter2@one:6379,unix:///run/two?pass=hunter2");

        assert_eq!(named.expect("they are URLs"), "at one:6379, /run/two");
    }
}

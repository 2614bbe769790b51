//! What kind of server it is, and what it keeps when it crashes.

use std::collections::HashMap;
use std::fmt;

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::error::OpenError;
use crate::value::send;

/// The oldest server that has functions.
const OLDEST: u32 = 7;

/// What a server keeps of what it answered, when it or its machine goes down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Every change is on disk before it is answered (`appendfsync always`).
    Always,
    /// Ends are on disk before they are answered, by `WAITAOF`; other changes of the last second or
    /// two may be lost.
    Waited,
    /// Changes of the last second or two may be lost (`appendfsync everysec`).
    EverySecond,
    /// Nothing is kept: all sessions end with the server.
    Nothing,
    /// Minutes may be lost, and ended sessions come back.
    Snapshots,
}

impl Durability {
    /// Whether as much is promised as by `other`, or more.
    fn is_as_good_as(self, other: Self) -> bool {
        match (other, self) {
            (_, Self::Always) | (Self::Always | Self::EverySecond, Self::Waited) => true,
            (other, is) => other == is,
        }
    }

    /// As an operator sets it.
    #[must_use]
    pub const fn settings(self) -> &'static str {
        match self {
            Self::Always => "appendonly yes, appendfsync always",
            Self::Waited => "appendonly yes, and WAITAOF",
            Self::EverySecond => "appendonly yes, appendfsync everysec",
            Self::Nothing => "appendonly no, save \"\"",
            Self::Snapshots => "appendonly no, with snapshots",
        }
    }
}

/// Whether other servers copy this one, and what they have when an end is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Replicas {
    /// None does at present.
    None,
    /// Some do, and whether they have an end yet nobody asks: it may be lost when one of them
    /// takes over.
    Unasked,
    /// So many have an end before it is acknowledged, by `WAIT`; without as many the server takes
    /// no changes (`min-replicas-to-write`).
    Asked(u32),
}

/// What a server keeps, itself and on others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keeps {
    /// When it or its machine goes down.
    pub durability: Durability,
    /// When a replica takes its place.
    pub replicas: Replicas,
}

impl Keeps {
    /// Whether as much is promised as by `other`, or more. A replica that comes or goes changes
    /// nothing of what is promised while the server itself is there.
    pub(crate) fn is_as_good_as(self, other: Self) -> bool {
        let asked = |replicas| match replicas {
            Replicas::None | Replicas::Unasked => 0,
            Replicas::Asked(count) => count,
        };
        self.durability.is_as_good_as(other.durability)
            && asked(self.replicas) >= asked(other.replicas)
    }
}

impl fmt::Display for Keeps {
    /// As an operator sets it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.durability.settings())?;
        match self.replicas {
            Replicas::None => Ok(()),
            Replicas::Unasked => f.write_str(", with replicas and min-replicas-to-write 0"),
            Replicas::Asked(count) => write!(f, ", min-replicas-to-write {count}"),
        }
    }
}

/// Whether a server that keeps snapshots only will do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Snapshots {
    /// No: after a crash, sessions that had ended would be live again.
    Refused,
    /// Yes: somebody accepts that.
    Accepted,
}

/// Whether it takes writes.
pub(crate) async fn is_primary(connection: &mut MultiplexedConnection) -> Result<bool, OpenError> {
    let mut ask = redis::cmd("INFO");
    ask.arg("replication");
    let info = send(connection, &ask).await;
    let info = words(info.map_err(|error| OpenError::of(&error))?);
    Ok(info.lines().any(|line| line == "role:master"))
}

/// Looks at the server, and says what it keeps if it will do.
pub(crate) async fn look(
    connection: &mut MultiplexedConnection,
    snapshots: Snapshots,
) -> Result<Keeps, OpenError> {
    let info = send(connection, &redis::cmd("INFO")).await;
    let info = words(info.map_err(|error| OpenError::of(&error))?);
    let info: HashMap<&str, &str> = info.lines().filter_map(|l| l.split_once(':')).collect();
    let says = |name: &str| info.get(name).copied().unwrap_or_default();
    let version = says("redis_version");
    let major = version.split('.').next().and_then(|v| v.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST) {
        return Err(OpenError::TooOld(version.to_owned()));
    }
    if says("cluster_enabled") == "1" {
        return Err(OpenError::Cluster);
    }
    if says("role") != "master" {
        return Err(OpenError::Replica);
    }
    match says("maxmemory_policy") {
        "noeviction" => {}
        policy => return Err(OpenError::Evicts(policy.to_owned())),
    }
    let settings = settings(connection).await?;
    let to_write = settings.as_ref().map_or(0, |set| set.replicas_to_write);
    // Who does not tell us how many it asks for says at least that it does.
    let is_asking = info.contains_key("min_slaves_good_slaves");
    let replicas = if is_asking && knows(connection, "WAIT", 2).await? {
        Replicas::Asked(to_write.max(1))
    } else if says("connected_slaves") == "0" {
        Replicas::None
    } else {
        Replicas::Unasked
    };
    let durability = durability(connection, says("aof_enabled"), settings, snapshots).await?;
    Ok(Keeps {
        durability,
        replicas,
    })
}

async fn durability(
    connection: &mut MultiplexedConnection,
    aof_enabled: &str,
    settings: Option<Settings>,
    snapshots: Snapshots,
) -> Result<Durability, OpenError> {
    match (aof_enabled, settings) {
        ("1", Some(set)) if set.fsync == "always" => Ok(Durability::Always),
        ("1", Some(set)) if set.fsync != "everysec" => Err(OpenError::Unsynced(set.fsync)),
        // Who does not tell us what it does is taken for the weaker.
        ("1", _) if knows(connection, "WAITAOF", 3).await? => Ok(Durability::Waited),
        ("1", _) => Ok(Durability::EverySecond),
        (_, Some(set)) if set.save.is_empty() => Ok(Durability::Nothing),
        _ if snapshots == Snapshots::Accepted => Ok(Durability::Snapshots),
        _ => Err(OpenError::SnapshotsOnly),
    }
}

/// Whether the server can be waited on so (`WAITAOF` came with 7.2), by this account: it is asked
/// for nobody, which it says at once.
async fn knows(
    connection: &mut MultiplexedConnection,
    wait: &str,
    numbers: usize,
) -> Result<bool, OpenError> {
    let mut ask = redis::cmd(wait);
    for _ in 0..numbers {
        ask.arg(0);
    }
    match send(connection, &ask).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_io_error() || error.is_connection_dropped() => {
            Err(OpenError::of(&error))
        }
        Err(_) => Ok(false),
    }
}

/// What `INFO` does not say.
struct Settings {
    fsync: String,
    save: String,
    replicas_to_write: u32,
}

/// The settings, if the account may ask for them.
async fn settings(connection: &mut MultiplexedConnection) -> Result<Option<Settings>, OpenError> {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("appendfsync").arg("save");
    ask.arg("min-replicas-to-write");
    let said = match send(connection, &ask).await {
        Ok(said) => said,
        Err(error) if error.code() == Some("NOPERM") => return Ok(None),
        // Servers that others run may not know the command at all.
        Err(error) if error.to_string().contains("unknown command") => return Ok(None),
        Err(error) => return Err(OpenError::of(&error)),
    };
    let said: Vec<String> = match said {
        Value::Array(values) => values.into_iter().map(words).collect(),
        Value::Map(pairs) => pairs
            .into_iter()
            .flat_map(|(name, value)| [words(name), words(value)])
            .collect(),
        _ => Vec::new(),
    };
    let value = |name: &str| {
        let pair = said.chunks_exact(2).find(|pair| pair[0] == name);
        pair.map(|pair| pair[1].clone())
    };
    let (Some(fsync), Some(save)) = (value("appendfsync"), value("save")) else {
        return Ok(None);
    };
    let replicas_to_write = value("min-replicas-to-write");
    let replicas_to_write = replicas_to_write.and_then(|count| count.parse().ok());
    Ok(Some(Settings {
        fsync,
        save,
        replicas_to_write: replicas_to_write.unwrap_or(0),
    }))
}

fn words(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
        _ => String::new(),
    }
}

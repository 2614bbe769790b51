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
    pub(crate) fn is_as_good_as(self, other: Self) -> bool {
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

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.settings())
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

/// Looks at the server, and says what it keeps if it will do.
pub(crate) async fn look(
    connection: &mut MultiplexedConnection,
    snapshots: Snapshots,
) -> Result<Durability, OpenError> {
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
    match (says("aof_enabled"), settings) {
        ("1", Some(set)) if set.fsync == "always" => Ok(Durability::Always),
        ("1", Some(set)) if set.fsync != "everysec" => Err(OpenError::Unsynced(set.fsync)),
        // Who does not tell us what it does is taken for the weaker.
        ("1", _) if has_waitaof(connection).await? => Ok(Durability::Waited),
        ("1", _) => Ok(Durability::EverySecond),
        (_, Some(set)) if set.save.is_empty() => Ok(Durability::Nothing),
        _ if snapshots == Snapshots::Accepted => Ok(Durability::Snapshots),
        _ => Err(OpenError::SnapshotsOnly),
    }
}

/// Whether the server can say what is on disk (7.2 and later), and may be asked by this account.
async fn has_waitaof(connection: &mut MultiplexedConnection) -> Result<bool, OpenError> {
    let mut ask = redis::cmd("WAITAOF");
    ask.arg(0).arg(0).arg(0);
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
}

/// The settings, if the account may ask for them.
async fn settings(connection: &mut MultiplexedConnection) -> Result<Option<Settings>, OpenError> {
    let mut ask = redis::cmd("CONFIG");
    ask.arg("GET").arg("appendfsync").arg("save");
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
    Ok(Some(Settings { fsync, save }))
}

fn words(value: Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text,
        _ => String::new(),
    }
}

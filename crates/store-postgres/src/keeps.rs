//! What a database keeps when it crashes, or a standby takes its place.

use std::fmt;

use crate::error::OpenError;
use crate::link::{Link, told};
use crate::rows::get;

/// What a database keeps of what it answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Keeps {
    /// Whether it waits for the disk (`fsync`), and can mend a page that was torn in a power loss
    /// (`full_page_writes`).
    pub disk: bool,
    /// Who has it besides.
    pub standbys: Standbys,
}

/// Whether other servers have what was committed, when a standby takes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standbys {
    /// None is connected, and none is waited for.
    None,
    /// Some are connected, and nobody waits for them.
    Asynchronous,
    /// A commit waits for those that `synchronous_standby_names` asks for.
    Synchronous,
}

impl Keeps {
    /// Asks the database.
    pub(crate) async fn of(link: &Link) -> Result<Self, OpenError> {
        let refused = |error| OpenError::Refused(told(&error));
        let query = "SELECT current_setting('fsync')::bool \
                AND current_setting('full_page_writes')::bool AS disk, \
            current_setting('synchronous_standby_names') <> '' AS waits, \
            EXISTS (SELECT FROM pg_stat_replication) AS copied";
        let rows = link.ask(query, &[]).await.map_err(refused)?;
        let row = rows.first();
        let row = row.ok_or_else(|| OpenError::Refused("no row came".into()))?;
        let is = |name| get::<bool>(row, name).map_err(refused);
        Ok(Self {
            disk: is("disk")?,
            standbys: match (is("waits")?, is("copied")?) {
                (true, _) => Standbys::Synchronous,
                (false, true) => Standbys::Asynchronous,
                (false, false) => Standbys::None,
            },
        })
    }
}

impl fmt::Display for Keeps {
    /// As an operator sets it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.disk {
            "fsync on, full_page_writes on"
        } else {
            "fsync or full_page_writes off"
        })?;
        f.write_str(match self.standbys {
            Standbys::None => ", no standby",
            Standbys::Asynchronous => ", standbys that are not waited for",
            Standbys::Synchronous => ", synchronous_standby_names set",
        })
    }
}

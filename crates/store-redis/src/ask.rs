//! A call of one of our functions on the server, and what it answers.

use innkeeper_domain::roster::{Floor, Generation, RosterVersion, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Ground, StoreError, notice};
use redis::{Cmd, Value};

use crate::error::malformed;
use crate::journal::Place;
use crate::time::Time;
use crate::value::{bytes, just, list, number, text};

/// A call, not yet sent.
#[derive(Debug)]
pub(crate) struct Ask {
    function: &'static str,
    tag: Option<RosterTag>,
    arguments: Vec<Vec<u8>>,
}

impl Ask {
    /// A call about the whole store.
    pub(crate) const fn of(function: &'static str) -> Self {
        Self {
            function,
            tag: None,
            arguments: Vec::new(),
        }
    }

    /// A call about one roster.
    pub(crate) const fn about(function: &'static str, tag: RosterTag) -> Self {
        Self {
            function,
            tag: Some(tag),
            arguments: Vec::new(),
        }
    }

    pub(crate) fn bytes(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.push(argument);
        self
    }

    pub(crate) fn number(self, argument: u64) -> Self {
        self.bytes(argument.to_string())
    }

    pub(crate) fn push(&mut self, argument: impl Into<Vec<u8>>) {
        self.arguments.push(argument.into());
    }

    pub(crate) fn push_number(&mut self, argument: u64) {
        self.push(argument.to_string());
    }

    /// How many follow, as far as a function is told.
    pub(crate) fn push_count(&mut self, count: usize) {
        self.push(count.to_string());
    }

    /// The command, as the call of this number.
    pub(crate) fn command(&self, call: u64, time: &Time) -> Cmd {
        let mut command = redis::cmd("FCALL");
        command.arg(format!("innkeeper_{}", self.function));
        match self.tag {
            Some(tag) => command.arg(1).arg(key(tag)),
            None => command.arg(0),
        };
        let wall = time.wall().map(|wall| wall.as_millis().to_string());
        command
            .arg(call)
            .arg(self.tag.map(notice::hex).unwrap_or_default())
            .arg(time.floor().as_millis())
            .arg(wall.unwrap_or_default());
        for argument in &self.arguments {
            command.arg(argument.as_slice());
        }
        command
    }

    /// Reads the answer to the call of this number.
    ///
    /// One that carries another number or roster is the answer to another call: `None`.
    pub(crate) fn answer(&self, call: u64, value: Value) -> Result<Option<Answer>, StoreError> {
        let mut parts = list(value)?.into_iter();
        let mut next = || parts.next().ok_or_else(malformed);
        let is_ours = number(next()?)? == call
            && text(next()?)? == self.tag.map(notice::hex).unwrap_or_default();
        if !is_ours {
            return Ok(None);
        }
        let status = match &*text(next()?)? {
            "done" => Status::Done,
            "more" => Status::More,
            "moved" => Status::Moved,
            "stale" => Status::Stale,
            "full" => Status::Full,
            "dead" => Status::Dead,
            "gone" => Status::Gone,
            "absent" => return Ok(Some(Answer::Absent)),
            _ => return Err(malformed()),
        };
        let now = Timestamp::from_millis(number(next()?)?);
        let store_generation = StoreGeneration(number(next()?)?);
        let floor = Floor {
            epoch: number(next()?)?,
            generation: Generation(number(next()?)?),
            generation_before: Generation(number(next()?)?),
            version: RosterVersion(number(next()?)?),
        };
        let ground = Ground {
            floor,
            store_generation,
        };
        let newest = Place::parse(&bytes(next()?)?).ok_or_else(malformed)?;
        let mark = bytes(next()?)?;
        let death = Place::parse(&bytes(next()?)?).ok_or_else(malformed)?;
        let death_mark = bytes(next()?)?;
        let store = text(next()?)?;
        Ok(Some(Answer::Given(Box::new(Reply {
            status,
            now,
            seen: Seen {
                store,
                ground,
                newest: Marked {
                    place: newest,
                    hash: mark,
                },
                death: Marked {
                    place: death,
                    hash: death_mark,
                },
            },
            value: next()?,
        }))))
    }
}

/// The key of a roster.
fn key(tag: RosterTag) -> String {
    format!(
        "innkeeper:{{{:02}}}:roster:{}",
        tag.shard(),
        notice::hex(tag)
    )
}

/// What a function answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It did or refused something.
    Given(Box<Reply>),
    /// There is no store on the server.
    Absent,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// It is done.
    Done,
    /// A part is done: ask again for the rest.
    More,
    /// What it was made from is no longer so: look again.
    Moved,
    /// It came too late.
    Stale,
    /// There is no seat left.
    Full,
    /// There is no such live session.
    Dead,
    /// What comes after the cursor was let go of.
    Gone,
}

/// An answer of a store that is there.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: Status,
    /// The store's time.
    pub(crate) now: Timestamp,
    /// How far the store is.
    pub(crate) seen: Seen,
    value: Value,
}

impl Reply {
    /// What it says besides: just so many values.
    pub(crate) fn just<const N: usize>(self) -> Result<[Value; N], StoreError> {
        just(self.value)
    }

    /// What it says besides: any number of values.
    pub(crate) fn list(self) -> Result<Vec<Value>, StoreError> {
        list(self.value)
    }
}

/// How far a store is: the high-water mark that a node compares with the one before.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its name, which was given to it when it was made.
    pub(crate) store: String,
    /// Where absent rosters begin.
    pub(crate) ground: Ground,
    /// The last journal entry.
    pub(crate) newest: Marked,
    /// The last one of a commit that ended something.
    pub(crate) death: Marked,
}

/// A journal entry that can be told from another in the same place.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    /// Where it lies, or lay.
    pub(crate) place: Place,
    /// Its hash; empty if there never was one.
    pub(crate) hash: Vec<u8>,
}

impl Seen {
    /// What only grows.
    pub(crate) fn order(&self) -> (StoreGeneration, u64) {
        (self.ground.store_generation, self.newest.place.place)
    }
}

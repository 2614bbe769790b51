//! Stored form of what changed in a roster, so that a commit need not write down every session.
//!
//! It holds the roster's own numbers and names anew, and of sessions only those that are new or
//! have changed. The others are named by where they lay in the roster before.

use std::sync::Arc;

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndedSession, Session};
use serde::{Deserialize, Serialize};

use super::roster::RosterRecord;
use super::{EndingRecord, RecordError, decode, encode};

#[derive(Deserialize, Serialize)]
struct AfterRecord {
    /// The version of the roster before.
    before: u64,
    /// The roster now, with the devices and sessions that were not in it before.
    roster: RosterRecord,
    devices: Vec<Run>,
    sessions: Vec<Run>,
    ended: Vec<EndedRun>,
}

/// Some of the devices or live sessions, in order.
#[derive(Deserialize, Serialize)]
enum Run {
    /// So many of those that were there before, from this place on.
    Same { from: u16, count: u16 },
    /// The next one that was not there before.
    New,
}

/// Some of the ended sessions, in order.
#[derive(Deserialize, Serialize)]
enum EndedRun {
    /// So many of those that had ended before, from this place on.
    Same { from: u16, count: u16 },
    /// The one that was live before at this place.
    Ended(u16, EndingRecord),
    /// The next one that was not there before.
    New,
}

/// Writes down what is in `after` beyond `before`.
#[must_use]
pub fn encode_roster_after(before: &Roster, after: &Roster) -> Vec<u8> {
    let (devices, fresh_devices) = runs_of(&before.devices, &after.devices);
    let (sessions, fresh) = runs_of(&before.sessions, &after.sessions);
    let (mut ended_runs, mut ended_fresh) = (Vec::new(), Vec::new());
    let mut next = 0;
    for ended in &after.ended {
        let is_it =
            |e: &EndedSession| Arc::ptr_eq(&e.session, &ended.session) && e.ending == ended.ending;
        if let Some(place) = find_from(&before.ended, next, is_it) {
            next = place + 1;
            match ended_runs.last_mut() {
                Some(EndedRun::Same { from, count }) if usize::from(*from + *count) == place => {
                    *count += 1;
                }
                _ => ended_runs.push(EndedRun::Same {
                    from: short(place),
                    count: 1,
                }),
            }
            continue;
        }
        let was_live = |s: &Arc<Session>| Arc::ptr_eq(s, &ended.session);
        if let Some(place) = before.sessions.iter().position(was_live) {
            ended_runs.push(EndedRun::Ended(short(place), ended.ending.into()));
        } else {
            ended_runs.push(EndedRun::New);
            ended_fresh.push(ended);
        }
    }
    encode(&AfterRecord {
        before: before.version.0,
        roster: RosterRecord::with(
            after,
            fresh_devices.into_iter(),
            fresh.into_iter(),
            ended_fresh.into_iter(),
        ),
        devices,
        sessions,
        ended: ended_runs,
    })
}

/// Reads a roster back that was `before`.
pub fn decode_roster_after(before: &Roster, bytes: &[u8]) -> Result<Roster, RecordError> {
    let record: AfterRecord = decode(bytes)?;
    if record.before != before.version.0 {
        return Err(RecordError::Value("version before the change"));
    }
    let mut roster = Roster::try_from(record.roster)?;
    let (fresh, fresh_devices) = (
        std::mem::take(&mut roster.sessions),
        std::mem::take(&mut roster.devices),
    );
    roster.devices = follow(&before.devices, record.devices, fresh_devices)?;
    roster.sessions = follow(&before.sessions, record.sessions, fresh)?;
    let mut ended_fresh = std::mem::take(&mut roster.ended).into_iter();
    for run in record.ended {
        match run {
            EndedRun::Same { from, count } => {
                let same = before.ended.get(range(from, count));
                let same = same.ok_or(RecordError::Value("place of an ended session"))?;
                roster.ended.extend_from_slice(same);
            }
            EndedRun::Ended(place, ending) => {
                let session = before.sessions.get(usize::from(place));
                let session = session.ok_or(RecordError::Value("place of a session"))?;
                roster.ended.push(EndedSession {
                    session: Arc::clone(session),
                    ending: ending.try_into()?,
                });
            }
            EndedRun::New => {
                let new = ended_fresh.next();
                roster
                    .ended
                    .push(new.ok_or(RecordError::Value("number of ended sessions"))?);
            }
        }
    }
    if ended_fresh.len() > 0 {
        return Err(RecordError::Value("number of ended sessions"));
    }
    Ok(roster)
}

/// Where what is in `after` lay in `before`, and what is new in it.
fn runs_of<'a, T>(before: &[Arc<T>], after: &'a [Arc<T>]) -> (Vec<Run>, Vec<&'a Arc<T>>) {
    let (mut runs, mut fresh) = (Vec::new(), Vec::new());
    let mut next = 0;
    for item in after {
        let Some(place) = find_from(before, next, |b| Arc::ptr_eq(b, item)) else {
            runs.push(Run::New);
            fresh.push(item);
            continue;
        };
        next = place + 1;
        match runs.last_mut() {
            Some(Run::Same { from, count }) if usize::from(*from + *count) == place => *count += 1,
            _ => runs.push(Run::Same {
                from: short(place),
                count: 1,
            }),
        }
    }
    (runs, fresh)
}

/// Puts together again what was written as runs.
fn follow<T>(
    before: &[Arc<T>],
    runs: Vec<Run>,
    fresh: Vec<Arc<T>>,
) -> Result<Vec<Arc<T>>, RecordError> {
    let mut fresh = fresh.into_iter();
    let mut after = Vec::with_capacity(runs.len());
    for run in runs {
        match run {
            Run::Same { from, count } => {
                let same = before.get(range(from, count));
                after.extend_from_slice(same.ok_or(RecordError::Value("place in a list"))?);
            }
            Run::New => after.push(fresh.next().ok_or(RecordError::Value("length of a list"))?),
        }
    }
    if fresh.len() > 0 {
        return Err(RecordError::Value("length of a list"));
    }
    Ok(after)
}

/// Where the first of `list` from `from` on is that is meant. Lists keep their order, so looking
/// at all of them again is needed only where one has gone.
fn find_from<T>(list: &[T], from: usize, is_it: impl Fn(&T) -> bool) -> Option<usize> {
    let rest = list.get(from..)?;
    rest.iter().position(is_it).map(|place| from + place)
}

fn short(place: usize) -> u16 {
    u16::try_from(place).expect("a roster has at most 1,000 sessions")
}

fn range(from: u16, count: u16) -> std::ops::Range<usize> {
    let from = usize::from(from);
    from..from + usize::from(count)
}

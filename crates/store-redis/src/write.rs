//! What a commit leaves, as a call of `innkeeper_commit`.

use std::sync::Arc;

use innkeeper_domain::change::Change;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_store::record::{encode_head, encode_remembered, encode_session};
use innkeeper_store::{Commit, notice};

use crate::ask::Ask;
use crate::rows::Looked;

/// The call that makes `after` of what was looked at, if that is still there.
///
/// `room` bounds the live sessions in the other rosters of the tenant.
pub(crate) fn write(commit: &Commit, looked: &Looked, after: &Roster, room: Option<i64>) -> Ask {
    let function = if commit.changes.iter().all(takes_nothing) {
        "end"
    } else {
        "commit"
    };
    let before = looked.roster.as_deref();
    let ground = looked.ground;
    let entry = commit.entry.written();
    let version = before.map_or_else(String::new, |r| r.version.0.to_string());
    let journal = before.map_or_else(Vec::new, |r| r.journal_head.0.to_vec());
    let steady = before.map_or(Timestamp::MAX, |r| r.stands_until(looked.now));
    let mut ask = Ask::about(function, commit.tag)
        .bytes(version)
        .bytes(journal)
        .number(ground.store_generation.0)
        .number(ground.floor.epoch)
        .bytes(flag(commit.changes.iter().any(is_death)))
        .number(commit.stands_until.as_millis())
        .number(steady.as_millis());
    ask.push_count(commit.remember.len());
    for answer in &commit.remember {
        ask.push(notice::bytes(&answer.key.0));
        ask.push_number(answer.until.as_millis());
        ask.push(encode_remembered(answer));
    }
    ask.push(after.tenant.as_str());
    ask.push(room.map_or_else(String::new, |room| room.to_string()));
    ask.push(entry.public);
    ask.push(entry.personal.unwrap_or_default());
    ask.push_number(after.version.0);
    ask.push(after.journal_head.0);
    ask.push(encode_head(after));
    ask.push_number(after.generation.0);
    push_sessions(&mut ask, looked, after);
    let over: Vec<_> = looked
        .keys
        .iter()
        .filter(|(_, until)| *until <= looked.now)
        .collect();
    ask.push_count(over.len());
    for (digest, _) in over {
        ask.push(digest.as_slice());
    }
    ask
}

const fn flag(is: bool) -> &'static str {
    if is { "1" } else { "0" }
}

/// Whether a change adds nobody, so that it is allowed when memory is full.
fn takes_nothing(change: &Change) -> bool {
    match change {
        Change::End { .. }
        | Change::Shortening { .. }
        | Change::Mismatch { .. }
        | Change::Generation { .. }
        | Change::Disabled(_)
        | Change::Policy(_)
        | Change::DeviceEnd { .. }
        | Change::DeviceTrust { trust: None, .. }
        | Change::Erasure
        | Change::ActorErasure(_) => true,
        Change::Birth(_)
        | Change::Rotation { .. }
        | Change::Reauthentication { .. }
        | Change::DeviceBirth(_)
        | Change::DeviceVisit { .. }
        | Change::DeviceName { .. }
        | Change::DeviceTrust { .. }
        | Change::Groups(_)
        | Change::OwnLimit(_)
        | Change::Contact(_)
        | Change::SignIn(_) => false,
    }
}

/// Whether a change ends something that must not come back.
pub(crate) fn is_death(change: &Change) -> bool {
    match change {
        Change::End { .. }
        | Change::Shortening { .. }
        | Change::Generation { .. }
        | Change::Disabled(true)
        | Change::Policy(_)
        | Change::DeviceEnd { .. }
        | Change::DeviceTrust { trust: None, .. }
        | Change::ActorErasure(_)
        | Change::Erasure => true,
        Change::Birth(_)
        | Change::Rotation { .. }
        | Change::Reauthentication { .. }
        | Change::Mismatch { .. }
        | Change::Disabled(false)
        | Change::DeviceBirth(_)
        | Change::DeviceVisit { .. }
        | Change::DeviceName { .. }
        | Change::DeviceTrust { .. }
        | Change::Groups(_)
        | Change::OwnLimit(_)
        | Change::Contact(_)
        | Change::SignIn(_) => false,
    }
}

/// Which sessions went, which are new or other than before, and which are as before in a roster
/// that now lets others live.
fn push_sessions(ask: &mut Ask, looked: &Looked, after: &Roster) {
    let before = looked.roster.as_deref();
    let was = before.map_or(&[][..], |roster| &roster.sessions);
    // Time is compared when somebody asks: this is only of the roster's own word.
    let lets_live = |roster: &Roster, session: &Session| {
        !roster.disabled && session.generation == roster.generation
    };
    let gone: Vec<_> = was.iter().filter(|s| after.find(s.id).is_none()).collect();
    ask.push_count(gone.len());
    for session in gone {
        ask.push(*session.id.serial());
    }
    let mut changed = Vec::new();
    let mut fenced = Vec::new();
    for session in &after.sessions {
        let before_it = was.iter().find(|s| s.id == session.id);
        match before_it {
            Some(same) if Arc::ptr_eq(same, session) => {
                let lived = before.is_some_and(|roster| lets_live(roster, session));
                if looked.is_raised || lived != lets_live(after, session) {
                    fenced.push(session);
                }
            }
            before_it => changed.push((before_it, session)),
        }
    }
    ask.push_count(changed.len());
    for (before_it, session) in changed {
        let digest = |s: &Session| s.previous.as_ref().map(|p| p.digest);
        let is_same_grace = before_it.is_some_and(|was| digest(was) == digest(session));
        let grace = session.previous.as_ref();
        ask.push(*session.id.serial());
        ask.push(encode_session(session));
        ask.push_number(session.last_seen.get().as_millis());
        ask.push(session.idle.as_millis().to_string());
        ask.push_number(session.absolute_deadline.as_millis());
        ask.push(flag(lets_live(after, session)));
        ask.push(grace.map_or_else(
            || "-".to_owned(),
            |p| p.accepted_until.get().as_millis().to_string(),
        ));
        ask.push(flag(is_same_grace));
    }
    ask.push_count(fenced.len());
    for session in fenced {
        ask.push(*session.id.serial());
        ask.push(flag(lets_live(after, session)));
    }
}

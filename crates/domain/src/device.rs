//! A device: what a subject signs in from, as its roster recognises it later.
//!
//! A device is known by the token it holds and by nothing else: neither an address nor what a
//! browser says of itself makes one out (D9). Its name is decoration, and hostile text.

use std::fmt;
use std::sync::Arc;

use crate::change::Change;
pub use crate::device_token::{DeviceDigest, DeviceId, DeviceSerial, DeviceToken};
use crate::roster::Roster;
use crate::session::{EndReason, Initiator, Timestamp};

/// A signed-in browser or app, as the roster of its subject holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    /// Its public name.
    pub id: DeviceId,
    /// The digest of the token by which it is recognised.
    pub token: DeviceDigest,
    /// What it is called: by what its browser said at first, or by its owner.
    pub label: Option<DeviceLabel>,
    /// What kind of thing it is.
    pub class: DeviceClass,
    /// Whether the subject relies on it, and since when. It never replaces authentication
    /// (SP 800-63B, 5.1).
    pub trust: Option<DeviceTrust>,
    /// When it was first signed in from.
    pub first_seen: Timestamp,
    /// When it was last heard from, but for what its live sessions say: see
    /// [`Roster::device_seen`].
    pub last_seen: Timestamp,
}

impl Device {
    /// The most devices that a roster holds.
    pub const MAX: usize = 50;
    /// After how many hours of silence a device is missed by nobody: browsers let go of any
    /// cookie after 400 days.
    pub const KEPT_FOR_HOURS: u64 = 9_600;

    /// Whether the subject chose to rely on it.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        self.trust.is_some()
    }
}

/// That a device is relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeviceTrust {
    /// Since when.
    pub since: Timestamp,
    /// Who said so.
    pub by: Initiator,
}

/// What kind of thing a device is, as far as its browser says. Limits count by it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DeviceClass {
    /// A computer with a browser.
    Desktop,
    /// A phone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television or a console.
    Tv,
    /// A program on a command line.
    Cli,
    /// Nothing that we know.
    #[default]
    Other,
}

/// Why a text cannot be the name of a device.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "must have 1 to {} characters that can be seen",
    DeviceLabel::CHARS_MAX
)]
pub struct BadLabel;

/// What a device is called, like `Firefox on Linux`. Hostile text that stays short, on one line
/// and in its place; who shows it escapes it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct DeviceLabel(Arc<str>);

impl DeviceLabel {
    /// As [`Session::share_texts`](crate::session::Session::share_texts).
    pub fn share_text(&mut self, share: &mut dyn FnMut(&mut Arc<str>)) {
        share(&mut self.0);
    }

    /// The most characters of a name.
    pub const CHARS_MAX: usize = 64;

    /// Takes what a browser said: cut to its length, and what would move, hide or break the text
    /// around it replaced. `None` if nothing is left to see.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let shown: String = text
            .trim()
            .chars()
            .take(Self::CHARS_MAX)
            .map(|c| {
                if is_harmful(c) {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect();
        let shown = shown.trim_end();
        (!shown.is_empty()).then(|| Self(shown.into()))
    }

    /// Takes the name that an owner gives: all of it, or it is refused.
    pub fn parse(text: &str) -> Result<Self, BadLabel> {
        let text = text.trim();
        // Bounded before it is counted: no character has more than four bytes.
        let fits = !text.is_empty()
            && text.len() <= Self::CHARS_MAX * 4
            && text.chars().count() <= Self::CHARS_MAX
            && !text.chars().any(is_harmful);
        fits.then(|| Self(text.into())).ok_or(BadLabel)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a character would move, hide or break the text around it (UAX #9, and what has no
/// width).
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        )
}

/// The answer to an order about one device.
#[derive(Clone, Debug)]
#[must_use]
pub enum DeviceOrder {
    /// Commit these changes.
    Do(Vec<Change>),
    /// It is so already.
    Done,
    /// No such device is known here. Foreign and absent look the same (S7).
    Absent,
}

/// Decides the end of a device: its sessions end with it.
///
/// A sign-in under way on it is decided again, since the roster moved, and finds it unknown.
pub fn remove(roster: &Roster, id: DeviceId, initiator: Initiator, now: Timestamp) -> DeviceOrder {
    let now = now.max(roster.time_high);
    if roster.find_device(id).is_none() {
        return DeviceOrder::Absent;
    }
    let reason = match initiator {
        Initiator::Admin => EndReason::RevokedByAdmin,
        Initiator::User => EndReason::RevokedByUser,
        Initiator::Policy => EndReason::PolicyChange,
        Initiator::System => EndReason::Risk,
    };
    let mut changes = roster.expiries(now);
    changes.extend(
        roster
            .live(now)
            .filter(|s| s.device_id() == Some(id))
            .map(|s| Change::end(s.id, now, reason, initiator)),
    );
    changes.push(Change::DeviceEnd { id });
    DeviceOrder::Do(changes)
}

/// Decides that a device is relied on from now on, or no longer.
pub fn trust(
    roster: &Roster,
    id: DeviceId,
    trust: Option<DeviceTrust>,
    now: Timestamp,
) -> DeviceOrder {
    let Some(device) = roster.find_device(id) else {
        return DeviceOrder::Absent;
    };
    // Trust that an administrator gives counts at once, so it replaces what the subject gave.
    let is_so = match (device.trust, trust) {
        (Some(known), Some(asked)) => known.by == Initiator::Admin || known.by == asked.by,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if is_so {
        return DeviceOrder::Done;
    }
    let mut changes = roster.expiries(now.max(roster.time_high));
    changes.push(Change::DeviceTrust { id, trust });
    DeviceOrder::Do(changes)
}

/// Decides what a device is called.
pub fn rename(roster: &Roster, id: DeviceId, label: &DeviceLabel, now: Timestamp) -> DeviceOrder {
    let Some(device) = roster.find_device(id) else {
        return DeviceOrder::Absent;
    };
    if device.label.as_ref() == Some(label) {
        return DeviceOrder::Done;
    }
    let mut changes = roster.expiries(now.max(roster.time_high));
    changes.push(Change::DeviceName {
        id,
        label: label.clone(),
    });
    DeviceOrder::Do(changes)
}

/// The device that makes room for one more, if one must: of those that nobody relies on the one
/// seen longest ago (D9). Its sessions live on: room for a newcomer is no reason to sign anybody
/// out, and a session that is bound keeps what it is bound to.
///
/// Where all are trusted, the one that the subject trusted last goes: else whoever holds a stolen
/// password could sign in and trust fifty times, and push out the device that the owner relies on.
pub(crate) fn find_forgettable(roster: &Roster) -> Option<DeviceId> {
    let is_full = roster.devices.len() >= Device::MAX;
    let order = |device: &&Arc<Device>| {
        let (rank, place) = match device.trust {
            None => (0, roster.device_seen(device).as_millis()),
            Some(trust) => {
                let rank = if trust.by == Initiator::User { 1 } else { 2 };
                (rank, u64::MAX - trust.since.as_millis())
            }
        };
        (rank, place, device.id)
    };
    let first = roster.devices.iter().min_by_key(order);
    first.filter(|_| is_full).map(|device| device.id)
}

#[cfg(test)]
mod tests;

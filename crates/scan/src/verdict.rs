//! From the facts of a unit to the state of each control.

use std::collections::BTreeMap;

use innkeeper_report::Confidence;
use serde::Serialize;

use crate::fact::{Fact, Kind, Subject, Via};
use crate::flow::Path;
use crate::syntax::words::{any, words};

/// How far a unit has a control, best first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It holds.
    Enforced,
    /// It holds, and what holds it is not in this code.
    EnforcedElsewhere,
    /// It is an option, and on where it ships.
    OptInOn,
    /// It is written, and somebody has to switch it on.
    OptInOff,
    /// It holds for one device as the client names it.
    PerDevice,
    /// It holds for refresh tokens and leaves access tokens alone.
    ImplicitSingleRefresh,
    /// Users have it.
    User,
    /// Administrators have it.
    Admin,
    /// It is there.
    Yes,
    /// It is there if asked for.
    OptIn,
    /// It is there on some ways and not on others.
    SomePaths,
    /// The framework does it.
    FrameworkDefault,
    /// There is nothing of the kind.
    None,
    /// It is not there.
    No,
    /// The question does not arise.
    #[serde(rename = "n/a")]
    NotApplicable,
    /// The code does not say.
    Unknown,
}

impl State {
    /// Is the control there for those who need it?
    #[must_use]
    pub const fn is_present(self) -> bool {
        matches!(
            self,
            Self::Enforced
                | Self::EnforcedElsewhere
                | Self::OptInOn
                | Self::User
                | Self::Yes
                | Self::FrameworkDefault
        )
    }

    /// The word used in every format.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// The state of each control, by name.
pub type Controls = BTreeMap<&'static str, State>;

/// Decides every control from the facts.
pub(crate) fn controls(facts: &[Fact], paths: &[Path]) -> Controls {
    let has = |kind: Kind| facts.iter().any(|f| f.kind == kind);
    let by =
        |kind: Kind, subject: Subject| facts.iter().any(|f| f.kind == kind && f.subject == subject);
    let access = |kind: Kind| {
        if by(kind, Subject::User) {
            State::User
        } else if by(kind, Subject::Admin) {
            State::Admin
        } else {
            State::None
        }
    };
    let either = |kind: Kind, no: State| if has(kind) { State::Yes } else { no };

    // Whoever can end a session by another name can sign out by it.
    let ends_on_server = [Kind::RevokesOne, Kind::RevokesOthers, Kind::RevokesAll]
        .into_iter()
        .any(|kind| by(kind, Subject::User));
    let mut out = Controls::new();
    out.insert("limit", limit(facts, paths));
    out.insert("listing", access(Kind::Lists));
    out.insert("revoke_one", access(Kind::RevokesOne));
    out.insert(
        "revoke_others",
        match (access(Kind::RevokesOthers), access(Kind::RevokesAll)) {
            (State::None, all) => all,
            (State::Admin, State::User) => State::User,
            (others, _) => others,
        },
    );
    out.insert(
        "password_change_revokes",
        if has(Kind::BindsPassword) {
            State::Yes
        } else if has(Kind::RevokesOnPasswordOptIn) {
            State::OptIn
        } else if change_unseen(facts).is_some() {
            State::No
        } else if has(Kind::RevokesOnPassword) {
            State::Yes
        } else if has(Kind::PasswordChange) {
            State::No
        } else {
            State::NotApplicable
        },
    );
    out.insert("regenerate_on_login", regenerate(facts, paths));
    out.insert("notify_new_login", either(Kind::Notifies, State::No));
    out.insert(
        "logout_revokes_server_side",
        if has(Kind::Logout) {
            State::Yes
        } else if has(Kind::LogoutClientOnly)
            || !paths.is_empty() && has(Kind::SignsToken) && !ends_on_server
        {
            State::No
        } else {
            State::Unknown
        },
    );
    // What somebody else keeps may have what this code does not. An application that makes sessions
    // of its own after asking somebody else who is there answers for them.
    if has(Kind::Delegated) && !has(Kind::Creates) {
        for state in out.values_mut() {
            if matches!(state, State::None | State::No) {
                *state = State::Unknown;
            }
        }
    }
    out
}

/// A route on which a password changes and nothing ends.
pub(crate) fn change_unseen(facts: &[Fact]) -> Option<&Fact> {
    let ends: Vec<&Fact> = facts
        .iter()
        .filter(|f| f.kind == Kind::RevokesOnPassword)
        .collect();
    facts
        .iter()
        .filter(|f| f.kind == Kind::PasswordChange && f.scope.contains(" /"))
        // What staff do to an account is judged only where its owner can do nothing.
        .filter(|change| ends.is_empty() || change.subject == Subject::User)
        .filter(|change| ends.is_empty() || !is_recovery(change))
        .find(|change| ends.iter().all(|end| end.scope != change.scope))
}

/// Getting back in after forgetting a password, which is judged only where nothing else is there.
fn is_recovery(change: &Fact) -> bool {
    let list = words(&format!("{} {} {}", change.file, change.scope, change.note));
    any(&list, "reset forgot forgotten recover recovery")
}

fn limit(facts: &[Fact], paths: &[Path]) -> State {
    let has = |kind: Kind| facts.iter().any(|f| f.kind == kind);
    // A bound whose number decides and is not to be seen may be off.
    let is_seen = |f: &Fact| f.confidence > Confidence::Hint;
    let limits = |via: &[Via]| {
        let mut all = facts.iter().filter(|f| f.kind == Kind::Limits);
        all.any(|f| via.contains(&f.via) && is_seen(f))
    };
    if limits(&[Via::Call, Via::Schema]) {
        State::Enforced
    } else if limits(&[Via::FrameworkDefault]) {
        State::EnforcedElsewhere
    } else if limits(&[Via::Config]) {
        State::OptInOn
    } else if has(Kind::LimitsOff) {
        State::OptInOff
    } else if has(Kind::LimitsPerDevice) {
        State::PerDevice
    } else if has(Kind::SingleSlot) && (has(Kind::SignsToken) || paths.iter().any(|p| p.is_token)) {
        State::ImplicitSingleRefresh
    } else if facts
        .iter()
        .any(|f| f.kind == Kind::SingleSlot && !is_refresh(f))
    {
        State::Enforced
    } else if has(Kind::Limits) {
        State::Unknown
    } else {
        State::None
    }
}

/// A slot for a refresh token bounds what is signed here. Where nothing is, the token is another
/// service's, kept to ask it things.
fn is_refresh(slot: &Fact) -> bool {
    any(&words(&slot.note), "refresh")
}

fn regenerate(facts: &[Fact], paths: &[Path]) -> State {
    let by_default = facts
        .iter()
        .any(|f| f.kind == Kind::Regenerates && f.via == Via::FrameworkDefault);
    let keeping: Vec<&Path> = entry_paths(paths);
    if by_default {
        State::FrameworkDefault
    } else if keeping.is_empty() && facts.iter().any(|f| f.kind == Kind::Regenerates) {
        State::Yes
    } else if keeping.is_empty() {
        State::NotApplicable
    } else if keeping.iter().all(|p| p.regenerates) {
        State::Yes
    } else if keeping.iter().any(|p| p.regenerates) {
        State::SomePaths
    } else {
        State::No
    }
}

/// The ways of signing in that write into a session that was there before.
pub(crate) fn entry_paths(paths: &[Path]) -> Vec<&Path> {
    let keeping: Vec<&Path> = paths.iter().filter(|p| p.keeps_id).collect();
    let entries: Vec<&Path> = keeping.iter().copied().filter(|p| p.is_entry).collect();
    if entries.is_empty() { keeping } else { entries }
}

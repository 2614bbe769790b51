//! The settings: one line for each, with its type, what it accepts and its default.
//!
//! A line here is all that a new key needs. The list of known keys, the reading, the bounds and
//! the effective configuration are made from it. Keys that are known but whose feature is not
//! built yet stand in [`unavailable`](super::unavailable); to build one, its line moves here.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::effective::Lines;
use super::kinds::{Address, AnyOf, Folder, Kind, Maybe, Name, Sessions, Span, Truth, Url, Words};
use super::read::Reader;

/// Settings that stand together in one table.
pub(super) trait Section {
    /// Their keys, without the section's own name.
    const KEYS: &'static [&'static str];

    /// Reads them; what is missing or wrong gets its default.
    fn read(from: &mut Reader<'_, '_>) -> Self;

    /// Writes those that are set.
    fn write(&self, to: &mut Lines<'_>);
}

macro_rules! sections {
    ($(
        $(#[$about:meta])*
        $section:ident {$(
            $(#[$note:meta])*
            $key:ident: $type:ty = $kind:expr, $default:expr;
        )*}
    )*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Eq, PartialEq)]
        pub(crate) struct $section {$(
            $(#[$note])*
            pub(crate) $key: $type,
        )*}

        impl Section for $section {
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

            fn read(from: &mut Reader<'_, '_>) -> Self {
                Self {$( $key: from.take(stringify!($key), &$kind).unwrap_or_else(|| $default), )*}
            }

            fn write(&self, to: &mut Lines<'_>) {
                $( to.line(stringify!($key), $kind.literal(&self.$key)); )*
            }
        }
    )*};
}

sections! {
    /// `[server]`: where we listen and how browsers see us.
    Server {
        /// The address to listen on.
        listen: SocketAddr = Address, SocketAddr::from((Ipv4Addr::LOCALHOST, 7070));
        /// The origin under which browsers see us, as they send it in `Origin`.
        public_url: Option<String> = Maybe(Url), None;
    }

    /// `[store]`: where rosters are kept.
    Store {
        /// Which store.
        kind: StoreKind = STORE_KIND, StoreKind::Embedded;
        /// Its folder.
        path: PathBuf = Folder, PathBuf::from("innkeeper-data");
    }

    /// `[policy]`: what holds for everybody whom no rule names.
    Policy {
        /// How many sessions a subject may have.
        max_sessions: u32 = Sessions, 5;
        /// What happens when one more is asked for.
        at_limit: AtLimit = AT_LIMIT, AtLimit::EvictLeastRecent;
        /// The longest silence.
        idle: Duration = LIFETIME, minutes(30);
        /// The longest life, however busy.
        absolute: Duration = LIFETIME, minutes(12 * 60);
        /// How long a rotated token stays good after its successor was first presented.
        rotation_grace: Duration = GRACE, Duration::from_secs(30);
        /// How old a token may grow before a check hands out its successor.
        rotate_every: Option<Duration> = Maybe(LIFETIME), None;
        /// How old an authentication may be that ends other sessions.
        freshness: Duration = LIFETIME, minutes(15);
    }

    /// What a rule changes for those whom it names; `None` leaves it to later rules.
    Changes {
        /// In place of the policy's.
        max_sessions: Option<u32> = Maybe(Sessions), None;
        /// In place of the policy's.
        at_limit: Option<AtLimit> = Maybe(AT_LIMIT), None;
        /// In place of the policy's.
        idle: Option<Duration> = Maybe(LIFETIME), None;
        /// In place of the policy's.
        absolute: Option<Duration> = Maybe(LIFETIME), None;
        /// In place of the policy's.
        rotation_grace: Option<Duration> = Maybe(GRACE), None;
        /// In place of the policy's.
        rotate_every: Option<Duration> = Maybe(LIFETIME), None;
        /// In place of the policy's.
        freshness: Option<Duration> = Maybe(LIFETIME), None;
    }

    /// `when`: all that are named must match; of a list, any. An empty list was not named.
    When {
        /// The subject is in one of these groups.
        group: Vec<String> = AnyOf(Name), Vec::new();
        /// The session belongs to one of these clients.
        client: Vec<String> = AnyOf(Name), Vec::new();
        /// The session is of one of these classes.
        class: Vec<Class> = AnyOf(CLASS), Vec::new();
        /// The person asked to be remembered, or did not.
        remember: Option<bool> = Maybe(Truth), None;
    }

    /// The keys of a further limit, before it is known that both were given.
    LimitDraft {
        /// What is counted together.
        per: Option<Per> = Maybe(PER), None;
        /// How many of these.
        max_sessions: Option<u32> = Maybe(Sessions), None;
    }
}

/// `[[policy.rule]]`: what differs for some. The first rule that matches wins for each key it sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    /// For whom; at least one condition.
    pub(crate) when: When,
    /// What differs; at least one key.
    pub(crate) changes: Changes,
}

/// `[[policy.limit]]`: a further limit; all hold at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Limit {
    /// Counts the subject's sessions that have the same one.
    pub(crate) per: Per,
    /// For which sessions; without a condition, for all.
    pub(crate) when: When,
    /// How many of these.
    pub(crate) max_sessions: u32,
}

/// Where a store keeps its rosters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StoreKind {
    /// In a local folder.
    Embedded,
}

const STORE_KIND: Words<StoreKind> = Words(&[("embedded", StoreKind::Embedded)]);

/// What happens at the limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AtLimit {
    /// The oldest session goes.
    EvictOldest,
    /// The session silent longest goes.
    EvictLeastRecent,
    /// The newcomer is refused.
    Refuse,
    /// Everybody is let in, and it is noted.
    Observe,
}

const AT_LIMIT: Words<AtLimit> = Words(&[
    ("evict-oldest", AtLimit::EvictOldest),
    ("evict-least-recent", AtLimit::EvictLeastRecent),
    ("refuse", AtLimit::Refuse),
    ("observe", AtLimit::Observe),
]);

/// The class of a session; each is counted by its own limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// A person at a browser or an app.
    Interactive,
    /// A program.
    Machine,
    /// Somebody who acts as somebody else.
    Impersonation,
}

const CLASS: Words<Class> = Words(&[
    ("interactive", Class::Interactive),
    ("machine", Class::Machine),
    ("impersonation", Class::Impersonation),
]);

/// What a further limit counts together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Per {
    /// The sessions of one client.
    Client,
}

const PER: Words<Per> = Words(&[("client", Per::Client)]);

/// 400 days is the longest that a browser keeps a cookie.
const LIFETIME: Span = Span {
    least: Duration::from_secs(1),
    most: minutes(400 * 24 * 60),
};

/// An old token is good for five minutes at most, whatever happens to its successor.
const GRACE: Span = Span {
    least: Duration::ZERO,
    most: minutes(5),
};

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

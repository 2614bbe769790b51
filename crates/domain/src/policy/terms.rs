//! The terms: every key that a policy or a rule can set, each in one line.
//!
//! A line here is all that a new key needs. The configuration file, the JSON of the API and of
//! the register, presets and bounds are made from this table, and it says when one value is laxer
//! than another; what is left is to obey it. A word of its own needs a [`Word`] too, and a new
//! kind of value a method of [`VisitTerms`].

use std::time::Duration;

use super::laxer::{doubling, faster, less, more, observing, unbound, unwatched};
use super::{BindTo, Overflow, SameDevice, SessionLimit, UnseenDevice, Word};
use crate::budget::Budget;

/// Goes through the keys of a policy, one after the other, each by the kind of its value.
pub trait VisitTerms {
    /// A number of sessions.
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>);

    /// A span of time in whole seconds.
    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, bounds: Bounds);

    /// One of a few words.
    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>);

    /// A number of sign-ins in a span of time.
    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>);
}

/// The shortest and the longest span that a key accepts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bounds {
    /// The shortest.
    pub least: Duration,
    /// The longest.
    pub most: Duration,
}

/// 400 days is the longest that a browser keeps a cookie.
const LIFETIME: Bounds = Bounds {
    least: Duration::from_secs(1),
    most: Duration::from_hours(9_600),
};

/// An old token is good for five minutes at most, whatever happens to its successor.
const GRACE: Bounds = Bounds {
    least: Duration::ZERO,
    most: Duration::from_mins(5),
};

/// No time is no protection; a device that was silent for longer is forgotten.
const PROTECTION: Bounds = Bounds {
    least: Duration::ZERO,
    most: Duration::from_hours(9_600),
};

macro_rules! terms {
    ($(
        $(#[$about:meta])*
        $key:ident: $type:ty, $kind:ident($($bounds:expr)?), $default:expr, laxer if $laxer:ident;
    )*) => {
        /// What the policy says of one sign-in or session, once all rules have spoken.
        ///
        /// By default five sessions, of which the least recently used makes room; 30 minutes
        /// idle, 12 hours in all. A new device is told of, and for its first day cannot displace
        /// a trusted one.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub struct Terms {$(
            $(#[$about])*
            pub $key: $type,
        )*}

        impl Default for Terms {
            fn default() -> Self {
                Self {$( $key: $default, )*}
            }
        }

        impl Terms {
            /// These, with what is set in their place.
            #[must_use]
            pub fn with(self, set: Setting) -> Self {
                Self {$( $key: set.$key.map_or(self.$key, Term::from_set), )*}
            }

            /// What differs from these.
            #[must_use]
            pub fn beyond(self, base: Self) -> Setting {
                Setting {$(
                    $key: if self.$key == base.$key { None } else { self.$key.into_set() },
                )*}
            }
        }

        /// What a rule sets, where it matches; what a policy sets, for everybody.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct Setting {$(
            #[doc = concat!("See [`Terms::", stringify!($key), "`].")]
            pub $key: Option<<$type as Term>::Set>,
        )*}

        impl Setting {
            /// The names of the keys.
            pub const KEYS: &'static [&'static str] = &[$( stringify!($key) ),*];

            /// What this sets, and `later` where this is silent.
            #[must_use]
            pub fn or(self, later: Self) -> Self {
                Self {$( $key: self.$key.or(later.$key), )*}
            }

            /// The keys that both set, and this one laxer.
            #[must_use]
            pub fn laxer_than(self, asked: Self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(
                    if let (Some(set), Some(asked)) = (self.$key, asked.$key)
                        && $laxer(set, asked)
                    {
                        keys.push(stringify!($key));
                    }
                )*
                keys
            }

            /// Shows each key and its value, to be read or changed.
            pub fn visit(&mut self, visitor: &mut impl VisitTerms) {
                $( visitor.$kind(stringify!($key), &mut self.$key $(, $bounds)?); )*
            }
        }

        impl From<Terms> for Setting {
            fn from(terms: Terms) -> Self {
                Self {$( $key: terms.$key.into_set(), )*}
            }
        }
    };
}

terms! {
    /// How many sessions of one class a subject may hold.
    max_sessions: SessionLimit, sessions(), SessionLimit(5), laxer if more;
    /// What happens beyond that.
    at_limit: Overflow, word(), Overflow::EvictLeastRecent, laxer if observing;
    /// The idle timeout.
    idle: Duration, span(LIFETIME), Duration::from_mins(30), laxer if more;
    /// The absolute timeout.
    absolute: Duration, span(LIFETIME), Duration::from_hours(12), laxer if more;
    /// For how long a rotated token is still good once its successor was presented.
    rotation_grace: Duration, span(GRACE), Duration::from_secs(30), laxer if more;
    /// How old a token may grow before a check hands out its successor.
    rotate_every: Option<Duration>, span(LIFETIME), None, laxer if more;
    /// How old an authentication may be that ends other sessions.
    freshness: Duration, span(LIFETIME), Duration::from_mins(15), laxer if more;
    /// What becomes of a session on the same device.
    same_device: SameDevice, word(), SameDevice::Replace, laxer if doubling;
    /// What happens on a device that was not seen before.
    unseen_device: UnseenDevice, word(), UnseenDevice::Notify, laxer if unwatched;
    /// What a new session is bound to.
    binding: BindTo, word(), BindTo::Nothing, laxer if unbound;
    /// For how long after its birth a session on an untrusted device neither evicts nor ends an
    /// older one on a trusted device; see [`protection`](crate::protection).
    protect_trusted_for: Duration, span(PROTECTION), Duration::from_hours(24), laxer if less;
    /// How often somebody may try to sign in on our pages; see [`budget`](crate::budget).
    sign_ins: Budget, sign_ins(), Budget::TEN_A_MINUTE, laxer if faster;
    /// How often an application may sign somebody in over the API.
    api_sign_ins: Option<Budget>, sign_ins(), None, laxer if faster;
}

/// A value that terms hold: one that is always there, or one that is off unless set.
pub trait Term: Copy {
    /// What a rule sets it to.
    type Set: Copy;

    /// The value that is set so.
    fn from_set(set: Self::Set) -> Self;

    /// What it would be set to; `None` if it is off.
    fn into_set(self) -> Option<Self::Set>;
}

macro_rules! always_there {
    ($($type:ty),*) => {$(
        impl Term for $type {
            type Set = Self;

            fn from_set(set: Self) -> Self {
                set
            }

            fn into_set(self) -> Option<Self> {
                Some(self)
            }
        }
    )*};
}

always_there!(Duration, SessionLimit, Budget);

impl<W: Word> Term for W {
    type Set = Self;

    fn from_set(set: Self) -> Self {
        set
    }

    fn into_set(self) -> Option<Self> {
        Some(self)
    }
}

macro_rules! off_unless_set {
    ($($type:ty),*) => {$(
        impl Term for Option<$type> {
            type Set = $type;

            fn from_set(set: $type) -> Self {
                Some(set)
            }

            fn into_set(self) -> Self {
                self
            }
        }
    )*};
}

off_unless_set!(Duration, Budget);

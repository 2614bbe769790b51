//! A history: every operation with the order of its beginning and end, and what was answered.
//!
//! Sessions, tokens and subjects are small numbers here, so that a history can be written by hand
//! and a violation can be read.

mod operation;

use std::collections::BTreeMap;

/// A subject.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Subject(pub u32);

/// A session, by its public name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sid(pub u32);

/// A token, by its digest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tok(pub u32);

/// A device, by its public name.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Dev(pub u32);

/// What names a birth in the journal: the idempotency key of its sign-in, or the sign-in itself.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Label(pub u32);

/// What kind of access a session is; each is counted by its own limits.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// A person.
    #[default]
    Interactive,
    /// A program.
    Machine,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Interactive, Self::Machine];
}

/// A place in the one order of all beginnings and ends, and the store's time there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Point {
    /// The place.
    pub place: usize,
    /// The time, in milliseconds.
    pub time: u64,
    /// What a steady clock beside all of them counts, in milliseconds.
    pub moment: u64,
}

/// One operation of one caller.
#[derive(Clone, Debug)]
pub struct Operation {
    /// About whom.
    pub subject: Subject,
    /// The node that was asked, where there are several that know things of their own.
    pub node: usize,
    /// What was asked.
    pub call: Call,
    /// When it began.
    pub begun: Point,
    /// When its caller had an answer, or gave up.
    pub ended: Point,
    /// What was answered.
    pub answer: Answer,
    /// Whether its store was lost since: what it was told may be so, or never have been.
    pub is_void: bool,
}

/// What can be asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Call {
    /// One more session.
    Admit {
        /// What its birth is known by.
        label: Label,
        /// The look at which the generation of its evidence was read.
        evidence: Option<usize>,
        /// What kind of access.
        class: Class,
        /// The sessions that its subject chose to end for it, if it was asked.
        chosen: Option<Vec<Sid>>,
    },
    /// Rely on a device from now on, on the word of somebody.
    Trust(Dev, Word),
    /// Is this token good?
    Check(Tok),
    /// The next token, because its time has come.
    Renew(Tok),
    /// The next token, because identity was proved again.
    Reauthenticate(Tok),
    /// Is this token good, at the door of another tenant?
    CheckAbroad(Tok),
    /// Is this token good, without the device that it was given to?
    CheckElsewhere(Tok),
    /// End one session.
    Revoke(Sid),
    /// End one session, asked by another of its subject's, whose token this is.
    RevokeBy(Tok, Sid),
    /// End one session, asked by somebody whose it is not.
    Trespass(Sid, Stranger),
    /// End all but one.
    RevokeAll(Option<Sid>),
    /// End all but the session of a token, which gets its next one.
    CredentialChanged(Option<Tok>),
    /// End all, and let nobody in.
    Disable,
    /// Let in again.
    Enable,
    /// The subject's own limit.
    Limit(Option<usize>),
    /// List the sessions.
    Look,
    /// Housekeeping of every subject.
    Sweep,
}

/// Who gives an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Word {
    /// An administrator.
    Administrator,
    /// The subject, by the session of this token.
    Holder(Tok),
}

/// Somebody to whom a session must look absent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stranger {
    /// Another subject of the same tenant.
    Subject,
    /// An administrator of another tenant.
    Tenant,
}

/// What can be answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Nobody knows whether it was done; it may still be.
    Unknown,
    /// Not done, and nothing changed.
    Refused(Refusal, Option<View>),
    /// A session was born, or had been under the same key.
    Admitted {
        /// The session.
        session: Sid,
        /// Its token.
        token: Tok,
        /// Who was evicted for it, by this very answer.
        evicted: Vec<Sid>,
        /// Who ended for it by the choice of the subject, by this very answer.
        chosen: Vec<Sid>,
        /// What was seen, where an answer shows that much.
        view: Option<View>,
    },
    /// The token is good.
    Valid {
        /// The session it names.
        session: Sid,
        /// The subject it names.
        subject: Subject,
        /// The next token, if one was due.
        rotated: Option<Tok>,
        /// What was seen, where an answer shows that much.
        view: Option<View>,
    },
    /// The token is not good.
    NoSession {
        /// Whether it was said that its session ended.
        ended: bool,
    },
    /// The token is good, and did not come from the device that its session is bound to.
    Mismatched,
    /// Done.
    Done {
        /// How many sessions it ended.
        ended: usize,
        /// The session that was kept, with its next token.
        kept: Option<(Sid, Tok)>,
    },
    /// No such session.
    Absent,
    /// Nothing was done: it is protected from the session that asks.
    Protected,
    /// The roster as it was.
    Seen(View),
}

/// Why a sign-in was turned away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// No seat.
    Full,
    /// No seat of the tenant.
    Tenant,
    /// The subject is disabled.
    Disabled,
    /// The evidence is too old.
    Stale,
    /// The device is not one that was seen before.
    Device,
    /// The key had its answer, or has too many beside it.
    Key,
}

/// What an answer shows of a roster.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct View {
    /// What it was decided by; seen from outside, no answer shows this.
    pub basis: Option<Basis>,
    /// Who is live.
    pub live: Vec<Sid>,
}

/// What an answer was decided by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Basis {
    /// The store's time.
    pub now: u64,
    /// The policy that the roster obeys.
    pub policy: u64,
    /// The subject's own limit.
    pub own_limit: Option<usize>,
}

/// A policy, from the moment it was enacted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enacted {
    /// Its version.
    pub version: u64,
    /// Its limit.
    pub limit: usize,
    /// The silence it allows, in milliseconds.
    pub idle: u64,
    /// Whether it binds a session to the device on which it is opened.
    pub binds_devices: bool,
    /// How many sessions each tenant may hold.
    pub seats: Option<usize>,
    /// For how long older trusted sessions are protected from a new one, in milliseconds.
    pub protects_for: u64,
    /// Where in the order.
    pub from: usize,
    /// The store's time from which every node answers by it.
    pub followed_at: u64,
}

impl Enacted {
    /// Whether every answer to what begins here obeys it.
    #[must_use]
    pub const fn binds(&self, begun: Point) -> bool {
        self.from < begun.place && self.followed_at <= begun.time
    }
}

/// One entry of the journal.
#[derive(Clone, Debug)]
pub struct Line {
    /// Whose.
    pub subject: Subject,
    /// Its number.
    pub seq: u64,
    /// When.
    pub at: u64,
    /// The hash it carries of the entry before.
    pub previous: u64,
    /// Its own hash.
    pub hash: u64,
    /// The sessions that were born.
    pub opened: Vec<(Sid, Option<Label>)>,
    /// The sessions that ended.
    pub ended: Vec<Sid>,
    /// Those of them that ended on the word of somebody whose they were not.
    pub trespassed: Vec<Sid>,
    /// Those of them that ended since their tokens came from elsewhere.
    pub mismatched: Vec<Sid>,
    /// The generation it raised the fence to.
    pub generation: Option<u64>,
    /// Whether it disabled or enabled the subject.
    pub disabled: Option<bool>,
}

/// A roster as the store holds it when all is over.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Whose.
    pub subject: Subject,
    /// Its version.
    pub version: u64,
    /// Its generation.
    pub generation: u64,
    /// Whether the subject is disabled.
    pub disabled: bool,
    /// The hash of its last journal entry.
    pub head: u64,
    /// Whom it records as live.
    pub sessions: Vec<Sid>,
}

/// A time in which a node could not reach its store.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// The node.
    pub node: usize,
    /// Whether it may hold leases that have not run out.
    pub leases: bool,
    /// From this place.
    pub from: usize,
    /// To this place.
    pub until: usize,
}

impl Outage {
    /// Whether it lasted for all of an operation.
    #[must_use]
    pub const fn holds(&self, operation: &Operation) -> bool {
        self.node == operation.node
            && self.from < operation.begun.place
            && operation.ended.place < self.until
    }
}

/// A time of which the store has lost everything, since a standby took over that had not heard it.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// The last place that the standby had heard of.
    pub from: usize,
    /// The moment from which no node answers by what is lost.
    pub over_at: u64,
}

/// All that happened in one run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In the order of their beginnings.
    pub operations: Vec<Operation>,
    /// The tenants of the subjects, by their numbers; one that is not named is of tenant 0.
    pub tenants: Vec<u32>,
    /// The devices on which sessions were opened, where that is known.
    pub devices: BTreeMap<Sid, Dev>,
    /// The policies, in order.
    pub policies: Vec<Enacted>,
    /// Where nodes or the store went down.
    pub crashes: Vec<usize>,
    /// When nodes were cut off from their store.
    pub outages: Vec<Outage>,
    /// What a failover lost.
    pub losses: Vec<Loss>,
    /// For how long a node answers checks by what it read (B), in milliseconds.
    pub lease: u64,
    /// The longest silence that any policy allows, in milliseconds.
    pub idle: u64,
    /// The longest life that any policy allows.
    pub absolute: u64,
    /// The journal, in the order of the store.
    pub journal: Vec<Line>,
    /// What is left.
    pub rest: Vec<Rest>,
}

impl History {
    /// Whether a node could not reach its store for all of an operation.
    #[must_use]
    pub fn is_cut_off(&self, operation: &Operation) -> bool {
        self.outages.iter().any(|outage| outage.holds(operation))
    }

    /// The policies by which something may be decided that begins here and ends at that place.
    pub(crate) fn policies_between(
        &self,
        begun: Point,
        until: usize,
    ) -> impl Iterator<Item = &Enacted> {
        let newest = self.policies.iter().rfind(|p| p.binds(begun));
        let least = newest.map_or(0, |p| p.version);
        self.policies
            .iter()
            .filter(move |p| p.from <= until && p.version >= least)
    }

    /// The tenant of a subject.
    #[must_use]
    pub fn tenant(&self, subject: Subject) -> u32 {
        self.tenants.get(subject.0 as usize).copied().unwrap_or(0)
    }
}

//! What each configuration promises: the one table from which `doctor`, the start log and the
//! manual take their words.

use std::borrow::Cow;

use innkeeper_domain::policy::{Overflow, Policy};
use innkeeper_store_postgres::Standbys;
use innkeeper_store_redis::{Durability, Keeps, Replicas};
use serde::Serialize;

/// Whether a promise holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Holds {
    /// In every state that the configuration can get into.
    Yes,
    /// Under the condition that the words name.
    Conditional,
    /// Not.
    No,
}

/// A promise, and how far it holds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Promise {
    /// Its name.
    pub(crate) id: &'static str,
    /// Whether it holds.
    pub(crate) holds: Holds,
    /// In which words.
    pub(crate) words: Cow<'static, str>,
    /// What it says.
    pub(crate) says: &'static str,
}

/// A configuration, and what it promises.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// In the words of the table.
    pub(crate) name: Cow<'static, str>,
    /// What it promises.
    pub(crate) promises: Cow<'static, [Promise]>,
}

const fn promise(
    id: &'static str,
    holds: Holds,
    words: &'static str,
    says: &'static str,
) -> Promise {
    Promise {
        id,
        holds,
        words: Cow::Borrowed(words),
        says,
    }
}

/// A promise of the program itself, which no configuration weakens.
const fn always(id: &'static str, says: &'static str) -> Promise {
    promise(id, Holds::Yes, "yes", says)
}

/// What holds whatever the store.
pub(crate) static EVERYWHERE: [Promise; 16] = [
    always(
        "S4",
        "a check that starts B or more after an end was acknowledged is not valid on any node",
    ),
    always(
        "S5",
        "an answer names only the owner of the token that was shown",
    ),
    always(
        "S6",
        "only tokens that were issued are valid; none is stored, logged or shown again",
    ),
    always(
        "S7",
        "only its owner or an administrator acts on a session; to others it looks absent",
    ),
    always(
        "S8",
        "no session is born from evidence older than the last end of all sessions",
    ),
    always(
        "S9",
        "a token has one successor; reuse of an older one ends the session",
    ),
    always("S10", "one idempotency key gives at most one session"),
    always(
        "S11",
        "evictions are the fewest that suffice, in a total order, never the newcomer",
    ),
    always(
        "S12",
        "what is counted and what is checked are the same data",
    ),
    always(
        "S13",
        "nothing is valid at or after its deadline, and time does not fall",
    ),
    always("S14", "nothing crosses tenants"),
    always(
        "S15",
        "two spellings share a limit if and only if they are one subject",
    ),
    always(
        "S16",
        "each change has exactly one journal entry, numbered without gaps",
    ),
    always(
        "S17",
        "store out of reach: nobody is let in, and no end is acknowledged",
    ),
    always(
        "S18",
        "removing what is over changes no answer but its reason",
    ),
    always(
        "S19",
        "a request that is dropped is wholly done or wholly not done",
    ),
];

/// What was seen that a promise depends on.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// The policies that hold: the one in force, and the one that the next start puts. None if
    /// they were not seen.
    pub(crate) policies: &'a [Policy],
    /// Whether the store was looked at, or a server that has it open.
    pub(crate) store: bool,
    /// Of how many sign-ins in the journal how many named no generation, if they were counted.
    pub(crate) unfenced: Option<Unfenced>,
    /// Whether a sync reaches a disk at all.
    pub(crate) syncs: bool,
}

/// Sign-ins that did not say which generation they were made under.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unfenced {
    /// How many.
    pub(crate) found: u64,
    /// Of how many.
    pub(crate) births: u64,
}

impl Seen<'_> {
    /// How far a promise holds where this was seen.
    fn judge(&self, promise: Promise) -> Promise {
        let seen = match promise.id {
            "S1" => self.bound(),
            "S3 power loss" if !self.syncs => {
                Some((Holds::No, "no: the folder is in memory".into()))
            }
            "S8" => self.fresh_birth(),
            _ => None,
        };
        let seen = seen.or_else(|| {
            let unseen = !self.store && promise.holds == Holds::Yes;
            let words = || "cond: the store is well; it could not be looked at".into();
            unseen.then(|| (Holds::Conditional, words()))
        });
        match seen {
            Some((holds, words)) => Promise {
                holds,
                words,
                ..promise
            },
            None => promise,
        }
    }

    fn bound(&self) -> Option<(Holds, Cow<'static, str>)> {
        if self.policies.is_empty() {
            return Some((
                Holds::Conditional,
                "cond: the policy in force has no at_limit = \"observe\"; it was not seen".into(),
            ));
        }
        let observes = |at_limit: Option<Overflow>| at_limit == Some(Overflow::Observe);
        let mut policies = self.policies.iter();
        if policies.any(|policy| observes(Some(policy.terms.at_limit))) {
            return Some((
                Holds::No,
                "no: under at_limit = \"observe\" no limit is in force".into(),
            ));
        }
        let mut rules = self.policies.iter().flat_map(|policy| &policy.rules);
        let rule = rules.any(|rule| observes(rule.set.at_limit));
        rule.then(|| {
            (
                Holds::Conditional,
                "cond: a rule sets at_limit = \"observe\", and where it matches no limit is in force"
                    .into(),
            )
        })
    }

    fn fresh_birth(&self) -> Option<(Holds, Cow<'static, str>)> {
        let words = match self.unfenced {
            Some(Unfenced { found: 0, .. }) => return None,
            Some(Unfenced { found, births }) => {
                format!("cond: {found} of {births} sign-ins in the journal named no generation")
            }
            None => "cond: each sign-in names its generation; not counted here".to_owned(),
        };
        Some((Holds::Conditional, words.into()))
    }
}

const FINAL: &str = "what was live and is no longer, never is again";
const LIMIT: Promise = always("S1", "live sessions never exceed a limit in force");
const PROCESS_CRASH: Promise = always("S3 process crash", "an acknowledged end survives it");

/// The embedded store. There is no setting that makes it lazy.
pub(crate) const EMBEDDED: Configuration = Configuration {
    name: Cow::Borrowed("Embedded, deaths fsynced (default)"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise("S2", Holds::Yes, "yes", FINAL),
        PROCESS_CRASH,
        promise(
            "S3 power loss",
            Holds::Conditional,
            "cond: honest disk; stop on fsync error",
            "an acknowledged end survives it",
        ),
        promise(
            "S3 failover",
            Holds::No,
            "none; restore ⇒ S20",
            "there is one node, and nothing to fail over to",
        ),
        promise(
            "B",
            Holds::Yes,
            "0",
            "from the answer to an end until no check accepts it",
        ),
        promise(
            "S20",
            Holds::Conditional,
            "cond: brought back by `restore`, or as a copy of the folder; not by a snapshot of the \
             disk beneath",
            "after older data comes back, no session in it is valid",
        ),
    ]),
};

/// PostgreSQL, with node leases.
const POSTGRES: Configuration = Configuration {
    name: Cow::Borrowed("PostgreSQL primary"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise(
            "S2",
            Holds::Conditional,
            "cond: the server's clock is not set back while nodes run",
            FINAL,
        ),
        PROCESS_CRASH,
        promise(
            "S3 power loss",
            Holds::Conditional,
            "cond: honest disk, fsync on",
            "an acknowledged end survives it",
        ),
        promise(
            "S3 failover",
            Holds::No,
            "no if the standby is asynchronous",
            "an acknowledged end survives it",
        ),
        promise(
            "B",
            Holds::Yes,
            "B, checked when answering",
            "from the answer to an end until no check accepts it: `store.lease`, and 0 on the node \
             that answered",
        ),
        promise(
            "S20",
            Holds::No,
            "no: a back-up of the database that is brought back is not noticed",
            "after older data comes back, no session in it is valid",
        ),
    ]),
};

/// What every configuration of one Redis promises alike.
const ONE_SERVER: Promise = promise(
    "S3 failover",
    Holds::No,
    "none: one server",
    "there is one server, and nothing to fail over to",
);
const SHARED_B: Promise = promise(
    "B",
    Holds::Yes,
    "B, checked when answering",
    "from the answer to an end until no check accepts it: `store.lease`, and 0 on the node \
     that answered",
);
const NOTICED: Promise = promise(
    "S20",
    Holds::Conditional,
    "cond: a node that had seen what is gone is there when the server comes back",
    "after older data comes back, no session in it is valid",
);
const SURVIVES: &str = "an acknowledged end survives it";

/// One Redis or Valkey that has each end on disk before it answers.
const REDIS_ALWAYS: Configuration = Configuration {
    name: Cow::Borrowed("Redis/Valkey single, AOF always or WAITAOF on deaths"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise("S2", Holds::Yes, "yes", FINAL),
        PROCESS_CRASH,
        promise(
            "S3 power loss",
            Holds::Conditional,
            "cond: honest disk",
            SURVIVES,
        ),
        ONE_SERVER,
        SHARED_B,
        NOTICED,
    ]),
};

/// One that syncs once a second.
const REDIS_EVERY_SECOND: Configuration = Configuration {
    name: Cow::Borrowed("Redis/Valkey single, AOF every second, no WAITAOF"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise(
            "S2",
            Holds::Conditional,
            "cond: no power loss, or a node that had seen the end is there afterwards",
            FINAL,
        ),
        promise(
            "S3 process crash",
            Holds::Conditional,
            "cond: the disk was not so slow that writes were held back",
            SURVIVES,
        ),
        promise(
            "S3 power loss",
            Holds::No,
            "no: 1–2 s of deaths may return",
            SURVIVES,
        ),
        ONE_SERVER,
        SHARED_B,
        NOTICED,
    ]),
};

/// One that keeps nothing.
const REDIS_NOTHING: Configuration = Configuration {
    name: Cow::Borrowed("Redis/Valkey single, no persistence"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise("S2", Holds::Yes, "yes", FINAL),
        promise("S3 process crash", Holds::Yes, "yes, all die", SURVIVES),
        promise("S3 power loss", Holds::Yes, "yes, all die", SURVIVES),
        ONE_SERVER,
        SHARED_B,
        promise(
            "S20",
            Holds::Yes,
            "yes: nothing comes back",
            "after older data comes back, no session in it is valid",
        ),
    ]),
};

/// One that keeps snapshots only, which somebody accepted.
const REDIS_SNAPSHOTS: Configuration = Configuration {
    name: Cow::Borrowed("Redis/Valkey single, snapshots only"),
    promises: Cow::Borrowed(&[
        LIMIT,
        promise(
            "S2",
            Holds::No,
            "no: after a crash, sessions that had ended return",
            FINAL,
        ),
        promise("S3 process crash", Holds::No, "no", SURVIVES),
        promise("S3 power loss", Holds::No, "no", SURVIVES),
        ONE_SERVER,
        SHARED_B,
        NOTICED,
    ]),
};

/// What replicas change of what a primary promises alone: nobody waits for them.
static REPLICAS_UNASKED: [Promise; 3] = [
    promise(
        "S1",
        Holds::No,
        "no while two primaries exist",
        "live sessions never exceed a limit in force",
    ),
    promise("S2", Holds::No, "no", FINAL),
    promise("S3 failover", Holds::No, "no", SURVIVES),
];

/// The same where each end waits for them, and no change is taken without.
static REPLICAS_ASKED: [Promise; 3] = [
    promise(
        "S1",
        Holds::Conditional,
        "cond: up to 2 L in a split, repaired and reported",
        "live sessions never exceed a limit in force; L is min-replicas-max-lag",
    ),
    promise("S2", Holds::Conditional, "cond: as S3 failover", FINAL),
    promise(
        "S3 failover",
        Holds::Conditional,
        "cond: promoted replica had it, or one node that had seen it survives and ends all before serving",
        SURVIVES,
    ),
];

/// What a standby that each commit waits for changes of what a primary promises alone.
static STANDBYS_SYNCHRONOUS: [Promise; 2] = [
    promise(
        "S1",
        Holds::Conditional,
        "yes if the old primary is fenced",
        "live sessions never exceed a limit in force",
    ),
    promise(
        "S3 failover",
        Holds::Conditional,
        "cond: a quorum standby is promoted; no cancelled wait",
        SURVIVES,
    ),
];

/// What a database changes that does not wait for its disk.
static DISK_UNSYNCED: [Promise; 1] = [promise(
    "S3 power loss",
    Holds::No,
    "no: fsync or full_page_writes is off",
    SURVIVES,
)];

/// What a PostgreSQL promises that keeps so much.
pub(crate) fn of_postgres(keeps: innkeeper_store_postgres::Keeps) -> Configuration {
    let primary = match keeps.standbys {
        Standbys::None | Standbys::Asynchronous => POSTGRES,
        Standbys::Synchronous => POSTGRES.with(
            "PostgreSQL primary, synchronous quorum",
            &STANDBYS_SYNCHRONOUS,
        ),
    };
    if keeps.disk {
        primary
    } else {
        let name = primary.name.clone();
        primary.with(&name, &DISK_UNSYNCED)
    }
}

/// What a Redis or Valkey promises that keeps so much.
pub(crate) fn of_redis(keeps: Keeps) -> Configuration {
    let alone = match keeps.durability {
        Durability::Always | Durability::Waited => REDIS_ALWAYS,
        Durability::EverySecond => REDIS_EVERY_SECOND,
        Durability::Nothing => REDIS_NOTHING,
        Durability::Snapshots => REDIS_SNAPSHOTS,
    };
    match keeps.replicas {
        Replicas::None => alone,
        Replicas::Unasked => {
            let name = format!("Redis with replicas, plain; each server: {}", alone.name);
            alone.with(&name, &REPLICAS_UNASKED)
        }
        Replicas::Asked(_) => {
            let name = "Redis with replicas, WAIT on deaths, min replicas";
            let name = format!("{name}; each server: {}", alone.name);
            alone.with(&name, &REPLICAS_ASKED)
        }
    }
}

impl Configuration {
    /// The same by another name, with some promises in the place of those of their names.
    fn with(self, name: &str, other: &[Promise]) -> Self {
        let promises = self.promises.iter().map(|promise| {
            let changed = other.iter().find(|other| other.id == promise.id);
            changed.unwrap_or(promise).clone()
        });
        Self {
            promises: promises.collect(),
            name: name.to_owned().into(),
        }
    }

    /// Everything that is promised, as far as it holds where this was seen.
    pub(crate) fn as_seen(&self, seen: &Seen<'_>) -> Vec<Promise> {
        let all = self.promises.iter().chain(&EVERYWHERE);
        all.map(|promise| seen.judge(promise.clone())).collect()
    }

    /// One line for the start log.
    pub(crate) fn line(&self) -> String {
        let promises = self
            .promises
            .iter()
            .map(|p| format!("{}: {}", p.id, p.words));
        let promises: Vec<_> = promises.collect();
        format!("store: {}; {}", self.name, promises.join(" | "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are a contract: whoever changes them changes what people were promised.
    #[test]
    fn given_the_manual_when_read_then_it_has_the_words_of_the_table() {
        let chapter = include_str!("../../../docs/book/doctor.md");

        assert!(chapter.contains(&*EMBEDDED.name));
        for promise in EMBEDDED.promises.iter().chain(&EVERYWHERE) {
            let row = format!("| {} | {} |", promise.id, promise.words);
            assert!(chapter.contains(&row), "{row}");
        }
    }

    #[test]
    fn given_the_page_of_stores_when_read_then_it_has_what_each_redis_promises() {
        let page = include_str!("../../../docs/stores.md");
        let all = [
            &REDIS_ALWAYS,
            &REDIS_EVERY_SECOND,
            &REDIS_NOTHING,
            &REDIS_SNAPSHOTS,
        ];
        for configuration in all {
            let words = |id: &str| {
                let promise = configuration.promises.iter().find(|p| p.id == id);
                promise.expect("it is promised").words.clone()
            };
            let row = ["S2", "S3 process crash", "S3 power loss", "S20"].map(words);
            let row = format!("| {} | {} |", configuration.name, row.join(" | "));
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn given_replicas_when_asked_what_is_promised_then_the_page_of_stores_says_the_same() {
        let page = include_str!("../../../docs/stores.md");
        for replicas in [Replicas::Unasked, Replicas::Asked(1)] {
            let configuration = of_redis(Keeps {
                durability: Durability::Always,
                replicas,
            });
            let words = |id: &str| {
                let promise = configuration.promises.iter().find(|p| p.id == id);
                promise.expect("it is promised").words.clone()
            };
            let (name, single) = configuration.name.split_once("; each server: ").unwrap();
            assert_eq!(single, REDIS_ALWAYS.name);
            assert_eq!(words("S3 power loss"), "cond: honest disk", "as single");
            let row = ["S1", "S2", "S3 failover"].map(words);
            let row = format!("| {name} | {} |", row.join(" | "));
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn given_what_a_postgresql_keeps_when_asked_what_is_promised_then_only_that_is() {
        let page = include_str!("../../../docs/stores.md");
        let of = |disk, standbys| of_postgres(innkeeper_store_postgres::Keeps { disk, standbys });
        let words = |configuration: &Configuration, id: &str| {
            let promise = configuration.promises.iter().find(|p| p.id == id);
            promise.expect("it is promised").words.clone()
        };
        let waits = of(true, Standbys::Synchronous);
        for id in ["S1", "S3 failover"] {
            let words = format!("`{}`", words(&waits, id));
            assert!(page.contains(&words), "{words}");
        }
        assert_eq!(
            words(&waits, "S3 power loss"),
            "cond: honest disk, fsync on"
        );
        let unsynced = of(false, Standbys::Asynchronous);
        assert!(words(&unsynced, "S3 power loss").starts_with("no: fsync"));
        assert!(words(&unsynced, "S3 failover").starts_with("no if the standby"));
    }

    #[test]
    fn given_what_weakens_a_promise_when_seen_then_the_promise_says_so() {
        let mut policy = Policy::default();
        policy.terms.at_limit = Overflow::Observe;
        let unfenced = Unfenced {
            found: 2,
            births: 9,
        };
        let weak = Seen {
            policies: &[Policy::default(), policy],
            store: true,
            unfenced: Some(unfenced),
            syncs: false,
        };
        let well = Seen {
            policies: &[Policy::default()],
            store: true,
            unfenced: Some(Unfenced {
                found: 0,
                ..unfenced
            }),
            syncs: true,
        };
        let holds = |seen: &Seen<'_>, id: &str| {
            let all = EMBEDDED.as_seen(seen);
            let found = all.iter().find(|promise| promise.id == id);
            found.expect("it is promised").holds
        };

        assert_eq!(holds(&weak, "S1"), Holds::No);
        assert_eq!(holds(&weak, "S3 power loss"), Holds::No);
        assert_eq!(holds(&weak, "S8"), Holds::Conditional);
        assert_eq!(holds(&well, "S1"), Holds::Yes);
        assert_eq!(holds(&well, "S8"), Holds::Yes);
        let unknown = Seen {
            policies: &[],
            unfenced: None,
            store: false,
            ..well
        };
        assert_eq!(holds(&unknown, "S8"), Holds::Conditional);
        let all = EMBEDDED.as_seen(&unknown);
        assert!(all.iter().all(|promise| promise.holds != Holds::Yes));
    }
}

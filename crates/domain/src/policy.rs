//! The policy: how many sessions, for how long, and what happens at the limit.

use std::time::Duration;

use crate::name::{ClientId, GroupName};
use crate::session::SessionClass;

/// The number of a policy; nodes follow the highest, so that one limit is in force.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PolicyVersion(pub u64);

/// How many live sessions are allowed: 1 to 1,000. There is no unlimited.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SessionLimit(u16);

impl SessionLimit {
    /// The highest limit there is, and so the most live sessions that any subject may hold.
    pub const MAX: Self = Self(1000);

    /// Takes a number from outside; `None` for 0 and above 1,000.
    #[must_use]
    pub fn new(sessions: u64) -> Option<Self> {
        let sessions = u16::try_from(sessions).ok()?;
        (1..=Self::MAX.0)
            .contains(&sessions)
            .then_some(Self(sessions))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

/// What happens when a sign-in finds no free seat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overflow {
    /// The sessions born first make room.
    EvictOldest,
    /// The sessions silent longest make room.
    EvictLeastRecent,
    /// The newcomer is turned away, unless its proof is as strong as that of those who are there.
    Refuse,
    /// The newcomer is asked whom to end.
    Ask,
    /// Everybody is let in and told of; no limit is in force but [`SessionLimit::MAX`]. Where
    /// rules mix, such sessions take none of the others' seats either.
    Observe,
}

/// What the policy says of one sign-in or session, once all rules have spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Terms {
    /// How many sessions of one class a subject may hold.
    pub max_sessions: SessionLimit,
    /// What happens beyond that.
    pub at_limit: Overflow,
    /// The idle timeout.
    pub idle: Duration,
    /// The absolute timeout.
    pub absolute: Duration,
    /// For how long a rotated token is still good once its successor was presented.
    pub rotation_grace: Duration,
    /// How old a token may grow before a check hands out its successor.
    pub rotate_every: Option<Duration>,
    /// How old an authentication may be that ends other sessions.
    pub freshness: Duration,
}

impl Default for Terms {
    /// Five sessions, the least recently used makes room; 30 minutes idle, 12 hours in all.
    fn default() -> Self {
        Self {
            max_sessions: SessionLimit(5),
            at_limit: Overflow::EvictLeastRecent,
            idle: Duration::from_mins(30),
            absolute: Duration::from_hours(12),
            rotation_grace: Duration::from_secs(30),
            rotate_every: None,
            freshness: Duration::from_mins(15),
        }
    }
}

/// What a rule sets, where it matches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Setting {
    /// See [`Terms::max_sessions`].
    pub max_sessions: Option<SessionLimit>,
    /// See [`Terms::at_limit`].
    pub at_limit: Option<Overflow>,
    /// See [`Terms::idle`].
    pub idle: Option<Duration>,
    /// See [`Terms::absolute`].
    pub absolute: Option<Duration>,
    /// See [`Terms::rotation_grace`].
    pub rotation_grace: Option<Duration>,
    /// See [`Terms::rotate_every`].
    pub rotate_every: Option<Duration>,
    /// See [`Terms::freshness`].
    pub freshness: Option<Duration>,
}

/// Which sessions a rule or limit speaks of: all that is named must match, an empty list is any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Condition {
    /// One of these groups has the subject.
    pub groups: Vec<GroupName>,
    /// One of these clients is it for.
    pub clients: Vec<ClientId>,
    /// One of these classes is it of.
    pub classes: Vec<SessionClass>,
    /// Whether it asked to be remembered.
    pub remember: Option<bool>,
}

/// What rules may know of a sign-in or session.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The groups of its subject.
    pub groups: &'a [GroupName],
    /// The application it is for.
    pub client: Option<&'a ClientId>,
    /// Its class.
    pub class: SessionClass,
    /// Whether it asked to be remembered.
    pub remember: bool,
}

impl Condition {
    /// Whether these facts match.
    #[must_use]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        let group = self.groups.is_empty() || self.groups.iter().any(|g| facts.groups.contains(g));
        let client =
            self.clients.is_empty() || facts.client.is_some_and(|c| self.clients.contains(c));
        let class = self.classes.is_empty() || self.classes.contains(&facts.class);
        let remember = self.remember.is_none_or(|r| r == facts.remember);
        group && client && class && remember
    }
}

/// A rule: where it matches, it sets what it names. The first match wins, key by key.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rule {
    /// Where.
    pub when: Condition,
    /// What.
    pub set: Setting,
}

/// What sessions must share to be counted together by a further limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Per {
    /// The same client; those without one count together.
    Client,
}

/// A further limit; all limits hold at once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limit {
    /// What is counted together.
    pub per: Per,
    /// Which sessions count.
    pub when: Condition,
    /// How many there may be.
    pub max_sessions: SessionLimit,
}

/// A policy: terms for everybody, rules that change them, and further limits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    /// Its number.
    pub version: PolicyVersion,
    /// What holds where no rule says otherwise.
    pub terms: Terms,
    /// In order; the first match wins for each key it sets.
    pub rules: Vec<Rule>,
    /// Further limits.
    pub limits: Vec<Limit>,
}

impl Policy {
    /// Whether any session's tokens may fall due for rotation at a check.
    #[must_use]
    pub fn may_rotate(&self) -> bool {
        let somewhere = |r: &Rule| r.set.rotate_every.is_some();
        self.terms.rotate_every.is_some() || self.rules.iter().any(somewhere)
    }

    /// What holds for a sign-in or session with these facts.
    #[must_use]
    pub fn terms(&self, facts: &Facts<'_>) -> Terms {
        let mut set = Setting::default();
        for rule in self.rules.iter().filter(|r| r.when.matches(facts)) {
            set = set.or(rule.set);
        }
        Terms {
            max_sessions: set.max_sessions.unwrap_or(self.terms.max_sessions),
            at_limit: set.at_limit.unwrap_or(self.terms.at_limit),
            idle: set.idle.unwrap_or(self.terms.idle),
            absolute: set.absolute.unwrap_or(self.terms.absolute),
            rotation_grace: set.rotation_grace.unwrap_or(self.terms.rotation_grace),
            rotate_every: set.rotate_every.or(self.terms.rotate_every),
            freshness: set.freshness.unwrap_or(self.terms.freshness),
        }
    }
}

impl Setting {
    /// What this sets, and `later` where this is silent.
    fn or(self, later: Self) -> Self {
        Self {
            max_sessions: self.max_sessions.or(later.max_sessions),
            at_limit: self.at_limit.or(later.at_limit),
            idle: self.idle.or(later.idle),
            absolute: self.absolute.or(later.absolute),
            rotation_grace: self.rotation_grace.or(later.rotation_grace),
            rotate_every: self.rotate_every.or(later.rotate_every),
            freshness: self.freshness.or(later.freshness),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(groups: &'a [GroupName], client: Option<&'a ClientId>) -> Facts<'a> {
        Facts {
            groups,
            client,
            class: SessionClass::Interactive,
            remember: false,
        }
    }

    fn limit(sessions: u64) -> Option<SessionLimit> {
        SessionLimit::new(sessions)
    }

    #[test]
    fn given_two_rules_that_match_when_asked_then_the_first_wins_for_each_key_it_sets() {
        let admins = GroupName::parse("admins").unwrap();
        let policy = Policy {
            rules: vec![
                Rule {
                    when: Condition {
                        groups: vec![admins.clone()],
                        ..Condition::default()
                    },
                    set: Setting {
                        max_sessions: limit(2),
                        ..Setting::default()
                    },
                },
                Rule {
                    when: Condition::default(),
                    set: Setting {
                        max_sessions: limit(9),
                        at_limit: Some(Overflow::Refuse),
                        ..Setting::default()
                    },
                },
            ],
            ..Policy::default()
        };

        let terms = policy.terms(&facts(&[admins], None));

        assert_eq!(terms.max_sessions.get(), 2);
        assert_eq!(terms.at_limit, Overflow::Refuse);
        assert_eq!(policy.terms(&facts(&[], None)).max_sessions.get(), 9);
    }

    #[test]
    fn given_a_condition_on_clients_when_there_is_none_then_it_does_not_match() {
        let tv = ClientId::parse("tv").unwrap();
        let when = Condition {
            clients: vec![tv.clone()],
            ..Condition::default()
        };

        assert!(when.matches(&facts(&[], Some(&tv))));
        assert!(!when.matches(&facts(&[], None)));
    }

    #[test]
    fn given_a_limit_of_zero_or_above_a_thousand_when_made_then_it_is_refused() {
        assert_eq!(limit(0), None);
        assert_eq!(limit(1001), None);
        assert_eq!(limit(u64::MAX), None);
        assert_eq!(limit(1000), Some(SessionLimit::MAX));
    }
}

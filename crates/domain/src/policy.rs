//! The policy: how many sessions, for how long, and what happens at the limit.

mod faults;
mod laxer;
mod preset;
mod tenant;
mod terms;
mod warnings;
mod word;

use crate::device::DeviceClass;
use crate::name::{ClientId, GroupName};
use crate::session::SessionClass;

pub use faults::Fault;
pub use preset::{Laxer, Preset, Reasons};
pub use tenant::{Seats, TenantLimit};
pub use terms::{Bounds, Setting, Terms, VisitTerms};
pub use warnings::Warning;
pub use word::Word;

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

/// What happens when a subject signs in from a device it has not signed in from before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnseenDevice {
    /// Nothing.
    Allow,
    /// It is let in, and told of.
    Notify,
    /// It is turned away. Somebody who has no known device yet needs a rule that lets in one.
    Refuse,
}

/// What becomes of a session when its subject signs in to the same client on the same device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SameDevice {
    /// The newcomer takes its seat: it ends as superseded.
    Replace,
    /// It stays, and both are counted.
    Count,
}

/// What a new session is bound to. See [`Binding`](crate::session::Binding).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BindTo {
    /// Nothing.
    Nothing,
    /// The device it is opened on, by the token that the device holds.
    Device,
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
    /// What kind of device it is on.
    pub device_class: DeviceClass,
}

impl Condition {
    /// The most groups, clients or classes that it may list.
    pub const LISTED_MAX: usize = 256;

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
    /// Why, where that is laxer than the preset asks.
    pub reasons: Reasons,
}

/// What sessions must share to be counted together by a further limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Per {
    /// The same client; those without one count together.
    Client,
    /// The same class of device.
    DeviceClass,
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
    /// The standard that it keeps to, but for what is explained.
    pub preset: Option<&'static Preset>,
    /// What holds where no rule says otherwise.
    pub terms: Terms,
    /// Why, where that is laxer than the preset asks.
    pub reasons: Reasons,
    /// In order; the first match wins for each key it sets.
    pub rules: Vec<Rule>,
    /// Further limits.
    pub limits: Vec<Limit>,
    /// Limits on all sessions of a tenant together.
    pub tenants: Vec<TenantLimit>,
}

impl Policy {
    /// The most rules, and the most further limits, that there may be.
    pub const ROWS_MAX: usize = 256;

    /// Whether any session's tokens may fall due for rotation at a check.
    #[must_use]
    pub fn may_rotate(&self) -> bool {
        let somewhere = |r: &Rule| r.set.rotate_every.is_some();
        self.terms.rotate_every.is_some() || self.rules.iter().any(somewhere)
    }

    /// Whether some rule speaks of people who sign in to `client` and asked to be remembered. In
    /// which groups somebody is, nobody knows before the sign-in.
    #[must_use]
    pub fn speaks_of_remembered(&self, client: &ClientId) -> bool {
        self.rules.iter().map(|rule| &rule.when).any(|when| {
            when.remember == Some(true)
                && (when.clients.is_empty() || when.clients.contains(client))
                && (when.classes.is_empty() || when.classes.contains(&SessionClass::Interactive))
        })
    }

    /// What holds for a sign-in or session with these facts.
    #[must_use]
    pub fn terms(&self, facts: &Facts<'_>) -> Terms {
        let mut set = Setting::default();
        for rule in self.rules.iter().filter(|r| r.when.matches(facts)) {
            set = set.or(rule.set);
        }
        self.terms.with(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    fn facts<'a>(groups: &'a [GroupName], client: Option<&'a ClientId>) -> Facts<'a> {
        Facts {
            groups,
            client,
            class: SessionClass::Interactive,
            remember: false,
            device_class: DeviceClass::Other,
        }
    }

    fn limit(sessions: u64) -> Option<SessionLimit> {
        SessionLimit::new(sessions)
    }

    #[test]
    fn given_rotation_in_the_terms_or_in_any_rule_when_asked_then_tokens_may_fall_due() {
        let every = Some(std::time::Duration::from_hours(1));
        let mut policy = Policy::default();
        assert!(!policy.may_rotate());

        policy.rules = vec![Rule::default()];
        assert!(!policy.may_rotate());

        policy.rules.push(Rule {
            set: Setting {
                rotate_every: every,
                ..Setting::default()
            },
            ..Rule::default()
        });
        assert!(policy.may_rotate());

        policy.rules.clear();
        policy.terms.rotate_every = every;
        assert!(policy.may_rotate());
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
                    ..Rule::default()
                },
                Rule {
                    when: Condition::default(),
                    set: Setting {
                        max_sessions: limit(9),
                        at_limit: Some(Overflow::Refuse),
                        ..Setting::default()
                    },
                    ..Rule::default()
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
    fn given_a_rule_by_group_that_sets_a_budget_when_looked_at_then_it_is_a_fault() {
        let rule = |group: Option<&str>, set| Rule {
            when: Condition {
                groups: group
                    .map(|g| GroupName::parse(g).unwrap())
                    .into_iter()
                    .collect(),
                remember: Some(true),
                ..Condition::default()
            },
            set,
            reasons: Reasons::new(),
        };
        let hosted = Setting {
            sign_ins: Some(Budget::TEN_A_MINUTE),
            ..Setting::default()
        };
        let api = Setting {
            api_sign_ins: Some(Budget::TEN_A_MINUTE),
            ..Setting::default()
        };
        let policy = Policy {
            rules: vec![
                rule(None, hosted),
                rule(Some("admins"), hosted),
                rule(Some("admins"), api),
            ],
            ..Policy::default()
        };

        let faults = policy.faults();

        let told: Vec<_> = faults.iter().map(|f| (f.rule, f.key)).collect();
        assert_eq!(told, [(Some(1), "sign_ins"), (Some(2), "api_sign_ins")]);
    }

    #[test]
    fn given_a_limit_of_zero_or_above_a_thousand_when_made_then_it_is_refused() {
        assert_eq!(limit(0), None);
        assert_eq!(limit(1001), None);
        assert_eq!(limit(u64::MAX), None);
        assert_eq!(limit(1000), Some(SessionLimit::MAX));
    }

    #[test]
    fn given_rules_when_asked_for_the_remembered_then_only_those_that_may_match_people_count() {
        let web = ClientId::parse("web").unwrap();
        let speaks = |when: Condition| {
            let rule = Rule {
                when,
                ..Rule::default()
            };
            let policy = Policy {
                rules: vec![Rule::default(), rule],
                ..Policy::default()
            };
            policy.speaks_of_remembered(&web)
        };
        let remembered = Condition {
            remember: Some(true),
            groups: vec![GroupName::parse("staff").unwrap()],
            ..Condition::default()
        };

        assert!(speaks(remembered.clone()));
        assert!(speaks(Condition {
            clients: vec![web.clone()],
            classes: vec![SessionClass::Machine, SessionClass::Interactive],
            ..remembered.clone()
        }));
        for other in [
            Condition::default(),
            Condition {
                remember: Some(false),
                ..remembered.clone()
            },
            Condition {
                clients: vec![ClientId::parse("tv").unwrap()],
                ..remembered.clone()
            },
            Condition {
                classes: vec![SessionClass::Machine],
                ..remembered.clone()
            },
        ] {
            assert!(!speaks(other.clone()), "{other:?}");
        }
    }
}

//! Warnings: what a policy may say, and probably does not mean.

use std::time::Duration;

use super::{
    Bounds, Condition, Overflow, Policy, SessionLimit, Setting, Terms, UnseenDevice, VisitTerms,
    Word,
};
use crate::budget::Budget;

/// Something that is probably not meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Where, in the words of the configuration file, such as `policy.rule[2]`, from 1.
    pub place: String,
    /// What, in a sentence without its full stop.
    pub text: String,
}

impl Policy {
    /// What is probably not meant, in order.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut found = Vec::new();
        let mut warn = |place: String, text: String| found.push(Warning { place, text });
        let everywhere = std::iter::once(("policy".to_owned(), self.terms));
        let rules = self.rules.iter().enumerate();
        let places = rules.map(|(n, rule)| (row("rule", n), self.terms.with(rule.set)));
        for (place, terms) in everywhere.chain(places) {
            for text in doubts(terms) {
                // What holds for everybody is said once, not again at every rule.
                if place == "policy" || !doubts(self.terms).contains(&text) {
                    warn(place.clone(), text);
                }
            }
        }
        for (place, rule) in self.rules.iter().enumerate() {
            let earlier = self.rules[..place].iter();
            let taken = earlier
                .filter(|earlier| earlier.when.covers(&rule.when))
                .fold(Setting::default(), |taken, earlier| taken.or(earlier.set));
            let (set, lost) = (keys(rule.set), keys(taken));
            let never: Vec<_> = set.iter().copied().filter(|k| lost.contains(k)).collect();
            if never.len() == set.len() && !set.is_empty() {
                let text = "is never reached: earlier rules match whenever it does, and set all \
                            that it sets";
                warn(row("rule", place), text.to_owned());
            } else if !never.is_empty() {
                let text = format!(
                    "never sets {}: earlier rules match whenever it does, and set it",
                    never.join(", ")
                );
                warn(row("rule", place), text);
            }
        }
        for (place, key) in self.needless_reasons() {
            let place = place.map_or("policy".to_owned(), |place| row("rule", place));
            let text = match self.preset {
                Some(preset) => format!(
                    "reason.{key} explains nothing: {key} is no laxer there than preset {} asks",
                    preset.word
                ),
                None => format!("reason.{key} explains nothing: there is no preset"),
            };
            warn(place, text);
        }
        let rules = self.rules.iter().filter_map(|rule| rule.set.max_sessions);
        let most = rules.fold(self.terms.max_sessions, Ord::max);
        for (place, limit) in self.limits.iter().enumerate() {
            if limit.max_sessions >= most {
                let text = format!(
                    "never bites: nobody may have more than {} sessions in all",
                    most.get()
                );
                warn(row("limit", place), text);
            }
        }
        found
    }
}

impl Policy {
    /// The reasons that are written for keys which are not laxer than the preset asks.
    fn needless_reasons(&self) -> Vec<(Option<usize>, &'static str)> {
        let rules = self.rules.iter().enumerate();
        let rules = rules.map(|(place, rule)| (Some(place), &rule.reasons));
        let everywhere = std::iter::once((None, &self.reasons)).chain(rules);
        let written =
            everywhere.flat_map(|(rule, reasons)| reasons.keys().map(move |k| (rule, *k)));
        let laxer: Vec<_> = self.laxer().iter().map(|l| (l.rule, l.key)).collect();
        written.filter(|place| !laxer.contains(place)).collect()
    }
}

/// What is doubtful about terms, wherever they hold.
fn doubts(terms: Terms) -> Vec<String> {
    let mut doubts = Vec::new();
    let evicts = matches!(
        terms.at_limit,
        Overflow::EvictOldest | Overflow::EvictLeastRecent
    );
    if evicts && terms.unseen_device == UnseenDevice::Allow {
        doubts.push(
            "a sign-in evicts and nobody is told of a new device: whoever stole a password can \
             push its owner out unnoticed; set unseen_device = \"notify\""
                .to_owned(),
        );
    }
    if terms.at_limit == Overflow::Observe {
        doubts.push("under observe no limit is in force".to_owned());
    }
    if terms.idle > terms.absolute {
        doubts.push(
            "the idle time is never reached: the session ends before it by the absolute one"
                .to_owned(),
        );
    }
    if terms
        .rotate_every
        .is_some_and(|every| every >= terms.absolute)
    {
        doubts.push("rotate_every never falls due: the session ends before it".to_owned());
    }
    doubts
}

fn row(list: &str, place: usize) -> String {
    format!("policy.{list}[{}]", place + 1)
}

impl Condition {
    /// Whether this matches whatever the other does.
    fn covers(&self, other: &Self) -> bool {
        all_within(&self.groups, &other.groups)
            && all_within(&self.clients, &other.clients)
            && all_within(&self.classes, &other.classes)
            && self.remember.is_none_or(|r| other.remember == Some(r))
    }
}

fn all_within<T: PartialEq>(wide: &[T], narrow: &[T]) -> bool {
    wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|n| wide.contains(n)))
}

/// The keys that are set.
fn keys(mut set: Setting) -> Vec<&'static str> {
    let mut named = Named::default();
    set.visit(&mut named);
    named.0
}

#[derive(Default)]
struct Named(Vec<&'static str>);

impl Named {
    fn note<T>(&mut self, key: &'static str, slot: Option<&T>) {
        self.0.extend(slot.map(|_| key));
    }
}

impl VisitTerms for Named {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        self.note(key, slot.as_ref());
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, _: Bounds) {
        self.note(key, slot.as_ref());
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        self.note(key, slot.as_ref());
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        self.note(key, slot.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Limit, Per, Rule};
    use crate::session::SessionClass;
    use crate::testing::{groups, limit};

    fn rule(names: &[&str], set: Setting) -> Rule {
        let when = Condition {
            groups: groups(names).into(),
            ..Condition::default()
        };
        Rule {
            when,
            set,
            ..Rule::default()
        }
    }

    fn at_most(sessions: u64) -> Setting {
        Setting {
            max_sessions: Some(limit(sessions)),
            ..Setting::default()
        }
    }

    fn told(policy: &Policy) -> Vec<(String, String)> {
        let warnings = policy.warnings().into_iter();
        warnings.map(|w| (w.place, w.text)).collect()
    }

    #[test]
    fn given_the_default_policy_when_looked_at_then_nothing_is_doubtful() {
        assert!(Policy::default().warnings().is_empty());
    }

    #[test]
    fn given_an_idle_time_as_long_as_the_absolute_when_looked_at_then_only_a_longer_is_doubtful() {
        let with = |idle: u64| Policy {
            terms: Terms {
                idle: Duration::from_hours(idle),
                absolute: Duration::from_hours(12),
                ..Terms::default()
            },
            ..Policy::default()
        };

        assert!(told(&with(12)).is_empty());
        assert_eq!(told(&with(13)).len(), 1);
    }

    #[test]
    fn given_rules_that_set_a_word_when_a_wider_one_sets_it_too_then_that_is_named() {
        let asking = Setting {
            at_limit: Some(Overflow::Ask),
            ..Setting::default()
        };
        let policy = Policy {
            rules: vec![
                rule(&["staff", "admins"], asking),
                rule(&["admins"], Setting { ..asking }),
            ],
            ..Policy::default()
        };

        let warned = told(&policy);

        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(warned[0].1.starts_with("is never reached"), "{warned:?}");
    }

    #[test]
    fn given_a_rule_behind_a_wider_one_when_looked_at_then_it_is_never_reached() {
        let wide = rule(&["staff", "admins"], at_most(2));
        let narrow = rule(&["admins"], at_most(1));
        let both = |rules| Policy {
            rules,
            ..Policy::default()
        };

        let warned = told(&both(vec![wide.clone(), narrow.clone()]));
        assert_eq!(warned.len(), 1, "{warned:?}");
        assert_eq!(warned[0].0, "policy.rule[2]");
        assert!(warned[0].1.starts_with("is never reached"), "{warned:?}");
        assert!(told(&both(vec![narrow, wide])).is_empty());
    }

    #[test]
    fn given_a_rule_of_which_some_is_taken_when_looked_at_then_that_is_named() {
        let mut second = at_most(1);
        second.idle = Some(Duration::from_mins(1));
        let mut elsewhere = rule(&["admins"], second);
        elsewhere.when.classes = vec![SessionClass::Machine];
        let policy = Policy {
            rules: vec![rule(&["admins"], at_most(2)), elsewhere],
            ..Policy::default()
        };

        let warned = told(&policy);

        assert_eq!(warned.len(), 1, "{warned:?}");
        assert!(warned[0].1.starts_with("never sets max_sessions:"));
    }

    #[test]
    fn given_a_limit_that_is_above_all_others_when_looked_at_then_it_never_bites() {
        let further = |max| Limit {
            per: Per::Client,
            when: Condition::default(),
            max_sessions: limit(max),
        };
        let policy = Policy {
            limits: vec![further(4), further(5)],
            ..Policy::default()
        };

        let warned = told(&policy);

        assert_eq!(warned.len(), 1, "{warned:?}");
        assert_eq!(warned[0].0, "policy.limit[2]");
    }

    #[test]
    fn given_doubtful_terms_when_looked_at_then_each_is_said_once() {
        let mut policy = Policy::default();
        policy.terms.unseen_device = UnseenDevice::Allow;
        policy.terms.rotate_every = Some(policy.terms.absolute);
        let mut set = at_most(1);
        set.idle = Some(Duration::from_hours(13));
        set.at_limit = Some(Overflow::Observe);
        policy.rules = vec![rule(&["admins"], set)];

        let places: Vec<_> = told(&policy).into_iter().map(|(place, _)| place).collect();

        let rule = "policy.rule[1]";
        assert_eq!(places, ["policy", "policy", rule, rule]);
    }
}

//! Presets: what a standard asks of a policy, and why a policy is laxer where it is.
//!
//! A preset is a default. What the policy sets beside it may be stricter without a word; where it
//! is laxer, somebody has to say why, so that the deviation is there to be read by whoever asks
//! (ASVS 5.0 7.1.1 wants deviations from SP 800-63B justified).

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Bounds, Policy, SessionLimit, Setting, Terms, VisitTerms, Word};
use crate::budget::Budget;
use crate::name::Reason;

/// What a standard asks, as data: it is compared and never changed.
#[derive(Debug, Eq, PartialEq)]
pub struct Preset {
    /// Its word, such as `asvs_l2`.
    pub word: String,
    /// The standard, with its version.
    pub title: String,
    /// Where that can be read.
    pub source: String,
    /// What it asks.
    pub asks: Setting,
    /// For each key that it asks something of, the clause that does, and what it says.
    pub clauses: BTreeMap<&'static str, String>,
}

impl Preset {
    /// The clause from which what it asks of a key comes.
    #[must_use]
    pub fn clause(&self, key: &str) -> &str {
        self.clauses.get(key).map_or("", String::as_str)
    }
}

/// Why keys are laxer than the preset asks, by key.
pub type Reasons = BTreeMap<&'static str, Reason>;

/// A key that is laxer than the preset asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Laxer<'a> {
    /// In which rule; `None` for what holds for everybody.
    pub rule: Option<usize>,
    /// The key.
    pub key: &'static str,
    /// Than what.
    pub preset: &'static Preset,
    /// Why, if that is said.
    pub reason: Option<&'a Reason>,
}

impl Policy {
    /// What holds for everybody where the policy sets nothing: the defaults, or the preset's.
    #[must_use]
    pub fn base(preset: Option<&Preset>) -> Terms {
        let asks = preset.map_or_else(Setting::default, |preset| preset.asks);
        Terms::default().with(asks)
    }

    /// Where it is laxer than its preset asks, in order.
    #[must_use]
    pub fn laxer(&self) -> Vec<Laxer<'_>> {
        let Some(preset) = self.preset else {
            return Vec::new();
        };
        let everybody = std::iter::once((None, self.terms.into(), &self.reasons));
        let rules = self.rules.iter().enumerate();
        let rules = rules.map(|(place, rule)| (Some(place), rule.set, &rule.reasons));
        let laxer = everybody.chain(rules).flat_map(|(rule, set, reasons)| {
            let keys = set.laxer_than(preset.asks).into_iter();
            keys.map(move |key| Laxer {
                rule,
                key,
                preset,
                reason: reasons.get(key),
            })
        });
        laxer.collect()
    }
}

impl Setting {
    /// Whether it sets this key.
    #[must_use]
    pub fn sets(self, key: &str) -> bool {
        !self.written(key).is_empty()
    }

    /// The value of a key, as the API writes it: a number, whole seconds or a word.
    pub(super) fn written(mut self, key: &str) -> String {
        let mut writing = Writing {
            key,
            written: String::new(),
        };
        self.visit(&mut writing);
        writing.written
    }
}

struct Writing<'k> {
    key: &'k str,
    written: String,
}

impl Writing<'_> {
    fn note<T: ToString>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value.filter(|_| key == self.key) {
            self.written = value.to_string();
        }
    }
}

impl VisitTerms for Writing<'_> {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        self.note(key, slot.map(SessionLimit::get));
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, _: Bounds) {
        self.note(key, slot.map(|span| span.as_secs()));
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        self.note(key, slot.map(Word::word));
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        self.note(key, slot.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{BindTo, Overflow, Rule, SameDevice, UnseenDevice};
    use crate::testing::limit;

    /// What the everyday terms are no laxer than, key by key.
    fn asks() -> Setting {
        Setting::from(Terms {
            rotate_every: Some(Duration::from_hours(1)),
            api_sign_ins: Budget::parse("100/1m").ok(),
            binding: BindTo::Device,
            ..Terms::default()
        })
    }

    fn preset(asks: Setting) -> &'static Preset {
        Box::leak(Box::new(Preset {
            word: "house_rules".to_owned(),
            title: "House rules 1".to_owned(),
            source: "https://rules.example".to_owned(),
            asks,
            clauses: BTreeMap::from([("idle", "7: at most 30 minutes".to_owned())]),
        }))
    }

    fn because(key: &'static str) -> Reasons {
        let reason = Reason::parse("the display in the hall").expect("it is a reason");
        Reasons::from([(key, reason)])
    }

    #[test]
    fn given_a_setting_when_a_value_is_written_then_it_is_as_the_api_writes_it() {
        let asks = asks();

        for (key, written) in [
            ("max_sessions", "5"),
            ("at_limit", "evict_least_recent"),
            ("idle", "1800"),
            ("api_sign_ins", "100/1m"),
            ("binding", "device_cookie"),
            ("no_such_key", ""),
        ] {
            assert_eq!(asks.written(key), written, "{key}");
            assert_eq!(asks.sets(key), !written.is_empty(), "{key}");
        }
        assert!(!Setting::default().sets("idle"));
    }

    #[test]
    fn given_each_key_when_it_is_laxer_or_stricter_than_asked_then_only_laxer_is_named() {
        let one = Duration::from_secs(1);
        let base = Terms::default();
        let laxer = Setting {
            max_sessions: Some(limit(6)),
            at_limit: Some(Overflow::Observe),
            idle: Some(base.idle + one),
            absolute: Some(base.absolute + one),
            rotation_grace: Some(base.rotation_grace + one),
            rotate_every: Some(Duration::from_hours(2)),
            freshness: Some(base.freshness + one),
            same_device: Some(SameDevice::Count),
            unseen_device: Some(UnseenDevice::Allow),
            binding: Some(BindTo::Nothing),
            protect_trusted_for: Some(base.protect_trusted_for.saturating_sub(one)),
            sign_ins: Budget::parse("11/1m").ok(),
            api_sign_ins: Budget::parse("100/59s").ok(),
        };
        let stricter = Setting {
            max_sessions: Some(limit(4)),
            at_limit: Some(Overflow::Refuse),
            idle: Some(base.idle.saturating_sub(one)),
            absolute: Some(base.absolute.saturating_sub(one)),
            rotation_grace: Some(base.rotation_grace.saturating_sub(one)),
            rotate_every: Some(Duration::from_mins(59)),
            freshness: Some(base.freshness.saturating_sub(one)),
            same_device: Some(SameDevice::Replace),
            unseen_device: Some(UnseenDevice::Refuse),
            binding: Some(BindTo::Device),
            protect_trusted_for: Some(base.protect_trusted_for + one),
            sign_ins: Budget::parse("9/1m").ok(),
            api_sign_ins: Budget::parse("100/61s").ok(),
        };

        assert_eq!(laxer.laxer_than(asks()), Setting::KEYS);
        assert_eq!(stricter.laxer_than(asks()), <[&str; 0]>::default());
        assert_eq!(asks().laxer_than(asks()), <[&str; 0]>::default());
        assert_eq!(laxer.laxer_than(Setting::default()), <[&str; 0]>::default());
    }

    #[test]
    fn given_a_laxer_value_when_no_reason_is_written_then_it_is_a_fault_that_says_what_to_write() {
        let mut policy = Policy {
            preset: Some(preset(asks())),
            terms: Policy::base(Some(preset(asks()))),
            ..Policy::default()
        };
        policy.terms.idle = Duration::from_hours(1);

        let faults = policy.faults();

        let [fault] = faults.as_slice() else {
            panic!("not one fault: {faults:?}");
        };
        assert_eq!((fault.rule, fault.key), (None, "idle"));
        for part in ["house_rules", "1800", "7: at most 30 minutes", "reason"] {
            assert!(fault.expected.contains(part), "{}", fault.expected);
        }
        policy.reasons = because("idle");
        assert!(policy.faults().is_empty());
    }

    #[test]
    fn given_a_rule_that_is_laxer_when_the_reason_stands_elsewhere_then_it_is_still_a_fault() {
        let mut policy = Policy {
            preset: Some(preset(asks())),
            terms: Policy::base(Some(preset(asks()))),
            ..Policy::default()
        };
        let set = Setting {
            idle: Some(Duration::from_hours(1)),
            ..Setting::default()
        };
        policy.reasons = because("idle");
        policy.rules = vec![Rule {
            set,
            ..Rule::default()
        }];

        assert_eq!(policy.faults().len(), 1);
        policy.rules[0].reasons = because("idle");
        assert!(policy.faults().is_empty());
    }

    #[test]
    fn given_reasons_for_what_is_not_laxer_when_looked_at_then_each_is_doubtful() {
        let stray = Policy {
            reasons: because("idle"),
            ..Policy::default()
        };
        let mut strict = Policy {
            preset: Some(preset(asks())),
            terms: Policy::base(Some(preset(asks()))),
            reasons: because("max_sessions"),
            ..Policy::default()
        };
        strict.terms.idle = Duration::from_mins(1);

        let told = |policy: &Policy| {
            let warnings = policy.warnings();
            let texts = warnings.into_iter().map(|w| (w.place, w.text));
            texts.collect::<Vec<_>>()
        };

        let [(place, text)] = &*told(&stray) else {
            panic!("not one warning: {:?}", told(&stray));
        };
        assert_eq!(place, "policy");
        assert!(text.contains("reason.idle"), "{text}");
        let [(_, text)] = &*told(&strict) else {
            panic!("not one warning: {:?}", told(&strict));
        };
        assert!(text.contains("reason.max_sessions"), "{text}");
    }
}

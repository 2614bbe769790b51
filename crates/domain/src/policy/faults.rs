//! Faults: what no policy may say, however it is written.

use std::time::Duration;

use super::{Laxer, Policy, Setting};

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// In which rule; `None` for what holds for everybody.
    pub rule: Option<usize>,
    /// At which key.
    pub key: &'static str,
    /// What was expected, as a fragment.
    pub expected: String,
}

impl Policy {
    /// What is wrong with it, in order.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let everybody = idle_beyond_absolute(None, self.terms.into());
        let rules = self.rules.iter().enumerate();
        let rules = rules.filter_map(|(place, rule)| idle_beyond_absolute(Some(place), rule.set));
        let laxer = self.laxer().into_iter().filter(|l| l.reason.is_none());
        let spans = everybody.into_iter().chain(rules);
        spans.chain(laxer.map(unexplained)).collect()
    }
}

/// A value that is laxer than the preset asks, and nobody says why.
fn unexplained(laxer: Laxer<'_>) -> Fault {
    let Laxer { key, preset, .. } = laxer;
    let (word, asked) = (&preset.word, preset.asks.written(key));
    let (title, clause) = (&preset.title, preset.clause(key));
    Fault {
        rule: laxer.rule,
        key,
        expected: format!(
            "a value no laxer than {asked}, which preset {word} asks for ({title}, {clause}), or \
             why it is laxer, written beside it as reason.{key}"
        ),
    }
}

/// An idle time that could never be reached, since the session ends before it.
fn idle_beyond_absolute(rule: Option<usize>, set: Setting) -> Option<Fault> {
    let (idle, absolute): (Duration, Duration) = (set.idle?, set.absolute?);
    (idle > absolute).then(|| Fault {
        rule,
        key: "idle",
        expected: "an idle time that is not longer than the absolute one".to_owned(),
    })
}

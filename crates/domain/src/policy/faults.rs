//! Faults: what no policy may say, however it is written.

use std::time::Duration;

use super::{Laxer, Policy, Rule, Setting};

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
        let spans = rules.clone();
        let spans = spans.filter_map(|(place, rule)| idle_beyond_absolute(Some(place), rule.set));
        let budgets = rules.filter_map(|(place, rule)| by_group(place, rule));
        let laxer = self.laxer().into_iter().filter(|l| l.reason.is_none());
        let spans = everybody.into_iter().chain(spans).chain(budgets);
        spans.chain(laxer.map(unexplained)).collect()
    }
}

fn by_group(place: usize, rule: &Rule) -> Option<Fault> {
    let key = rule.budget_by_group()?;
    Some(Fault {
        rule: Some(place),
        key,
        expected: Rule::NO_BUDGET_BY_GROUP.to_owned(),
    })
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

impl Rule {
    /// Why a rule by group cannot set a budget, as what was expected instead.
    pub const NO_BUDGET_BY_GROUP: &str = "a `when` without `group`: a budget is asked before it is \
                                          known who signs in, and by group it would tell who is \
                                          in one";

    /// The budget that this rule sets by group, where it does.
    #[must_use]
    pub fn budget_by_group(&self) -> Option<&'static str> {
        let Setting {
            sign_ins,
            api_sign_ins,
            ..
        } = self.set;
        let key = match (sign_ins, api_sign_ins) {
            (Some(_), _) => Some("sign_ins"),
            (None, Some(_)) => Some("api_sign_ins"),
            (None, None) => None,
        };
        key.filter(|_| !self.when.groups.is_empty())
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

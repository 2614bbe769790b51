//! From what was found to typed settings, and the rules that hold between them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::kinds::Kind;
use super::problem::{Fault, Origin, Problems};
use super::schema::{Changes, Limit, LimitDraft, Policy, Rule, Section, When};
use super::span;
use super::walk::Entries;

/// Where each value came from, by full key; a key that is not here has its default.
pub(super) type Origins = BTreeMap<String, Origin>;

/// Reads the values of one table.
#[derive(Debug)]
pub(super) struct Reader<'r, 'a> {
    section: String,
    entries: &'r Entries<'a>,
    problems: &'r mut Problems,
    origins: &'r mut Origins,
}

impl<'r, 'a> Reader<'r, 'a> {
    /// Reads one table and everything that its schema names.
    pub(super) fn section<S: Section>(
        section: &str,
        entries: &'r Entries<'a>,
        problems: &'r mut Problems,
        origins: &'r mut Origins,
    ) -> S {
        S::read(&mut Self {
            section: section.to_owned(),
            entries,
            problems,
            origins,
        })
    }

    /// The value of a key, of the strongest door through which a good one came.
    ///
    /// Bad ones are noted even if a stronger door overrides them: who takes the override away
    /// should not meet a mistake that was there all along.
    pub(super) fn take<K: Kind>(&mut self, name: &str, kind: &K) -> Option<K::Value> {
        let key = format!("{}.{name}", self.section);
        let mut value = None;
        for found in self.entries.values(&key) {
            match kind.read(found.raw) {
                Ok(good) => {
                    value = Some(good);
                    self.origins.insert(key.clone(), found.origin.clone());
                }
                Err(refusal) => {
                    self.problems
                        .note(&found.origin, key.clone(), || Fault::BadValue {
                            found: refusal.found,
                            accepted: kind.accepts(),
                            why: refusal.why,
                        });
                }
            }
        }
        value
    }
}

/// Reads the policy for everybody.
pub(super) fn policy(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Policy {
    let policy: Policy = Reader::section("policy", entries, problems, origins);
    idle_within_absolute(
        "policy",
        Some(policy.idle),
        Some(policy.absolute),
        entries,
        problems,
    );
    policy
}

/// Reads the rules.
pub(super) fn rules(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<Rule> {
    let rows = entries.rows("policy.rule");
    note_rows("policy.rule", rows, origins);
    rows.iter().map(|row| rule(row, problems)).collect()
}

fn rule(row: &Entries<'_>, problems: &mut Problems) -> Rule {
    const KEY: &str = "policy.rule";
    let mut origins = Origins::new();
    let changes: Changes = Reader::section(KEY, row, problems, &mut origins);
    let when: When = Reader::section("policy.rule.when", row, problems, &mut origins);
    idle_within_absolute(KEY, changes.idle, changes.absolute, row, problems);

    // A value that was refused was still written, and that was said already.
    let (conditions, others): (Vec<_>, Vec<_>) = row
        .written()
        .partition(|key| key.starts_with("policy.rule.when."));
    if conditions.is_empty() {
        missing(
            row,
            KEY,
            problems,
            "no condition in `when`; what holds for everybody stands in [policy]",
        );
    }
    if others.is_empty() {
        missing(
            row,
            KEY,
            problems,
            "changes nothing; give it a key of [policy], such as max_sessions",
        );
    }
    Rule { when, changes }
}

/// Reads the further limits.
pub(super) fn limits(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<Limit> {
    let rows = entries.rows("policy.limit");
    note_rows("policy.limit", rows, origins);
    rows.iter().filter_map(|row| limit(row, problems)).collect()
}

fn limit(row: &Entries<'_>, problems: &mut Problems) -> Option<Limit> {
    const KEY: &str = "policy.limit";
    let mut origins = Origins::new();
    let draft: LimitDraft = Reader::section(KEY, row, problems, &mut origins);
    let when: When = Reader::section("policy.limit.when", row, problems, &mut origins);

    let written = |key| row.written().any(|written| written == key);
    if !written("policy.limit.per") {
        missing(
            row,
            KEY,
            problems,
            "`per` is missing; \"client\" is accepted",
        );
    }
    if !written("policy.limit.max_sessions") {
        missing(
            row,
            KEY,
            problems,
            "`max_sessions` is missing; a whole number from 1 to 1000 is accepted",
        );
    }
    Some(Limit {
        per: draft.per?,
        when,
        max_sessions: draft.max_sessions?,
    })
}

/// Under which key the origin of one table of a list is kept.
pub(super) fn row_key(list: &str, place: usize) -> String {
    format!("{list}[{place}]")
}

fn note_rows(list: &str, rows: &[Entries<'_>], origins: &mut Origins) {
    for (place, row) in rows.iter().enumerate() {
        origins.insert(row_key(list, place), row.origin.clone());
    }
}

fn missing(row: &Entries<'_>, key: &str, problems: &mut Problems, what: &'static str) {
    if !row.untidy {
        problems.note(&row.origin, key.to_owned(), || Fault::Missing(what));
    }
}

/// Notes an idle time that could never be reached, since the session ends before it.
fn idle_within_absolute(
    section: &str,
    idle: Option<Duration>,
    absolute: Option<Duration>,
    entries: &Entries<'_>,
    problems: &mut Problems,
) {
    let (Some(idle), Some(absolute)) = (idle, absolute) else {
        return;
    };
    let keys = ["idle", "absolute"].map(|name| format!("{section}.{name}"));
    // A value that could not be read left its default behind, which proves nothing.
    let unsure = entries.untidy || keys.iter().any(|key| problems.concern(key));
    if idle <= absolute || unsure {
        return;
    }
    // Where only one of them was set, that is the one to mend; the other is the default.
    let [idle_key, absolute_key] = keys;
    let (key, found) = [idle_key, absolute_key]
        .into_iter()
        .find_map(|key| Some((key.clone(), entries.values(&key).last()?.clone())))
        .expect("the defaults agree, so one of them was set");
    problems.note(&found.origin, key, || Fault::BadValue {
        found: format!(
            "idle = \"{}\" with absolute = \"{}\"",
            span::written(idle),
            span::written(absolute)
        ),
        accepted: "an idle time that is not longer than the absolute one".to_owned(),
        why: None,
    });
}

//! The policy in the file: the domain's table of keys, read and written with a hyphen.

use std::time::Duration;

use innkeeper_domain::budget::Budget;
use innkeeper_domain::name::{ClientId, GroupName, TenantId};
use innkeeper_domain::policy::{
    Bounds, Condition, Limit, Per, Policy, Preset, Rule, Seats, SessionLimit, Setting, TenantLimit,
    VisitTerms, Word,
};
use innkeeper_domain::session::SessionClass;
use innkeeper_domain::span;

use super::effective::Lines;
use super::kinds::{AnyOf, Choice, InAll, Kind, Named, Sessions, SignIns, Span, Truth};
use super::preset::{Explained, Standing, laxer_needs_reason, note_origins};
use super::problem::{Fault, Problems};
use super::read::{Origins, Reader, missing, note_rows};
use super::schema::Section;
use super::walk::Entries;

impl Section for Setting {
    const KEYS: &'static [&'static str] = Self::KEYS;

    fn read(from: &mut Reader<'_, '_>) -> Self {
        let mut set = Self::default();
        set.visit(&mut Taking(from));
        set
    }

    fn write(&self, to: &mut Lines<'_>) {
        let mut set = *self;
        set.visit(&mut Putting(&mut |key, literal| to.line(key, literal)));
    }
}

/// Takes each key from what was found.
struct Taking<'t, 'r, 'a>(&'t mut Reader<'r, 'a>);

impl VisitTerms for Taking<'_, '_, '_> {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        *slot = self.0.take(key, &Sessions);
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, bounds: Bounds) {
        *slot = self.0.take(key, &whole_seconds(bounds));
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        *slot = self.0.take(key, &Choice::new());
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        *slot = self.0.take(key, &SignIns);
    }
}

/// The value of one key as a literal; empty if it is not set.
pub(super) fn literal(mut set: Setting, key: &str) -> String {
    let mut found = String::new();
    let mut keep = |name: &str, literal: Option<String>| {
        if name == key {
            found = literal.unwrap_or_default();
        }
    };
    set.visit(&mut Putting(&mut keep));
    found
}

/// Tells of each key, with its literal if it is set.
struct Putting<'t>(&'t mut dyn FnMut(&str, Option<String>));

impl Putting<'_> {
    fn put<K: Kind>(&mut self, key: &str, kind: &K, value: Option<&K::Value>) {
        self.0(key, value.and_then(|value| kind.literal(value)));
    }
}

impl VisitTerms for Putting<'_> {
    fn sessions(&mut self, key: &'static str, slot: &mut Option<SessionLimit>) {
        self.put(key, &Sessions, slot.as_ref());
    }

    fn span(&mut self, key: &'static str, slot: &mut Option<Duration>, bounds: Bounds) {
        self.put(key, &whole_seconds(bounds), slot.as_ref());
    }

    fn word<W: Word>(&mut self, key: &'static str, slot: &mut Option<W>) {
        self.put(key, &Choice::new(), slot.as_ref());
    }

    fn sign_ins(&mut self, key: &'static str, slot: &mut Option<Budget>) {
        self.put(key, &SignIns, slot.as_ref());
    }
}

const fn whole_seconds(Bounds { least, most }: Bounds) -> Span {
    Span {
        least,
        most,
        step: Duration::from_secs(1),
    }
}

impl Section for Condition {
    const KEYS: &'static [&'static str] = &["group", "client", "class", "remember"];

    fn read(from: &mut Reader<'_, '_>) -> Self {
        Self {
            groups: from.take("group", &GROUPS).unwrap_or_default(),
            clients: from.take("client", &CLIENTS).unwrap_or_default(),
            classes: from.take("class", &classes()).unwrap_or_default(),
            remember: from.take("remember", &Truth),
        }
    }

    fn write(&self, to: &mut Lines<'_>) {
        to.line("group", GROUPS.literal(&self.groups));
        to.line("client", CLIENTS.literal(&self.clients));
        to.line("class", classes().literal(&self.classes));
        to.line("remember", self.remember.and_then(|r| Truth.literal(&r)));
    }
}

const GROUPS: AnyOf<Named<GroupName>> = AnyOf(Named(GroupName::parse));
const CLIENTS: AnyOf<Named<ClientId>> = AnyOf(Named(ClientId::parse));

const fn classes() -> AnyOf<Choice<SessionClass>> {
    AnyOf(Choice::new())
}

/// The keys of a further limit, before it is known that both were given.
pub(super) struct LimitDraft {
    per: Option<Per>,
    max_sessions: Option<SessionLimit>,
}

impl Section for LimitDraft {
    const KEYS: &'static [&'static str] = &["per", "max_sessions"];

    fn read(from: &mut Reader<'_, '_>) -> Self {
        Self {
            per: from.take("per", &Choice::new()),
            max_sessions: from.take("max_sessions", &Sessions),
        }
    }

    fn write(&self, to: &mut Lines<'_>) {
        to.line("per", self.per.and_then(|p| Choice::new().literal(&p)));
        let max = self.max_sessions.as_ref();
        to.line("max_sessions", max.and_then(|m| Sessions.literal(m)));
    }
}

impl From<&Limit> for LimitDraft {
    fn from(limit: &Limit) -> Self {
        Self {
            per: Some(limit.per),
            max_sessions: Some(limit.max_sessions),
        }
    }
}

impl Section for TenantLimit {
    const KEYS: &'static [&'static str] = &["tenant", "seats"];

    fn read(from: &mut Reader<'_, '_>) -> Self {
        Self {
            tenants: from.take("tenant", &TENANTS).unwrap_or_default(),
            seats: from.take("seats", &InAll).unwrap_or(Seats::MAX),
        }
    }

    fn write(&self, to: &mut Lines<'_>) {
        to.line("tenant", TENANTS.literal(&self.tenants));
        to.line("seats", InAll.literal(&self.seats));
    }
}

const TENANTS: AnyOf<Named<TenantId>> = AnyOf(Named(TenantId::parse));

/// Reads the policy; its version is the register's to give.
pub(super) fn policy(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Policy {
    let Standing(preset) = Reader::section("policy", entries, problems, origins);
    let set: Setting = Reader::section("policy", entries, problems, origins);
    let Explained(reasons) = Reader::section("policy.reason", entries, problems, origins);
    let terms = Policy::base(preset).with(set);
    idle_within_absolute("policy", terms.into(), entries, problems);
    if let Some(preset) = preset {
        laxer_needs_reason("policy", set, preset, entries, problems);
        note_origins(preset, origins);
    }
    Policy {
        preset,
        terms,
        reasons,
        rules: rules(preset, entries, problems, origins),
        limits: limits(entries, problems, origins),
        tenants: tenants(entries, problems, origins),
        ..Policy::default()
    }
}

/// The tables of a list, as many as a policy holds.
pub(super) fn bounded<'r, 'a>(
    list: &str,
    entries: &'r Entries<'a>,
    problems: &mut Problems,
) -> &'r [Entries<'a>] {
    let rows = entries.rows(list);
    let Some(first_too_many) = rows.get(Policy::ROWS_MAX) else {
        return rows;
    };
    problems.note(&first_too_many.origin, list.to_owned(), || {
        Fault::Missing("one table too many: a policy holds 256 of them at most")
    });
    &rows[..Policy::ROWS_MAX]
}

fn rules(
    preset: Option<&Preset>,
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<Rule> {
    let read = bounded("policy.rule", entries, problems).iter();
    // One that only asks for what happens anyway says nothing.
    let (rules, rows): (Vec<_>, Vec<_>) = read
        .map(|row| (rule(preset, row, problems), row))
        .filter(|(rule, _)| rule.set != Setting::default())
        .unzip();
    note_rows("policy.rule", rows, origins);
    rules
}

fn rule(preset: Option<&Preset>, row: &Entries<'_>, problems: &mut Problems) -> Rule {
    const KEY: &str = "policy.rule";
    let mut origins = Origins::new();
    let set: Setting = Reader::section(KEY, row, problems, &mut origins);
    let when: Condition = Reader::section("policy.rule.when", row, problems, &mut origins);
    let Explained(reasons) = Reader::section("policy.rule.reason", row, problems, &mut origins);
    idle_within_absolute(KEY, set, row, problems);
    if let Some(preset) = preset {
        laxer_needs_reason(KEY, set, preset, row, problems);
    }
    let rule = Rule { when, set, reasons };
    no_budget_by_group(&rule, row, problems);

    // A value that was refused was still written, and that was said already.
    let (conditions, others): (Vec<_>, Vec<_>) = row
        .written()
        .filter(|key| !key.starts_with("policy.rule.reason."))
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
    rule
}

/// Notes a budget that would hold for a group only.
fn no_budget_by_group(rule: &Rule, row: &Entries<'_>, problems: &mut Problems) {
    let Some(name) = rule.budget_by_group() else {
        return;
    };
    let key = format!("policy.rule.{name}");
    let found = row.values(&key).last().expect("it was read from there");
    problems.note(&found.origin.clone(), key, || Fault::BadValue {
        found: "a budget in a rule by group".to_owned(),
        accepted: Rule::NO_BUDGET_BY_GROUP.to_owned(),
        why: None,
    });
}

fn limits(entries: &Entries<'_>, problems: &mut Problems, origins: &mut Origins) -> Vec<Limit> {
    let rows = bounded("policy.limit", entries, problems);
    note_rows("policy.limit", rows, origins);
    rows.iter().filter_map(|row| limit(row, problems)).collect()
}

fn limit(row: &Entries<'_>, problems: &mut Problems) -> Option<Limit> {
    const KEY: &str = "policy.limit";
    let mut origins = Origins::new();
    let draft: LimitDraft = Reader::section(KEY, row, problems, &mut origins);
    let when: Condition = Reader::section("policy.limit.when", row, problems, &mut origins);

    let written = |key| row.written().any(|written| written == key);
    if !written("policy.limit.per") {
        missing(
            row,
            KEY,
            problems,
            "`per` is missing; \"client\" or \"device-class\" is accepted",
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

fn tenants(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<TenantLimit> {
    const KEY: &str = "policy.tenant";
    let rows = bounded(KEY, entries, problems);
    note_rows(KEY, rows, origins);
    let read = |row: &Entries<'_>| {
        if !row
            .written()
            .any(|written| written == "policy.tenant.seats")
        {
            missing(
                row,
                KEY,
                problems,
                "`seats` is missing; a whole number from 1 to 100000000 is accepted",
            );
        }
        Reader::section(KEY, row, problems, &mut Origins::new())
    };
    rows.iter().map(read).collect()
}

/// Notes an idle time that could never be reached, since the session ends before it.
fn idle_within_absolute(
    section: &str,
    set: Setting,
    entries: &Entries<'_>,
    problems: &mut Problems,
) {
    let (Some(idle), Some(absolute)) = (set.idle, set.absolute) else {
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

//! The policy as a document: the JSON of the API, and of the register.
//!
//! Members are named as in the configuration file, with an underscore where that has a hyphen;
//! spans are whole seconds. What a member may be is said by the table of the domain's
//! [`Terms`](innkeeper_domain::policy::Terms), so nothing here knows a single key. Unknown and
//! repeated members are errors: whoever misspells a limit must not believe that it holds.

mod members;
mod standing;
pub(super) mod terms;
#[cfg(test)]
mod tests;

use std::num::NonZeroU64;

use innkeeper_domain::name::{ClientId, GroupName, NameError, TenantId};
use innkeeper_domain::policy::{
    Condition, Limit, Per, Policy, PolicyVersion, Preset, Reasons, Rule, Seats, SessionLimit,
    Setting, TenantLimit,
};
use innkeeper_domain::session::SessionClass;
use serde::de::{Deserializer, Error, MapAccess};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use members::{Many, Members, Names, members};
use standing::{ReadPreset, ReadReasons};
use terms::{Count, OneWord};

/// A policy that is read from JSON and written as such.
#[derive(Clone, Debug, PartialEq)]
pub struct Document(pub Policy);

const ROWS_MAX: usize = Policy::ROWS_MAX;
/// The largest number that every reader of JSON keeps exact. There is always a next one.
const VERSION_MAX: u64 = (1 << 53) - 1;

/// The same without its version, and without what is as by default.
pub(super) struct Short<'a>(pub(super) &'a Policy);

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("version", &self.0.version.0)?;
        let set = self.0.terms.into();
        map.serialize_entry("policy", &WrittenPolicy(&self.0, set))?;
        write_rows(&self.0, &mut map)?;
        map.end()
    }
}

impl Serialize for Short<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        let set = self.0.terms.beyond(Policy::base(self.0.preset));
        map.serialize_entry("policy", &WrittenPolicy(self.0, set))?;
        write_rows(self.0, &mut map)?;
        map.end()
    }
}

fn write_rows<M: SerializeMap>(policy: &Policy, map: &mut M) -> Result<(), M::Error> {
    let Policy { rules, limits, .. } = policy;
    let rules: Vec<_> = rules.iter().map(WrittenRule).collect();
    map.serialize_entry("rules", &rules)?;
    let limits: Vec<_> = limits.iter().map(WrittenLimit).collect();
    map.serialize_entry("limits", &limits)?;
    let tenants: Vec<_> = policy.tenants.iter().map(WrittenTenants).collect();
    map.serialize_entry("tenants", &tenants)
}

/// What holds for everybody, and of that what is set so.
struct WrittenPolicy<'a>(&'a Policy, Setting);

impl Serialize for WrittenPolicy<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(policy, set) = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(preset) = policy.preset {
            map.serialize_entry("preset", &preset.word)?;
        }
        terms::write(*set, &mut map)?;
        standing::write(&policy.reasons, &mut map)?;
        map.end()
    }
}

struct WrittenRule<'a>(&'a Rule);

impl Serialize for WrittenRule<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("when", &WrittenCondition(&self.0.when))?;
        terms::write(self.0.set, &mut map)?;
        standing::write(&self.0.reasons, &mut map)?;
        map.end()
    }
}

struct WrittenLimit<'a>(&'a Limit);

impl Serialize for WrittenLimit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("per", &OneWord(self.0.per))?;
        map.serialize_entry("when", &WrittenCondition(&self.0.when))?;
        map.serialize_entry("max_sessions", &Count(self.0.max_sessions))?;
        map.end()
    }
}

struct WrittenTenants<'a>(&'a TenantLimit);

impl Serialize for WrittenTenants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let tenants: Vec<_> = self.0.tenants.iter().map(TenantId::as_str).collect();
        if !tenants.is_empty() {
            map.serialize_entry("tenant", &tenants)?;
        }
        map.serialize_entry("seats", &self.0.seats.get())?;
        map.end()
    }
}

struct WrittenCondition<'a>(&'a Condition);

impl Serialize for WrittenCondition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Condition {
            groups,
            clients,
            classes,
            remember,
        } = self.0;
        if !groups.is_empty() {
            let groups: Vec<_> = groups.iter().map(GroupName::as_str).collect();
            map.serialize_entry("group", &groups)?;
        }
        if !clients.is_empty() {
            let clients: Vec<_> = clients.iter().map(ClientId::as_str).collect();
            map.serialize_entry("client", &clients)?;
        }
        if !classes.is_empty() {
            let classes: Vec<_> = classes.iter().copied().map(OneWord).collect();
            map.serialize_entry("class", &classes)?;
        }
        if let Some(remember) = remember {
            map.serialize_entry("remember", remember)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let draft: Draft = members(deserializer)?;
        Ok(Self(Policy {
            version: PolicyVersion(draft.version.unwrap_or_default()),
            preset: draft.policy.preset,
            terms: Policy::base(draft.policy.preset).with(draft.policy.set),
            reasons: draft.policy.reasons,
            rules: draft.rules,
            limits: draft.limits,
            tenants: draft.tenants,
        }))
    }
}

/// A document while it is read.
#[derive(Default)]
struct Draft {
    version: Option<u64>,
    policy: PolicyDraft,
    rules: Vec<Rule>,
    limits: Vec<Limit>,
    tenants: Vec<TenantLimit>,
}

impl Members for Draft {
    fn names() -> &'static [&'static str] {
        &["version", "policy", "rules", "limits", "tenants"]
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "version" => {
                let version = map.next_value::<NonZeroU64>()?.get();
                if version > VERSION_MAX {
                    return Err(A::Error::custom(format_args!(
                        "expected a version of at most {VERSION_MAX}"
                    )));
                }
                self.version = Some(version);
            }
            "policy" => self.policy = map.next_value::<ReadPolicy>()?.0,
            "rules" => {
                self.rules = map
                    .next_value::<Many<ReadRule, 0, ROWS_MAX>>()?
                    .map(|r| r.0);
            }
            "limits" => {
                self.limits = map
                    .next_value::<Many<ReadLimit, 0, ROWS_MAX>>()?
                    .map(|l| l.0);
            }
            _ => {
                self.tenants = map
                    .next_value::<Many<ReadTenants, 0, ROWS_MAX>>()?
                    .map(|t| t.0);
            }
        }
        Ok(())
    }
}

struct ReadPolicy(PolicyDraft);

impl<'de> Deserialize<'de> for ReadPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        members(deserializer).map(Self)
    }
}

#[derive(Default)]
struct PolicyDraft {
    preset: Option<&'static Preset>,
    set: Setting,
    reasons: Reasons,
}

impl Members for PolicyDraft {
    fn names() -> &'static [&'static str] {
        static NAMES: Names = Names::new(|| with_keys(&["preset", "reason", "binding_mode"]));
        &NAMES
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "preset" => self.preset = Some(map.next_value::<ReadPreset>()?.0),
            "reason" => self.reasons = map.next_value::<ReadReasons>()?.0,
            "binding_mode" => {
                let BindingMode = map.next_value()?;
            }
            _ => return terms::take(&mut self.set, name, map),
        }
        Ok(())
    }
}

/// How hard a key of the browser is asked for: `prefer`, as in the configuration file. There is
/// no choice until there are such keys, so it is read and says nothing.
struct BindingMode;

impl<'de> Deserialize<'de> for BindingMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "prefer" => Ok(Self),
            _ => Err(D::Error::custom(
                "expected prefer: no session is bound to a key of the browser yet",
            )),
        }
    }
}

/// These names, and the keys of a policy.
fn with_keys(more: &[&'static str]) -> Vec<&'static str> {
    more.iter().chain(Setting::KEYS).copied().collect()
}

struct ReadRule(Rule);

impl<'de> Deserialize<'de> for ReadRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RuleDraft(rule) = members(deserializer)?;
        if rule.when == Condition::default() {
            return Err(D::Error::custom(
                "expected a condition in `when`; what holds for everybody stands in `policy`",
            ));
        }
        if rule.set == Setting::default() {
            return Err(D::Error::custom(
                "expected a key of `policy` that it changes, such as max_sessions",
            ));
        }
        Ok(Self(rule))
    }
}

#[derive(Default)]
struct RuleDraft(Rule);

impl Members for RuleDraft {
    fn names() -> &'static [&'static str] {
        static NAMES: Names = Names::new(|| with_keys(&["when", "reason", "binding_mode"]));
        &NAMES
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "when" => self.0.when = map.next_value::<ReadCondition>()?.0,
            "reason" => self.0.reasons = map.next_value::<ReadReasons>()?.0,
            "binding_mode" => {
                let BindingMode = map.next_value()?;
            }
            _ => return terms::take(&mut self.0.set, name, map),
        }
        Ok(())
    }
}

struct ReadLimit(Limit);

impl<'de> Deserialize<'de> for ReadLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let draft: LimitDraft = members(deserializer)?;
        let missing = D::Error::missing_field;
        Ok(Self(Limit {
            per: draft.per.ok_or_else(|| missing("per"))?,
            when: draft.when,
            max_sessions: draft.max.ok_or_else(|| missing("max_sessions"))?,
        }))
    }
}

#[derive(Default)]
struct LimitDraft {
    per: Option<Per>,
    when: Condition,
    max: Option<SessionLimit>,
}

impl Members for LimitDraft {
    fn names() -> &'static [&'static str] {
        &["per", "when", "max_sessions"]
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "per" => self.per = Some(map.next_value::<OneWord<Per>>()?.0),
            "when" => self.when = map.next_value::<ReadCondition>()?.0,
            _ => self.max = Some(map.next_value::<Count>()?.0),
        }
        Ok(())
    }
}

struct ReadTenants(TenantLimit);

impl<'de> Deserialize<'de> for ReadTenants {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let draft: TenantsDraft = members(deserializer)?;
        let missing = || D::Error::missing_field("seats");
        Ok(Self(TenantLimit {
            tenants: draft.tenants,
            seats: draft.seats.ok_or_else(missing)?,
        }))
    }
}

#[derive(Default)]
struct TenantsDraft {
    tenants: Vec<TenantId>,
    seats: Option<Seats>,
}

impl Members for TenantsDraft {
    fn names() -> &'static [&'static str] {
        &["tenant", "seats"]
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        if name == "tenant" {
            self.tenants = map.next_value::<OneOrMore<Name<TenantId>>>()?.map(|n| n.0);
            return Ok(());
        }
        let seats = Seats::new(map.next_value()?);
        self.seats = Some(seats.ok_or_else(|| {
            let most = Seats::MAX.get();
            A::Error::custom(format_args!("expected a whole number, 1 to {most}"))
        })?);
        Ok(())
    }
}

struct ReadCondition(Condition);

impl<'de> Deserialize<'de> for ReadCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ConditionDraft(when) = members(deserializer)?;
        Ok(Self(when))
    }
}

#[derive(Default)]
struct ConditionDraft(Condition);

impl Members for ConditionDraft {
    fn names() -> &'static [&'static str] {
        &["group", "client", "class", "remember"]
    }

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let when = &mut self.0;
        match name {
            "group" => when.groups = map.next_value::<OneOrMore<Name<GroupName>>>()?.map(|n| n.0),
            "client" => when.clients = map.next_value::<OneOrMore<Name<ClientId>>>()?.map(|n| n.0),
            "class" => {
                when.classes = map
                    .next_value::<OneOrMore<OneWord<SessionClass>>>()?
                    .map(|c| c.0);
            }
            _ => when.remember = Some(map.next_value()?),
        }
        Ok(())
    }
}

/// What a condition lists, or the one that it names: an empty list would match nothing.
type OneOrMore<T> = members::OneOrMany<T, { Condition::LISTED_MAX }>;

struct Name<T>(T);

trait FromName: Sized {
    fn from_name(text: &str) -> Result<Self, NameError>;
}

impl FromName for GroupName {
    fn from_name(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl FromName for ClientId {
    fn from_name(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl FromName for TenantId {
    fn from_name(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl<'de, T: FromName> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::from_name(&text).map(Self).map_err(D::Error::custom)
    }
}

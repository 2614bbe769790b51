//! The policy as the register keeps it: one document, one version, one limit in force.

use std::time::Duration;

use innkeeper_domain::name::{ClientId, GroupName, NameError};
use innkeeper_domain::policy::{
    Condition, Limit, Overflow, Per, Policy, PolicyVersion, Rule, SessionLimit, Setting, Terms,
};
use innkeeper_domain::session::SessionClass;
use innkeeper_store::Register;
use innkeeper_store::register::Put;
use serde::{Deserialize, Serialize};

use crate::EngineError;

const POLICY: &str = "policy";

/// Puts `policy` into the register unless it is there already, and returns it with its version.
pub(crate) async fn enact(
    register: &dyn Register,
    mut policy: Policy,
) -> Result<Policy, EngineError> {
    loop {
        let held = register.get(POLICY).await?;
        let known = held
            .as_ref()
            .map(|h| serde_json::from_slice::<PolicyRecord>(&h.value))
            .transpose()
            .map_err(unreadable)?;
        policy.version = PolicyVersion(known.as_ref().map_or(1, |k| k.version));
        let mut record = PolicyRecord::from(&policy);
        if known.as_ref() == Some(&record) {
            return Ok(policy);
        }
        if known.is_some() {
            record.version += 1;
            policy.version = PolicyVersion(record.version);
        }
        let value = serde_json::to_vec(&record).map_err(unreadable)?;
        let seen = held.map(|h| h.version);
        if let Put::Done(_) = register.put(POLICY, seen, Some(value)).await? {
            tracing::info!(version = policy.version.0, "policy enacted");
            return Ok(policy);
        }
    }
}

/// The policy that the register holds, if it holds one.
pub(crate) async fn load(register: &dyn Register) -> Result<Option<Policy>, EngineError> {
    let held = register.get(POLICY).await?;
    held.map(|h| {
        let record: PolicyRecord = serde_json::from_slice(&h.value).map_err(unreadable)?;
        Policy::try_from(record).map_err(|source| EngineError::Register {
            name: POLICY.into(),
            source: source.into(),
        })
    })
    .transpose()
}

fn unreadable(source: serde_json::Error) -> EngineError {
    EngineError::Register {
        name: POLICY.into(),
        source: source.into(),
    }
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct PolicyRecord {
    version: u64,
    terms: SettingRecord,
    rules: Vec<RuleRecord>,
    limits: Vec<LimitRecord>,
}

#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
struct SettingRecord {
    max_sessions: Option<u64>,
    at_limit: Option<OverflowRecord>,
    idle_ms: Option<u64>,
    absolute_ms: Option<u64>,
    rotation_grace_ms: Option<u64>,
    rotate_every_ms: Option<u64>,
    freshness_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum OverflowRecord {
    EvictOldest,
    EvictLeastRecent,
    Refuse,
    Ask,
    Observe,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct RuleRecord {
    when: ConditionRecord,
    set: SettingRecord,
}

#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
struct ConditionRecord {
    group: Vec<String>,
    client: Vec<String>,
    class: Vec<ClassRecord>,
    remember: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ClassRecord {
    Interactive,
    Machine,
    Impersonation,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct LimitRecord {
    per: PerRecord,
    when: ConditionRecord,
    max_sessions: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum PerRecord {
    Client,
}

impl From<&Policy> for PolicyRecord {
    fn from(policy: &Policy) -> Self {
        Self {
            version: policy.version.0,
            terms: policy.terms.into(),
            rules: policy
                .rules
                .iter()
                .map(|rule| RuleRecord {
                    when: (&rule.when).into(),
                    set: rule.set.into(),
                })
                .collect(),
            limits: policy.limits.iter().map(Into::into).collect(),
        }
    }
}

impl From<Terms> for SettingRecord {
    fn from(terms: Terms) -> Self {
        Setting {
            max_sessions: Some(terms.max_sessions),
            at_limit: Some(terms.at_limit),
            idle: Some(terms.idle),
            absolute: Some(terms.absolute),
            rotation_grace: Some(terms.rotation_grace),
            rotate_every: terms.rotate_every,
            freshness: Some(terms.freshness),
        }
        .into()
    }
}

impl From<Setting> for SettingRecord {
    fn from(set: Setting) -> Self {
        Self {
            max_sessions: set.max_sessions.map(number),
            at_limit: set.at_limit.map(Into::into),
            idle_ms: set.idle.map(millis),
            absolute_ms: set.absolute.map(millis),
            rotation_grace_ms: set.rotation_grace.map(millis),
            rotate_every_ms: set.rotate_every.map(millis),
            freshness_ms: set.freshness.map(millis),
        }
    }
}

impl From<Overflow> for OverflowRecord {
    fn from(overflow: Overflow) -> Self {
        match overflow {
            Overflow::EvictOldest => Self::EvictOldest,
            Overflow::EvictLeastRecent => Self::EvictLeastRecent,
            Overflow::Refuse => Self::Refuse,
            Overflow::Ask => Self::Ask,
            Overflow::Observe => Self::Observe,
        }
    }
}

impl From<&Condition> for ConditionRecord {
    fn from(when: &Condition) -> Self {
        Self {
            group: when.groups.iter().map(|g| g.as_str().into()).collect(),
            client: when.clients.iter().map(|c| c.as_str().into()).collect(),
            class: when.classes.iter().map(|c| (*c).into()).collect(),
            remember: when.remember,
        }
    }
}

impl From<SessionClass> for ClassRecord {
    fn from(class: SessionClass) -> Self {
        match class {
            SessionClass::Interactive => Self::Interactive,
            SessionClass::Machine => Self::Machine,
            SessionClass::Impersonation => Self::Impersonation,
        }
    }
}

impl From<&Limit> for LimitRecord {
    fn from(limit: &Limit) -> Self {
        Self {
            per: match limit.per {
                Per::Client => PerRecord::Client,
            },
            when: (&limit.when).into(),
            max_sessions: number(limit.max_sessions),
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Unsound {
    #[error("a limit is not within 1 to 1,000")]
    Limit,
    #[error("a term is missing")]
    Missing,
    #[error(transparent)]
    Name(#[from] NameError),
}

impl TryFrom<PolicyRecord> for Policy {
    type Error = Unsound;

    fn try_from(record: PolicyRecord) -> Result<Self, Unsound> {
        let set = Setting::try_from(record.terms)?;
        let terms = Terms {
            max_sessions: set.max_sessions.ok_or(Unsound::Missing)?,
            at_limit: set.at_limit.ok_or(Unsound::Missing)?,
            idle: set.idle.ok_or(Unsound::Missing)?,
            absolute: set.absolute.ok_or(Unsound::Missing)?,
            rotation_grace: set.rotation_grace.ok_or(Unsound::Missing)?,
            rotate_every: set.rotate_every,
            freshness: set.freshness.ok_or(Unsound::Missing)?,
        };
        let rule = |r: RuleRecord| {
            let (when, set) = (r.when.try_into()?, r.set.try_into()?);
            Ok(Rule { when, set })
        };
        Ok(Self {
            version: PolicyVersion(record.version),
            terms,
            rules: record
                .rules
                .into_iter()
                .map(rule)
                .collect::<Result<_, Unsound>>()?,
            limits: record
                .limits
                .into_iter()
                .map(Limit::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl TryFrom<SettingRecord> for Setting {
    type Error = Unsound;

    fn try_from(record: SettingRecord) -> Result<Self, Unsound> {
        Ok(Self {
            max_sessions: record.max_sessions.map(limit).transpose()?,
            at_limit: record.at_limit.map(Into::into),
            idle: record.idle_ms.map(Duration::from_millis),
            absolute: record.absolute_ms.map(Duration::from_millis),
            rotation_grace: record.rotation_grace_ms.map(Duration::from_millis),
            rotate_every: record.rotate_every_ms.map(Duration::from_millis),
            freshness: record.freshness_ms.map(Duration::from_millis),
        })
    }
}

impl From<OverflowRecord> for Overflow {
    fn from(record: OverflowRecord) -> Self {
        match record {
            OverflowRecord::EvictOldest => Self::EvictOldest,
            OverflowRecord::EvictLeastRecent => Self::EvictLeastRecent,
            OverflowRecord::Refuse => Self::Refuse,
            OverflowRecord::Ask => Self::Ask,
            OverflowRecord::Observe => Self::Observe,
        }
    }
}

impl TryFrom<ConditionRecord> for Condition {
    type Error = Unsound;

    fn try_from(record: ConditionRecord) -> Result<Self, Unsound> {
        let groups = record.group.iter().map(|g| GroupName::parse(g));
        let clients = record.client.iter().map(|c| ClientId::parse(c));
        Ok(Self {
            groups: groups.collect::<Result<_, _>>()?,
            clients: clients.collect::<Result<_, _>>()?,
            classes: record.class.into_iter().map(Into::into).collect(),
            remember: record.remember,
        })
    }
}

impl From<ClassRecord> for SessionClass {
    fn from(record: ClassRecord) -> Self {
        match record {
            ClassRecord::Interactive => Self::Interactive,
            ClassRecord::Machine => Self::Machine,
            ClassRecord::Impersonation => Self::Impersonation,
        }
    }
}

impl TryFrom<LimitRecord> for Limit {
    type Error = Unsound;

    fn try_from(record: LimitRecord) -> Result<Self, Unsound> {
        Ok(Self {
            per: match record.per {
                PerRecord::Client => Per::Client,
            },
            when: record.when.try_into()?,
            max_sessions: limit(record.max_sessions)?,
        })
    }
}

fn limit(sessions: u64) -> Result<SessionLimit, Unsound> {
    SessionLimit::new(sessions).ok_or(Unsound::Limit)
}

fn number(limit: SessionLimit) -> u64 {
    limit.get() as u64
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

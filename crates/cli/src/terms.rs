//! The policy of the configuration, as the domain reads it.

use innkeeper_domain::name::{ClientId, GroupName, NameError};
use innkeeper_domain::policy::{
    Condition, Limit, Overflow, Per, Policy, Rule, SessionLimit, Setting, Terms,
};
use innkeeper_domain::session::SessionClass;

use crate::config::{self, AtLimit, Changes, Class, Config, When};

/// Reads the policy; its version is the register's to give.
pub(crate) fn policy(config: &Config) -> Result<Policy, NameError> {
    let set = &config.policy;
    Ok(Policy {
        terms: Terms {
            max_sessions: limit(set.max_sessions),
            at_limit: overflow(set.at_limit),
            idle: set.idle,
            absolute: set.absolute,
            rotation_grace: set.rotation_grace,
            rotate_every: set.rotate_every,
            freshness: set.freshness,
        },
        rules: config
            .rules
            .iter()
            .map(|rule| {
                Ok(Rule {
                    when: condition(&rule.when)?,
                    set: setting(&rule.changes),
                })
            })
            .collect::<Result<_, NameError>>()?,
        limits: config
            .limits
            .iter()
            .map(|further| {
                Ok(Limit {
                    per: match further.per {
                        config::Per::Client => Per::Client,
                    },
                    when: condition(&further.when)?,
                    max_sessions: limit(further.max_sessions),
                })
            })
            .collect::<Result<_, NameError>>()?,
        ..Policy::default()
    })
}

fn limit(sessions: u32) -> SessionLimit {
    SessionLimit::new(sessions.into()).expect("the configuration accepts 1 to 1,000")
}

const fn overflow(at_limit: AtLimit) -> Overflow {
    match at_limit {
        AtLimit::EvictOldest => Overflow::EvictOldest,
        AtLimit::EvictLeastRecent => Overflow::EvictLeastRecent,
        AtLimit::Refuse => Overflow::Refuse,
        AtLimit::Observe => Overflow::Observe,
    }
}

fn setting(changes: &Changes) -> Setting {
    Setting {
        max_sessions: changes.max_sessions.map(limit),
        at_limit: changes.at_limit.map(overflow),
        idle: changes.idle,
        absolute: changes.absolute,
        rotation_grace: changes.rotation_grace,
        rotate_every: changes.rotate_every,
        freshness: changes.freshness,
    }
}

fn condition(when: &When) -> Result<Condition, NameError> {
    let classes = when.class.iter().map(|class| match class {
        Class::Interactive => SessionClass::Interactive,
        Class::Machine => SessionClass::Machine,
        Class::Impersonation => SessionClass::Impersonation,
    });
    Ok(Condition {
        groups: when
            .group
            .iter()
            .map(|g| GroupName::parse(g))
            .collect::<Result<_, _>>()?,
        clients: when
            .client
            .iter()
            .map(|c| ClientId::parse(c))
            .collect::<Result<_, _>>()?,
        classes: classes.collect(),
        remember: when.remember,
    })
}

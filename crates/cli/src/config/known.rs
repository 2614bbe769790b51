//! Which keys there are: gathered from the schema and the table of what is not built yet.

use std::collections::BTreeSet;

use innkeeper_domain::policy::{Condition, Setting, TenantLimit};

use super::policy::LimitDraft;
use super::preset::{Explained, Standing};
use super::problem::Fault;
use super::public::PublicDraft;
#[cfg(feature = "otel")]
use super::schema::Telemetry;
use super::schema::{
    Gateway, GatewayHeaders, Journal, Log, Outgoing, Provider, Section, Server, Store, Tls,
};
use super::unavailable::{NOT_YET, Refused, is_not_yet};
use innkeeper_http::nearest::nearest;

/// What a key stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    /// A value.
    Value,
    /// A table of further keys.
    Section,
    /// A list of tables.
    Rows,
}

/// All known keys, in full.
#[derive(Debug)]
pub(super) struct Known {
    values: Vec<String>,
    rows: Vec<&'static str>,
}

impl Known {
    /// Gathers them.
    pub(super) fn gather() -> Self {
        let mut known = Self {
            values: Vec::new(),
            rows: vec![
                "gateway.provider",
                "gateway.public",
                "policy.rule",
                "policy.limit",
                "policy.tenant",
            ],
        };
        known.add("server", Server::KEYS);
        known.add("server.tls", Tls::KEYS);
        known.add("store", Store::KEYS);
        known.add("journal", Journal::KEYS);
        known.add("log", Log::KEYS);
        known.add("gateway", Gateway::KEYS);
        known.add("gateway.headers", GatewayHeaders::KEYS);
        known.add("gateway.public", PublicDraft::KEYS);
        #[cfg(feature = "otel")]
        known.add("telemetry", Telemetry::KEYS);
        known.add("gateway.provider", Provider::KEYS);
        known.add("outgoing", Outgoing::KEYS);
        known.add("policy", Setting::KEYS);
        known.add("policy", Standing::KEYS);
        known.add("policy.reason", Explained::KEYS);
        known.add("policy.rule", Setting::KEYS);
        known.add("policy.rule.reason", Explained::KEYS);
        known.add("policy.rule.when", Condition::KEYS);
        known.add("policy.limit", LimitDraft::KEYS);
        known.add("policy.limit.when", Condition::KEYS);
        known.add("policy.tenant", TenantLimit::KEYS);
        for line in NOT_YET {
            match line.refused {
                Refused::AllBut(_) => known.values.push(line.key.to_owned()),
                Refused::Words(_) => {}
                Refused::Table(keys) => known.add(line.key, keys),
                Refused::Rows(keys) => {
                    known.rows.push(line.key);
                    known.add(line.key, keys);
                }
            }
        }
        known
    }

    fn add(&mut self, section: &str, keys: &[&str]) {
        let full = keys.iter().map(|key| format!("{section}.{key}"));
        self.values.extend(full);
    }

    /// All of them, in full.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }

    /// What this key stands for, if it is known.
    pub(super) fn form(&self, key: &str) -> Option<Form> {
        if self.rows.contains(&key) {
            Some(Form::Rows)
        } else if self.values.iter().any(|value| value == key) {
            Some(Form::Value)
        } else if self.values.iter().any(|value| lies_in(value, key)) {
            Some(Form::Section)
        } else {
            None
        }
    }

    /// The list of tables in which this key lies, or which it is.
    pub(super) fn list_around(&self, key: &str) -> Option<&'static str> {
        self.rows
            .iter()
            .copied()
            .find(|list| *list == key || lies_in(key, list))
    }

    /// What a section is about of which nothing is built yet.
    pub(super) fn unserved(&self, section: &str) -> Option<&'static str> {
        let what = NOT_YET.iter().find(|line| lies_in(line.key, section))?.what;
        let mut keys = self.values.iter().filter(|key| lies_in(key, section));
        keys.all(|key| is_not_yet(key)).then_some(what)
    }

    /// The keys that a variable can set.
    pub(super) fn for_variables(&self) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .map(String::as_str)
            .filter(|key| self.list_around(key).is_none())
    }

    /// Says of an unknown key which one may have been meant, or which ones there are.
    pub(super) fn unknown(&self, key: &str, is_table: bool) -> Fault {
        let what = if is_table { "section" } else { "key" };
        let meant = nearest(key, self.values.iter().map(String::as_str));
        let section = nearest(key, self.sections());
        // Whoever wrote a table meant a section; whoever wrote a value meant a key.
        let hint = match (is_table, meant, section) {
            (true, _, Some(section)) => format!("did you mean [{section}]?"),
            (_, Some(meant), _) => format!("did you mean {meant}?"),
            _ => self.there_are(key),
        };
        Fault::Unknown { what, hint }
    }

    fn there_are(&self, key: &str) -> String {
        let parent = key.rsplit_once('.').map(|(parent, _)| parent);
        let Some(parent) = parent.filter(|parent| self.form(parent).is_some()) else {
            let top: Vec<_> = self.sections().filter(|s| !s.contains('.')).collect();
            return format!("the sections are {}", top.join(", "));
        };
        let keys: Vec<_> = self
            .values
            .iter()
            .filter_map(|value| value.strip_prefix(parent)?.strip_prefix('.'))
            .filter(|rest| !rest.contains('.'))
            .collect();
        format!("the keys of [{parent}] are {}", keys.join(", "))
    }

    /// The tables, and the tables within tables.
    fn sections(&self) -> impl Iterator<Item = &str> {
        let sections: BTreeSet<&str> = self
            .values
            .iter()
            .flat_map(|value| value.match_indices('.').map(|(dot, _)| &value[..dot]))
            .collect();
        sections.into_iter()
    }
}

/// Whether a key lies in a section, at any depth.
fn lies_in(key: &str, section: &str) -> bool {
    key.strip_prefix(section)
        .is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Form, Known};

    #[test]
    fn given_all_known_keys_when_counted_then_none_is_listed_twice() {
        let known = Known::gather();

        let distinct: BTreeSet<_> = known.values.iter().collect();

        assert_eq!(distinct.len(), known.values.len());
    }

    #[test]
    fn given_each_kind_of_key_when_asked_then_its_form_is_known() {
        let known = Known::gather();

        assert_eq!(known.form("policy.idle"), Some(Form::Value));
        assert_eq!(known.form("policy"), Some(Form::Section));
        assert_eq!(known.form("policy.rule"), Some(Form::Rows));
        assert_eq!(known.form("policy.rule.when"), Some(Form::Section));
        assert_eq!(known.form("gateway"), Some(Form::Section));
        assert_eq!(known.form("polic"), None);
    }
}

//! The configuration in force, written as a file that would give the same one.

use std::fmt::Write as _;

use innkeeper_domain::policy::Setting;

use super::Config;
use super::policy::LimitDraft;
use super::preset::{Explained, Standing};
use super::problem::Origin;
use super::public::PublicDraft;
use super::read::{Origins, row_key};
use super::schema::Section;

/// Writes tables of settings.
#[derive(Debug)]
pub(super) struct Lines<'o> {
    text: String,
    origins: &'o Origins,
    /// The table being written, if each of its lines says whence it came.
    section: Option<&'static str>,
    /// Stands before each key: `when.` inside a rule.
    prefix: &'static str,
}

impl Lines<'_> {
    /// Writes one setting, if it is set.
    pub(super) fn line(&mut self, name: &str, literal: Option<String>) {
        let Some(literal) = literal else { return };
        let origin = self.section.map(|section| {
            let key = format!("{section}.{name}");
            self.origins.get(&key).unwrap_or(&Origin::Default)
        });
        let comment = origin.map(|o| format!("   # {o}")).unwrap_or_default();
        let prefix = self.prefix;
        self.push(&format!("{prefix}{name} = {literal}{comment}"));
    }

    fn table(&mut self, section: &'static str, settings: &impl Section) {
        self.push(&format!("[{section}]"));
        self.section = Some(section);
        settings.write(self);
    }

    /// Writes more settings of the same table.
    fn more(&mut self, settings: &impl Section) {
        settings.write(self);
    }

    fn row(&mut self, list: &str, place: usize) {
        let origin = self.origins.get(&row_key(list, place));
        let comment = origin.map(|o| format!("   # {o}")).unwrap_or_default();
        self.push(&format!("[[{list}]]{comment}"));
        self.section = None;
    }

    fn members(&mut self, prefix: &'static str, settings: &impl Section) {
        self.prefix = prefix;
        settings.write(self);
        self.prefix = "";
    }

    fn push(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a string takes what is written to it");
    }
}

impl Config {
    /// The settings in force, as TOML, with the origin of each as a comment.
    ///
    /// `serve` logs this at start. The kinds of secrets hide them in their literals.
    pub(crate) fn effective_toml(&self) -> String {
        let mut lines = Lines {
            text: String::new(),
            origins: &self.origins,
            section: None,
            prefix: "",
        };
        lines.table("server", &self.server);
        lines.table("server.tls", &self.tls);
        lines.table("store", &self.store);
        lines.table("journal", &self.journal);
        lines.table("log", &self.log);
        lines.table("gateway", &self.gateway);
        lines.table("gateway.headers", &self.headers);
        for (place, path) in self.public.iter().enumerate() {
            lines.row("gateway.public", place);
            lines.members("", &PublicDraft::of(path));
        }
        for (place, provider) in self.providers.iter().enumerate() {
            lines.row("gateway.provider", place);
            lines.members("", provider);
        }
        #[cfg(feature = "otel")]
        lines.table("telemetry", &self.telemetry);
        lines.table("outgoing", &self.outgoing);
        lines.table("policy", &Standing(self.policy.preset));
        lines.more(&Setting::from(self.policy.terms));
        if !self.policy.reasons.is_empty() {
            lines.table("policy.reason", &Explained(self.policy.reasons.clone()));
        }
        for (place, rule) in self.policy.rules.iter().enumerate() {
            lines.row("policy.rule", place);
            lines.members("when.", &rule.when);
            lines.members("", &rule.set);
            lines.members("reason.", &Explained(rule.reasons.clone()));
        }
        for (place, limit) in self.policy.limits.iter().enumerate() {
            lines.row("policy.limit", place);
            lines.members("when.", &limit.when);
            lines.members("", &LimitDraft::from(limit));
        }
        for (place, tenants) in self.policy.tenants.iter().enumerate() {
            lines.row("policy.tenant", place);
            lines.members("", tenants);
        }
        lines.text
    }
}

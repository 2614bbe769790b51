//! The policy file: which controls a team requires, so that the rest is not held against it.

use innkeeper_report::{Finding, Suppression};
use serde::Deserialize;

/// What `session-policy.toml` may say. A control that is not mentioned is required.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// How many sessions a user may hold; 0 says there is deliberately no limit.
    pub max: Option<u32>,
    /// What happens at the limit. No rule judges it: it is told beside a limit that is missing.
    pub on_exceed: Option<OnExceed>,
    /// The longest silence of a session; `0` says that silence deliberately ends none.
    pub idle: Option<Span>,
    /// The longest life of a session; `0` says that it deliberately has no end.
    pub absolute: Option<Span>,
    /// Must users be able to list their sessions?
    pub listing: Option<bool>,
    /// Must users be able to end sessions?
    pub revocation: Option<bool>,
    /// Must a new sign-in be announced?
    pub notify: Option<bool>,
}

/// What is to happen to a sign-in at the limit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum OnExceed {
    /// The session that was opened first goes.
    EvictOldest,
    /// The session that has been silent longest goes.
    EvictLeastRecent,
    /// The user is asked which one goes.
    Ask,
    /// The new sign-in is refused.
    Refuse,
}

impl OnExceed {
    const fn words(self) -> &'static str {
        match self {
            Self::EvictOldest => "at which the oldest goes",
            Self::EvictLeastRecent => "at which the one silent longest goes",
            Self::Ask => "at which the user chooses",
            Self::Refuse => "at which a sign-in is refused",
        }
    }
}

/// A span of time as the policy writes it: a whole number of `s`, `m`, `h` or `d`, or `0`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Span(String);

impl Span {
    fn is_none(&self) -> bool {
        self.0.trim_end_matches(['s', 'm', 'h', 'd']).parse() == Ok(0)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = text.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or(&text);
        match number.parse::<u32>() {
            Ok(0) => Ok(Self(text)),
            Ok(_) if number.len() < text.len() => Ok(Self(text)),
            _ => Err(format!(
                "`{text}` is no span of time: write 30m, 12h, 14d, or 0 for none"
            )),
        }
    }
}

impl Policy {
    /// Reads a policy; an unknown key is an error, since a misspelt one would require nothing.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    pub(crate) fn weigh(&self, finding: &mut Finding) {
        let waived = match finding.rule.0 {
            id if id.starts_with("CSC-LIMIT-") => self.max == Some(0),
            id if id.starts_with("CSC-LIST-") => self.listing == Some(false),
            id if id.starts_with("CSC-REVOKE-") => self.revocation == Some(false),
            id if id.starts_with("CSC-NOTIFY-") => self.notify == Some(false),
            // One bound in time is enough for this rule, so both have to be waived.
            "CSC-EXPIRE-002" => [&self.idle, &self.absolute]
                .into_iter()
                .all(|span| span.as_ref().is_some_and(Span::is_none)),
            _ => false,
        };
        let asked = match finding.rule.0 {
            "CSC-LIMIT-001" | "CSC-LIMIT-002" => self.asked_of_limit(),
            "CSC-EXPIRE-002" => self.asked_of_time(),
            _ => None,
        };
        if let Some(asked) = asked {
            finding.message = format!("{} The policy asks for {asked}.", finding.message);
        }
        if waived {
            finding.suppressed = Some(Suppression::Policy);
        }
    }

    fn asked_of_limit(&self) -> Option<String> {
        let max = self.max.filter(|max| *max > 0)?;
        let then = self
            .on_exceed
            .map_or(String::new(), |then| format!(", {}", then.words()));
        Some(format!("at most {max} a user{then}"))
    }

    fn asked_of_time(&self) -> Option<String> {
        let part = |span: &Option<Span>, what: &str| {
            let span = span.as_ref().filter(|span| !span.is_none())?;
            Some(format!("{} {what}", span.0))
        };
        let idle = part(&self.idle, "of silence");
        let absolute = part(&self.absolute, "in all");
        let both: Vec<String> = idle.into_iter().chain(absolute).collect();
        (!both.is_empty()).then(|| format!("an end after {}", both.join(" and after ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_misspelt_key_when_read_then_the_policy_is_refused() {
        assert!(Policy::parse("max-session = 3").is_err());
        assert!(Policy::parse("on-exceed = \"evict\"").is_err());
        assert!(Policy::parse("idle = \"soon\"").is_err());
        assert!(Policy::parse("idle = \"30\"").is_err());
        assert_eq!(
            Policy::parse("max = 3\nnotify = false")
                .expect("it is valid")
                .notify,
            Some(false)
        );
    }
}

//! The policy file: which controls a team requires, so that the rest is not held against it.

use innkeeper_report::{Finding, Suppression};
use serde::Deserialize;

/// What `session-policy.toml` may say. A control that is not mentioned is required.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// How many sessions a user may hold; 0 says there is deliberately no limit.
    pub max: Option<u32>,
    /// Must users be able to list their sessions?
    pub listing: Option<bool>,
    /// Must users be able to end sessions?
    pub revocation: Option<bool>,
    /// Must a new sign-in be announced?
    pub notify: Option<bool>,
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
            _ => false,
        };
        if waived {
            finding.suppressed = Some(Suppression::Policy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_misspelt_key_when_read_then_the_policy_is_refused() {
        assert!(Policy::parse("max-session = 3").is_err());
        assert_eq!(
            Policy::parse("max = 3\nnotify = false")
                .expect("it is valid")
                .notify,
            Some(false)
        );
    }
}

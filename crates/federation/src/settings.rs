//! A provider as it is set.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use innkeeper_domain::name::Issuer;
use innkeeper_domain::session::AssuranceLevel;
use zeroize::Zeroizing;

use crate::address::Endpoint;

/// How a provider is called here: in addresses, and before the names of its people.
///
/// Small letters, digits and hyphens: no name can be read as another with something before the
/// colon that follows it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ProviderName(Box<str>);

impl ProviderName {
    /// The longest that is taken, in bytes.
    pub const LEN_MAX: usize = 32;

    /// Reads a name; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=Self::LEN_MAX).contains(&text.len()) && text.bytes().all(is_plain);
        fits.then(|| Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a client shows a provider to prove which one it is.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the provider it belongs to and nobody else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(hidden)")
    }
}

/// All that is set of a provider.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How it is called here.
    pub name: ProviderName,
    /// Its own name, byte by byte as it says it.
    pub issuer: Issuer,
    /// What we are to it.
    pub client_id: String,
    /// How we prove that; without it, by PKCE alone.
    pub client_secret: Option<ClientSecret>,
    /// Where it sends browsers back to, byte by byte as it knows it.
    pub redirect_uri: Endpoint,
    /// Where it sends browsers after a sign-out.
    pub signed_out_uri: Endpoint,
    /// What to ask for.
    pub scopes: Vec<String>,
    /// Which claim names the person, within this provider.
    pub subject_claim: String,
    /// Which claim lists the person's groups, if one does.
    pub groups_claim: Option<String>,
    /// How old a proof of identity may be that is taken over.
    pub max_age: Duration,
    /// What strength of it to ask for.
    pub acr_values: Vec<String>,
    /// What each strength proves; any other proves as much as a password.
    pub assurance: BTreeMap<String, AssuranceLevel>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_texts_when_read_as_names_then_none_is_taken_that_could_pass_for_two() {
        for fine in ["acme", "acme-2", "0", &"a".repeat(32)] {
            assert!(ProviderName::parse(fine).is_some(), "{fine}");
        }
        for refused in ["", "Acme", "a:b", "a/b", "a b", "ä", &"a".repeat(33)] {
            assert!(ProviderName::parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn given_a_secret_when_shown_then_it_is_not() {
        assert_eq!(
            format!("{:?}", ClientSecret::new("s3cret")),
            "ClientSecret(hidden)"
        );
    }
}

//! Kinds of values that speak of an OpenID provider.

use std::collections::BTreeMap;

use innkeeper_domain::name::Issuer;
use innkeeper_domain::session::AssuranceLevel;
use innkeeper_federation::{Endpoint, ProviderName};

use super::{Kind, Refusal, listed};
use crate::config::raw::{Raw, quoted};
use crate::escape::Shown;

/// How a provider is called here.
pub(in super::super) struct NameOfProvider;

impl Kind for NameOfProvider {
    type Value = ProviderName;

    fn read(&self, raw: Raw<'_>) -> Result<ProviderName, Refusal> {
        let name = raw.text().and_then(ProviderName::parse);
        name.ok_or_else(|| Refusal::of(raw))
    }

    fn accepts(&self) -> String {
        let most = ProviderName::LEN_MAX;
        format!("1 to {most} small letters, digits and hyphens, such as \"acme\"")
    }

    fn literal(&self, value: &ProviderName) -> Option<String> {
        Some(quoted(value.as_str()))
    }
}

/// The address of a provider.
pub(in super::super) struct IssuerUrl;

impl Kind for IssuerUrl {
    type Value = Issuer;

    fn read(&self, raw: Raw<'_>) -> Result<Issuer, Refusal> {
        let text = raw.text().ok_or_else(|| Refusal::of(raw))?;
        let refusal = || {
            // What stands before an `@` is likely a password, so the text is not shown then.
            if text.contains('@') {
                Refusal {
                    found: "an address with an \"@\" in it".to_owned(),
                    why: None,
                }
            } else {
                Refusal::of(raw)
            }
        };
        Endpoint::parse(text).map_err(|why| refusal().because(why.to_string()))?;
        if text.contains('?') {
            return Err(refusal().because("an issuer has no query"));
        }
        Issuer::parse(text).map_err(|why| refusal().because(format!("it {why}")))
    }

    fn accepts(&self) -> String {
        "the address of a provider, just as it stands at issuer in its discovery document, such \
         as \"https://id.example\""
            .to_owned()
    }

    fn literal(&self, value: &Issuer) -> Option<String> {
        Some(quoted(value.as_str()))
    }
}

/// The name of a claim, or of a client.
pub(in super::super) struct Claim;

/// The longest of them, and of the texts of a list, in bytes.
const TEXT_MAX: usize = 256;

fn fits(text: &str) -> bool {
    (1..=TEXT_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

impl Kind for Claim {
    type Value = String;

    fn read(&self, raw: Raw<'_>) -> Result<String, Refusal> {
        let text = raw.text().filter(|text| fits(text));
        text.map(str::to_owned).ok_or_else(|| Refusal::of(raw))
    }

    fn accepts(&self) -> String {
        format!("a text of 1 to {TEXT_MAX} printable ASCII characters")
    }

    fn literal(&self, value: &String) -> Option<String> {
        Some(quoted(value))
    }
}

/// A few words without blanks.
pub(in super::super) struct TextList;

impl TextList {
    const LISTED_MAX: usize = 32;
}

impl Kind for TextList {
    type Value = Vec<String>;

    fn read(&self, raw: Raw<'_>) -> Result<Vec<String>, Refusal> {
        let texts = listed(raw).ok_or_else(|| Refusal::of(raw))?;
        if texts.len() > Self::LISTED_MAX {
            let most = Self::LISTED_MAX;
            return Err(Refusal::of(raw).because(format!("at most {most} can be listed")));
        }
        match texts.iter().find(|text| !fits(text) || text.contains(' ')) {
            Some(text) => {
                let why = format!("\"{}\" is not one word of ASCII", Shown(text));
                Err(Refusal::of(raw).because(why))
            }
            None => Ok(texts.into_iter().map(str::to_owned).collect()),
        }
    }

    fn accepts(&self) -> String {
        "a list of words, such as [\"openid\", \"profile\"]".to_owned()
    }

    fn literal(&self, value: &Vec<String>) -> Option<String> {
        let all: Vec<_> = value.iter().map(|one| quoted(one)).collect();
        Some(format!("[{}]", all.join(", ")))
    }
}

/// What each strength of a proof is worth: `acr=LEVEL`.
pub(in super::super) struct Levels;

impl Kind for Levels {
    type Value = BTreeMap<String, AssuranceLevel>;

    fn read(&self, raw: Raw<'_>) -> Result<Self::Value, Refusal> {
        let mut levels = BTreeMap::new();
        for text in TextList.read(raw)? {
            let pair = text.rsplit_once('=').and_then(|(acr, level)| {
                let level = level.parse().ok().filter(|level| *level > 0);
                Some((acr, AssuranceLevel::new(level?)?))
            });
            let Some((acr, level)) = pair.filter(|(acr, _)| !acr.is_empty()) else {
                let why = format!("\"{}\" does not end in = and a level", Shown(&text));
                return Err(Refusal::of(raw).because(why));
            };
            if levels.insert(acr.to_owned(), level).is_some() {
                let why = format!("\"{}\" is there twice", Shown(acr));
                return Err(Refusal::of(raw).because(why));
            }
        }
        Ok(levels)
    }

    fn accepts(&self) -> String {
        "a list of what the provider says at acr, each with a level from 1 to 9, such as \
         [\"phr=2\", \"phrh=3\"]"
            .to_owned()
    }

    fn literal(&self, value: &Self::Value) -> Option<String> {
        let pair =
            |(acr, level): (&String, &AssuranceLevel)| quoted(&format!("{acr}={}", level.get()));
        let all: Vec<_> = value.iter().map(pair).collect();
        Some(format!("[{}]", all.join(", ")))
    }
}

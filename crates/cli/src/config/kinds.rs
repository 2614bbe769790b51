//! Kinds of values: how each is read, what it accepts and how it is written.

mod compound;
mod provider;
mod words;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub(super) use compound::{AnyOf, Maybe};
pub(super) use provider::{Claim, IssuerUrl, Levels, NameOfProvider, TextList};
pub(super) use words::{Choice, Standard, Words, hyphenated};

use http::HeaderName;
use innkeeper_domain::budget::{Budget, NotABudget};
use innkeeper_domain::name::{NameError, Reason};
use innkeeper_domain::policy::{Seats, SessionLimit};
use innkeeper_domain::span::{self, NotASpan};
use innkeeper_http::forward_auth::{self, PublicPath};
use innkeeper_http::peers::{self, TrustedPeers};

use super::raw::{Raw, quoted};
use super::url;
use crate::escape::Shown;

/// One kind of value.
pub(super) trait Kind {
    /// What it is once it was read.
    type Value;

    /// Reads a value, or says what was found instead.
    fn read(&self, raw: Raw<'_>) -> Result<Self::Value, Refusal>;

    /// What is accepted, in the words of an error message.
    fn accepts(&self) -> String;

    /// The value as a TOML literal; `None` if it is one that says "not set".
    fn literal(&self, value: &Self::Value) -> Option<String>;
}

/// Why a value was refused: what it is, and a reason where that needs one.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) found: String,
    pub(super) why: Option<String>,
}

impl Refusal {
    fn of(raw: Raw<'_>) -> Self {
        Self {
            found: raw.described(),
            why: None,
        }
    }

    fn because(self, why: impl Into<String>) -> Self {
        Self {
            why: Some(why.into()),
            ..self
        }
    }
}

/// An IP address and a port.
pub(super) struct Address;

impl Kind for Address {
    type Value = SocketAddr;

    fn read(&self, raw: Raw<'_>) -> Result<SocketAddr, Refusal> {
        raw.text()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Refusal::of(raw))
    }

    fn accepts(&self) -> String {
        "an IP address and a port, such as \"127.0.0.1:7070\" or \"[::1]:7070\"".to_owned()
    }

    fn literal(&self, value: &SocketAddr) -> Option<String> {
        Some(quoted(&value.to_string()))
    }
}

/// Hosts with their ports. As a variable, with commas between.
pub(super) struct Hosts;

impl Kind for Hosts {
    type Value = Vec<String>;

    fn read(&self, raw: Raw<'_>) -> Result<Vec<String>, Refusal> {
        let texts = listed(raw).ok_or_else(|| Refusal::of(raw))?;
        let is_host = |text: &&str| {
            let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            matches!(port, Some(Ok(1..))) && url::origin(&format!("http://{text}")).is_ok()
        };
        match texts.iter().find(|text| !is_host(text)) {
            Some(text) => {
                Err(Refusal::of(raw).because(format!("\"{}\" is no host with a port", Shown(text))))
            }
            None => Ok(texts.into_iter().map(ToOwned::to_owned).collect()),
        }
    }

    fn accepts(&self) -> String {
        "a list of hosts with their ports, such as [\"127.0.0.1:4318\"]".to_owned()
    }

    fn literal(&self, value: &Vec<String>) -> Option<String> {
        let all: Vec<_> = value.iter().map(|one| quoted(one)).collect();
        Some(format!("[{}]", all.join(", ")))
    }
}

/// The texts of a list; as a variable, with commas between.
fn listed(raw: Raw<'_>) -> Option<Vec<&str>> {
    let texts: Vec<&str> = match raw {
        Raw::Word(word) => word.split(',').map(str::trim).collect(),
        Raw::Toml(_) => raw.members()?.map(Raw::text).collect::<Option<_>>()?,
    };
    Some(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Addresses and ranges of them. As a variable, with commas between.
pub(super) struct Networks;

impl Networks {
    /// More is a mistake, and each is looked at with each request.
    const LISTED_MAX: usize = 64;
}

impl Kind for Networks {
    type Value = TrustedPeers;

    fn read(&self, raw: Raw<'_>) -> Result<TrustedPeers, Refusal> {
        let texts = listed(raw).ok_or_else(|| Refusal::of(raw))?;
        if texts.len() > Self::LISTED_MAX {
            let most = Self::LISTED_MAX;
            return Err(Refusal::of(raw).because(format!("at most {most} can be listed")));
        }
        let networks = texts.into_iter();
        networks
            .map(|text| {
                let named = peers::network(text);
                named.map_err(|e| Refusal::of(raw).because(format!("\"{}\" is {e}", Shown(text))))
            })
            .collect()
    }

    fn accepts(&self) -> String {
        "a list of IP addresses and ranges, such as [\"10.0.0.1\", \"192.168.0.0/16\"]".to_owned()
    }

    fn literal(&self, value: &TrustedPeers) -> Option<String> {
        let all: Vec<_> = value.networks().map(|n| quoted(&n.to_string())).collect();
        Some(format!("[{}]", all.join(", ")))
    }
}

/// Where browsers see us: an origin in the form in which browsers send it.
pub(super) struct Url;

impl Kind for Url {
    type Value = String;

    fn read(&self, raw: Raw<'_>) -> Result<String, Refusal> {
        let text = raw.text().ok_or_else(|| Refusal::of(raw))?;
        url::origin(text).map_err(|why| {
            // What stands before an `@` is likely a password, so the text is not shown then.
            let found = if text.contains('@') {
                Refusal {
                    found: "an address with an \"@\" in it".to_owned(),
                    why: None,
                }
            } else {
                Refusal::of(raw)
            };
            found.because(why.to_string())
        })
    }

    fn accepts(&self) -> String {
        "http:// or https://, a host and perhaps a port, such as \"https://app.example\"".to_owned()
    }

    fn literal(&self, value: &String) -> Option<String> {
        Some(quoted(value))
    }
}

/// A folder of the file system.
pub(super) struct Folder;

impl Kind for Folder {
    type Value = PathBuf;

    fn read(&self, raw: Raw<'_>) -> Result<PathBuf, Refusal> {
        raw.text()
            .filter(|text| !text.is_empty() && !text.contains('\0'))
            .map(PathBuf::from)
            .ok_or_else(|| Refusal::of(raw))
    }

    fn accepts(&self) -> String {
        "the path of a folder".to_owned()
    }

    fn literal(&self, value: &PathBuf) -> Option<String> {
        Some(quoted(&value.to_string_lossy()))
    }
}

/// A file in PEM form. It is read by whoever uses it, who says what is wrong with it.
pub(super) struct PemFile;

impl Kind for PemFile {
    type Value = PathBuf;

    fn read(&self, raw: Raw<'_>) -> Result<PathBuf, Refusal> {
        Folder.read(raw)
    }

    fn accepts(&self) -> String {
        "the path of a file in PEM form".to_owned()
    }

    fn literal(&self, value: &PathBuf) -> Option<String> {
        Folder.literal(value)
    }
}

/// A text that nobody may see.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text, for whoever needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A secret as it stands.
pub(super) struct SecretText;

impl Kind for SecretText {
    type Value = Secret;

    fn read(&self, raw: Raw<'_>) -> Result<Secret, Refusal> {
        let text = raw.text().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Refusal {
            found: "something else".to_owned(),
            why: None,
        })?;
        Ok(Secret(text.to_owned()))
    }

    fn accepts(&self) -> String {
        "a text that is not empty; it is shown nowhere".to_owned()
    }

    fn literal(&self, _: &Secret) -> Option<String> {
        Some(quoted("(not shown)"))
    }
}

/// A file that holds a secret. It is read by whoever uses it, who says what is wrong with it.
pub(super) struct SecretFile;

impl Kind for SecretFile {
    type Value = PathBuf;

    fn read(&self, raw: Raw<'_>) -> Result<PathBuf, Refusal> {
        Folder.read(raw)
    }

    fn accepts(&self) -> String {
        "the path of a file that holds it".to_owned()
    }

    fn literal(&self, value: &PathBuf) -> Option<String> {
        Folder.literal(value)
    }
}

/// A span of time within bounds.
pub(super) struct Span {
    /// The shortest that is accepted.
    pub(super) least: Duration,
    /// The longest that is accepted.
    pub(super) most: Duration,
    /// What it must be a multiple of.
    pub(super) step: Duration,
}

impl Kind for Span {
    type Value = Duration;

    fn read(&self, raw: Raw<'_>) -> Result<Duration, Refusal> {
        let refusal = Refusal::of(raw);
        let Some(text) = raw.text() else {
            return Err(refusal.because("a span is a text: its unit must be said"));
        };
        match span::parse(text) {
            Ok(span) if span < self.least => Err(refusal.because("too short")),
            Ok(span) if span > self.most => Err(refusal.because("too long")),
            Ok(span) if !span.as_millis().is_multiple_of(self.step.as_millis()) => {
                Err(refusal.because(format!("not a multiple of {}", span::written(self.step))))
            }
            Ok(span) => Ok(span),
            Err(NotASpan::Unit) => Err(refusal.because("the unit is missing or unknown")),
            Err(NotASpan::TooLong) => Err(refusal.because("too long")),
            Err(NotASpan::Number) => Err(refusal),
        }
    }

    fn accepts(&self) -> String {
        format!(
            "a whole number and one of the units {}, from \"{}\" to \"{}\"",
            span::units(self.step),
            span::written(self.least),
            span::written(self.most)
        )
    }

    fn literal(&self, value: &Duration) -> Option<String> {
        Some(quoted(&span::written(*value)))
    }
}

/// How many sign-ins in which span of time.
pub(super) struct SignIns;

impl Kind for SignIns {
    type Value = Budget;

    fn read(&self, raw: Raw<'_>) -> Result<Budget, Refusal> {
        let refusal = Refusal::of(raw);
        let Some(text) = raw.text() else {
            return Err(refusal);
        };
        Budget::parse(text).map_err(|error| match error {
            NotABudget::Form => refusal,
            why => refusal.because(why.to_string()),
        })
    }

    fn accepts(&self) -> String {
        Budget::FORM.to_owned()
    }

    fn literal(&self, value: &Budget) -> Option<String> {
        Some(quoted(&value.to_string()))
    }
}

/// How many sessions somebody may have.
pub(super) struct Sessions;

impl Kind for Sessions {
    type Value = SessionLimit;

    fn read(&self, raw: Raw<'_>) -> Result<SessionLimit, Refusal> {
        let refusal = Refusal::of(raw);
        let number = raw.integer().ok_or_else(|| Refusal::of(raw))?;
        let limit = u64::try_from(number).ok().and_then(SessionLimit::new);
        limit.ok_or_else(|| match number {
            0 => refusal.because(
                "there is no unlimited; to let nobody sign in, disable the subject instead",
            ),
            1.. => refusal.because("there is no unlimited"),
            _ => refusal,
        })
    }

    fn accepts(&self) -> String {
        format!("a whole number from 1 to {}", SessionLimit::MAX.get())
    }

    fn literal(&self, value: &SessionLimit) -> Option<String> {
        Some(value.get().to_string())
    }
}

/// How many sessions a tenant may have in all.
pub(super) struct InAll;

impl Kind for InAll {
    type Value = Seats;

    fn read(&self, raw: Raw<'_>) -> Result<Seats, Refusal> {
        let number = raw.integer().ok_or_else(|| Refusal::of(raw))?;
        let seats = u64::try_from(number).ok().and_then(Seats::new);
        seats.ok_or_else(|| {
            Refusal::of(raw).because("without a limit on the tenant, leave the table out")
        })
    }

    fn accepts(&self) -> String {
        format!("a whole number from 1 to {}", Seats::MAX.get())
    }

    fn literal(&self, value: &Seats) -> Option<String> {
        Some(value.get().to_string())
    }
}

/// The name of a group or a client, as the domain reads it.
pub(super) struct Named<T>(pub(super) fn(&str) -> Result<T, NameError>);

impl<T: ToString> Kind for Named<T> {
    type Value = T;

    fn read(&self, raw: Raw<'_>) -> Result<T, Refusal> {
        let refusal = Refusal::of(raw);
        let Some(name) = raw.text() else {
            return Err(refusal);
        };
        (self.0)(name).map_err(|error| refusal.because(format!("it {error}")))
    }

    fn accepts(&self) -> String {
        "a name of 1 to 256 bytes without control or bidirectional characters".to_owned()
    }

    fn literal(&self, value: &T) -> Option<String> {
        Some(quoted(&value.to_string()))
    }
}

/// Why somebody decided so.
pub(super) struct Sentence;

impl Kind for Sentence {
    type Value = Reason;

    fn read(&self, raw: Raw<'_>) -> Result<Reason, Refusal> {
        Named(Reason::parse).read(raw)
    }

    fn accepts(&self) -> String {
        format!(
            "a text of 1 to {} bytes in one line, for whoever reads it later",
            Reason::LEN_MAX
        )
    }

    fn literal(&self, value: &Reason) -> Option<String> {
        Named(Reason::parse).literal(value)
    }
}

/// The name of a header that says who asks.
pub(super) struct Header;

impl Kind for Header {
    type Value = HeaderName;

    fn read(&self, raw: Raw<'_>) -> Result<HeaderName, Refusal> {
        let refusal = Refusal::of(raw);
        let Some(text) = raw.text() else {
            return Err(refusal);
        };
        forward_auth::header_name(text).map_err(|error| refusal.because(error.to_string()))
    }

    fn accepts(&self) -> String {
        "the name of a header, such as \"Remote-User\"".to_owned()
    }

    fn literal(&self, value: &HeaderName) -> Option<String> {
        Some(quoted(value.as_str()))
    }
}

/// A path that needs no session.
pub(super) struct Public;

impl Kind for Public {
    type Value = PublicPath;

    fn read(&self, raw: Raw<'_>) -> Result<PublicPath, Refusal> {
        let refusal = Refusal::of(raw);
        let Some(text) = raw.text() else {
            return Err(refusal);
        };
        PublicPath::parse(text).map_err(|error| refusal.because(error.to_string()))
    }

    fn accepts(&self) -> String {
        "a path such as \"/robots.txt\", or \"/static/\" for all below it".to_owned()
    }

    fn literal(&self, value: &PublicPath) -> Option<String> {
        Some(quoted(value.as_str()))
    }
}

/// True or false.
pub(super) struct Truth;

impl Kind for Truth {
    type Value = bool;

    fn read(&self, raw: Raw<'_>) -> Result<bool, Refusal> {
        raw.truth().ok_or_else(|| Refusal::of(raw))
    }

    fn accepts(&self) -> String {
        "true or false".to_owned()
    }

    fn literal(&self, value: &bool) -> Option<String> {
        Some(value.to_string())
    }
}

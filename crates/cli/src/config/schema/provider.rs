//! `[[gateway.provider]]`: the OpenID providers that people sign in with.

use std::path::PathBuf;
use std::time::Duration;

use innkeeper_domain::name::Issuer;
use innkeeper_federation::ProviderName;

use super::super::effective::Lines;
use super::super::kinds::{
    Claim, IssuerUrl, Kind, Levels, Maybe, NameOfProvider, Secret, SecretFile, SecretText, Span,
    TextList,
};
use super::super::read::Reader;
use super::{Assurances, Section};

/// From a minute to thirty days: without a bound, a proof of any age would pass for a fresh one.
const MAX_AGE: Span = Span {
    least: Duration::from_mins(1),
    most: Duration::from_hours(30 * 24),
    step: Duration::from_secs(1),
};

sections! {
    /// `[[gateway.provider]]`: an OpenID provider that people sign in with.
    Provider {
        /// How it is called here: on its button, and before the names of its people.
        name: Option<ProviderName> = Maybe(NameOfProvider), None;
        /// Its address, byte by byte as it says it (`iss`).
        issuer: Option<Issuer> = Maybe(IssuerUrl), None;
        /// What we are to it.
        client_id: Option<String> = Maybe(Claim), None;
        /// How we prove that. It is never shown.
        client_secret: Option<Secret> = Maybe(SecretText), None;
        /// The file that holds it instead.
        client_secret_file: Option<PathBuf> = Maybe(SecretFile), None;
        /// Which claim names the person within this provider.
        subject: String = Claim, "sub".to_owned();
        /// Which claim lists the person's groups.
        groups: Option<String> = Maybe(Claim), None;
        /// What to ask for.
        scopes: Vec<String> = TextList, vec!["openid".to_owned(), "profile".to_owned()];
        /// How old a proof of identity may be that is taken over.
        max_age: Duration = MAX_AGE, Duration::from_hours(12);
        /// What strength of it to ask for.
        acr_values: Vec<String> = TextList, Vec::new();
        /// What each strength proves, from 1 to 9; any other proves as much as a password, 1.
        assurance: Assurances = Levels, Assurances::new();
    }
}

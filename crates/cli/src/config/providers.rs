//! The OpenID providers of `[[gateway.provider]]`, and what they need of other settings.

use super::Config;
use super::policy::bounded;
use super::problem::{Fault, Problems};
use super::read::{Origins, Reader, missing, note_rows, row_key};
use super::schema::Provider;
use super::walk::Entries;
use crate::outgoing::Outgoing;

const KEY: &str = "gateway.provider";

/// Reads them all.
pub(super) fn providers(
    entries: &Entries<'_>,
    problems: &mut Problems,
    origins: &mut Origins,
) -> Vec<Provider> {
    let rows = bounded(KEY, entries, problems);
    note_rows(KEY, rows, origins);
    let read = |row: &Entries<'_>| {
        for (key, what) in [
            (
                "name",
                "`name` is missing; one such as \"acme\" is accepted",
            ),
            (
                "issuer",
                "`issuer` is missing; the address of the provider is accepted, such as \
                 \"https://id.example\"",
            ),
            (
                "client_id",
                "`client_id` is missing; it is what the provider calls this application",
            ),
        ] {
            let full = format!("{KEY}.{key}");
            if !row.written().any(|written| written == full) {
                missing(row, KEY, problems, what);
            }
        }
        Reader::section(KEY, row, problems, &mut Origins::new())
    };
    rows.iter().map(read).collect()
}

impl Config {
    /// Notes what providers cannot do without, and what two of them cannot share.
    pub(super) fn judge_providers(&self, problems: &mut Problems) {
        let outgoing = Outgoing::new(&self.outgoing.allow);
        for (place, provider) in self.providers.iter().enumerate() {
            let origin = self.origin(&row_key(KEY, place));
            let mut note = |fault: Fault| problems.note(origin, KEY.to_owned(), || fault);
            let before = &self.providers[..place];
            if provider.name.is_some() && before.iter().any(|b| b.name == provider.name) {
                note(Fault::Contradicts(
                    "has the name of another provider: give each its own",
                ));
            }
            let is_same =
                |b: &Provider| b.issuer == provider.issuer && b.client_id == provider.client_id;
            if provider.issuer.is_some() && before.iter().any(is_same) {
                note(Fault::Contradicts(
                    "has the issuer and the client_id of another provider: a word of it could be \
                     about either, so leave one out",
                ));
            }
            if provider.client_secret.is_some() && provider.client_secret_file.is_some() {
                note(Fault::Contradicts(
                    "has client_secret beside client_secret_file: leave one of them out",
                ));
            }
            if !provider.scopes.iter().any(|scope| scope == "openid") {
                note(Fault::Contradicts(
                    "has scopes without \"openid\", by which the provider would vouch for nobody: \
                     add it",
                ));
            }
            if self.server.public_url.is_none() {
                note(Fault::Missing(
                    "server.public_url is missing: the provider sends browsers back to an address \
                     that it knows, public_url with /_innkeeper/oidc/callback behind it",
                ));
            }
            if !self.gateway.is_on() {
                note(Fault::Contradicts(
                    "is for the sign-in page, and gateway.sign_in is false: leave one of them out",
                ));
            }
            if let Some(issuer) = &provider.issuer
                && let Err(why) = outgoing.way_to(issuer.as_str())
            {
                note(Fault::BadValue {
                    found: format!("the issuer {issuer}"),
                    accepted: "a provider that may be called".to_owned(),
                    why: Some(why),
                });
            }
        }
    }
}

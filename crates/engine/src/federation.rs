//! Federation: what a provider's word that somebody is signed out there does here.
//!
//! Which sessions end is read from the rosters, and from nothing else: where the person is known,
//! one roster is looked at, else all are. A sign-in that was on its way meanwhile is caught by
//! what is remembered of the logout: it is written down before the rosters are looked at, and a
//! sign-in looks for it after its birth, so one of the two sees the other.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use innkeeper_domain::federation::{FederatedLogout, FederatedSignIn, LoggedOut};
use innkeeper_domain::name::{Issuer, SubjectId, TenantId};
use innkeeper_domain::session::{EndReason, Sealed, Timestamp};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::RosterTag;
use innkeeper_store::register::Put;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::revoke::count_ended;
use crate::seal::{self, Purpose};
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// How many rosters one look at the store names.
const LOOK: usize = 1024;
/// For how long a logout is remembered: a sign-in may be on its way for ten minutes, its choice at
/// the limit for five more, and clocks differ. No token lives longer either.
pub const REMEMBERED_FOR: Duration = Duration::from_mins(20);

const PLACE: &str = "federation/";

/// What became of a logout that a provider told of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum LogoutAnswer {
    /// So many sessions ended by it, and their ends are durable.
    Ended(usize),
    /// The token was heard before, and nothing was done.
    Replayed,
}

/// What is remembered of a logout, in the register.
#[derive(Deserialize, Serialize)]
struct Mark {
    /// When the provider said so, by its clock.
    issued_at: u64,
    /// When this may be forgotten.
    until: u64,
}

/// What a mark is about.
#[derive(Clone, Copy)]
enum About<'a> {
    /// A logout token, by its own name.
    Token(&'a str),
    /// A session of the provider.
    Session(&'a str),
    /// A person, as the provider calls them.
    Subject(&'a str),
}

impl Authority {
    /// Ends what rests on a sign-in that is over at its provider, for good. When this returns, the
    /// ends are durable.
    ///
    /// `whose` names the subject where it is known; without it every roster is looked at. The
    /// token that said so is heard once: it is noted when all is done, so that one whose answer
    /// was lost may be sent again.
    pub async fn end_federated(
        &self,
        tenant: &TenantId,
        logout: &FederatedLogout,
        whose: Option<&SubjectId>,
        token: &str,
    ) -> Result<LogoutAnswer, EngineError> {
        let heard = place(tenant, &logout.issuer, About::Token(token));
        if self.mark(&heard).await?.is_some() {
            return Ok(LogoutAnswer::Replayed);
        }
        let about = match &logout.of {
            LoggedOut::Session(session, _) => About::Session(session.as_str()),
            LoggedOut::Subject(subject) => About::Subject(subject.as_str()),
        };
        let over = place(tenant, &logout.issuer, about);
        self.note(&over, logout.issued_at).await?;
        let mut ended = 0;
        if let Some(subject) = whose {
            let tag = self.tag(tenant, subject);
            ended += self.end_what_rests(tag, tenant, logout).await?;
        } else {
            let mut behind = None;
            loop {
                let tags = self.store.walk(behind, LOOK).await?;
                let Some(last) = tags.last().copied() else {
                    break;
                };
                for tag in tags {
                    ended += self.end_what_rests(tag, tenant, logout).await?;
                }
                behind = Some(last);
            }
        }
        self.note(&heard, logout.issued_at).await?;
        Ok(LogoutAnswer::Ended(ended))
    }

    /// Whether a provider has said that a sign-in is over, as far as that is remembered.
    pub(crate) async fn is_over(
        &self,
        tenant: &TenantId,
        sign_in: &FederatedSignIn,
    ) -> Result<bool, EngineError> {
        if let Some(session) = &sign_in.session {
            let about = About::Session(session.as_str());
            if self
                .mark(&place(tenant, &sign_in.issuer, about))
                .await?
                .is_some()
            {
                return Ok(true);
            }
        }
        let about = About::Subject(sign_in.subject.as_str());
        let said = self.mark(&place(tenant, &sign_in.issuer, about)).await?;
        Ok(said.is_some_and(|(mark, _)| mark.issued_at >= sign_in.issued_at.as_millis()))
    }

    /// Forgets logouts that no sign-in on its way can rest on any more.
    pub async fn forget_logouts(&self) -> Result<usize, EngineError> {
        let now = self.now().await?;
        let mut forgotten = 0;
        for (name, held) in self.register.list(PLACE).await? {
            if read(&name, &held.value)?.until > now.as_millis() {
                continue;
            }
            if let Put::Done(_) = self.register.put(&name, Some(held.version), None).await? {
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    /// Seals what a browser is to keep of a sign-in that it began: nobody else can read it, and
    /// every node of this store can.
    pub fn seal_begun(&self, plain: &[u8]) -> Result<Vec<u8>, EngineError> {
        let id = self.entropy.draw::<{ ChoiceTicket::ID_LEN }>()?;
        let secret = self.ticket_key.secret(&id);
        let sealed = seal::seal(&secret, Purpose::Begun, plain, &*self.entropy)?;
        Ok([&id, &*sealed.0].concat())
    }

    /// Opens what was sealed so; `None` if it was not, here.
    #[must_use]
    pub fn open_begun(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (id, sealed) = sealed.split_first_chunk::<{ ChoiceTicket::ID_LEN }>()?;
        let secret = self.ticket_key.secret(id);
        seal::open(&secret, Purpose::Begun, &Sealed(sealed.into()))
    }

    async fn end_what_rests(
        &self,
        tag: RosterTag,
        tenant: &TenantId,
        logout: &FederatedLogout,
    ) -> Result<usize, EngineError> {
        let mut is_meant = false;
        self.look_at(tag, tenant, &mut |roster, now| {
            is_meant = logout.ended_in(roster, now).next().is_some();
        })
        .await?;
        if !is_meant {
            return Ok(0);
        }
        let decide = |case: &Case<'_>| {
            let changes = logout.decide(case.roster, case.now());
            Ok(match count_ended(&changes, EndReason::Federation) {
                0 => Step::Answer(0),
                ended => Step::Commit(changes, ended),
            })
        };
        let settled = self.settle_at(tag, Some(tenant), decide).await?;
        Ok(settled.map_or(0, |settled| settled.answer))
    }

    async fn mark(&self, name: &str) -> Result<Option<(Mark, u64)>, EngineError> {
        let Some(held) = self.register.get(name).await? else {
            return Ok(None);
        };
        Ok(Some((read(name, &held.value)?, held.version)))
    }

    /// Writes a mark down, unless a later one is there.
    async fn note(&self, name: &str, issued_at: Timestamp) -> Result<(), EngineError> {
        loop {
            let before = self.mark(name).await?;
            let said_before = before.as_ref().map_or(0, |(mark, _)| mark.issued_at);
            let mark = Mark {
                issued_at: issued_at.as_millis().max(said_before),
                until: self.now().await?.plus(REMEMBERED_FOR).as_millis(),
            };
            let value = serde_json::to_vec(&mark).expect("a mark is valid JSON");
            let seen = before.map(|(_, version)| version);
            if let Put::Done(_) = self.register.put(name, seen, Some(value)).await? {
                return Ok(());
            }
        }
    }
}

fn read(name: &str, value: &[u8]) -> Result<Mark, EngineError> {
    serde_json::from_slice(value).map_err(|source| EngineError::Register {
        name: name.into(),
        source: source.into(),
    })
}

/// Where a mark lies. Its name tells nobody's.
fn place(tenant: &TenantId, issuer: &Issuer, about: About<'_>) -> String {
    let (kind, text) = match about {
        About::Token(text) => ("jti", text),
        About::Session(text) => ("sid", text),
        About::Subject(text) => ("sub", text),
    };
    let mut hash = Sha256::new();
    // None of them has a NUL in it: names have no control characters, and the last ends all.
    for part in [tenant.as_str(), issuer.as_str(), kind, text] {
        hash.update(part);
        hash.update([0]);
    }
    format!("{PLACE}{}", BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()))
}

//! The choice at the limit: a ticket that carries the evidence, so that nobody signs in twice.
//!
//! A refusal stores nothing. So what was proved goes out with it, sealed under a key that is made
//! with the store, and comes back with the sessions that the subject chose to end. Everything is
//! decided anew then: the ticket says who proved what and when, and no more.

use std::net::IpAddr;
use std::time::Duration;

use innkeeper_domain::admission::SignIn;
use innkeeper_domain::device::{DeviceClass, DeviceLabel, DeviceToken};
use innkeeper_domain::federation::FederatedSignIn;
use innkeeper_domain::name::{
    AuthenticationMethod, ClientId, GroupName, Issuer, IssuerSession, IssuerSubject, NameError,
    SubjectId, TenantId,
};
use innkeeper_domain::roster::{Contact, Generation, StoreGeneration};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Origin, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::ticket::ChoiceTicket;
use innkeeper_domain::token::{RosterTag, SessionToken};
use innkeeper_store::KeyDigest;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::Authority;
use crate::budget::Place;
use crate::entropy::NoEntropy;
use crate::seal::{self, Purpose};
use crate::settle::Case;
use crate::sign_in::Idempotency;

/// For how long a ticket may be used, by the store's time.
pub const TICKETS_FOR: Duration = Duration::from_mins(5);

/// The answer of a subject to a refusal that gave it a choice.
#[derive(Debug)]
pub struct ChoiceRequest {
    /// Where the answer is given: a ticket is good only where it was issued.
    pub place: Place,
    /// The tenant.
    pub tenant: TenantId,
    /// Who signs in.
    pub subject: SubjectId,
    /// The ticket that came with the refusal.
    pub ticket: ChoiceTicket,
    /// The sessions to end.
    pub end: Box<[SessionId]>,
    /// The token that the browser holds, if it is said again.
    pub replaces: Option<SessionToken>,
    /// What makes a repeat of this very request known as one. The ticket alone works once.
    pub idempotency: Option<Idempotency>,
}

/// The key that seals tickets. Made with the store; without it a ticket says nothing.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct TicketKey([u8; 32]);

impl TicketKey {
    pub(crate) const fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What one ticket is sealed under: no two share a key.
    pub(crate) fn secret(&self, id: &[u8; ChoiceTicket::ID_LEN]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.0.as_slice(), id.as_slice()].concat())
    }
}

/// A ticket that was opened: a sign-in as it was proved, and what it was proved against.
pub(crate) struct Opened {
    pub(crate) ticket: ChoiceTicket,
    /// Under what the admission is remembered: a ticket works once.
    pub(crate) key: KeyDigest,
    /// The request that it was issued to, where that had a key: the key's repeats are known by it.
    pub(crate) request: [u8; 32],
    pub(crate) sign_in: SignIn,
    pub(crate) replaces: Option<SessionToken>,
    pub(crate) device: Option<DeviceToken>,
    pub(crate) proved: Proved,
}

/// What a ticket was issued against.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Proved {
    expires_at: u64,
    generation: u64,
    store_generation: u64,
}

/// Whether a ticket still means something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// It does.
    Good,
    /// Its time is over, or the store is another one.
    Void,
    /// Something raised the fence since: a changed credential, a revocation of all (S8).
    Stale,
}

impl Proved {
    fn now(case: &Case<'_>) -> Self {
        Self {
            expires_at: case.now().plus(TICKETS_FOR).as_millis(),
            generation: case.roster.generation.0,
            store_generation: case.reading.ground.store_generation.0,
        }
    }

    pub(crate) fn standing(self, case: &Case<'_>) -> Standing {
        let store = case.reading.ground.store_generation;
        if case.now() >= Timestamp::from_millis(self.expires_at)
            || StoreGeneration(self.store_generation) != store
        {
            Standing::Void
        } else if Generation(self.generation) == case.roster.generation {
            Standing::Good
        } else {
            Standing::Stale
        }
    }
}

impl Authority {
    /// Puts a sign-in that finds no seat into a ticket; `None` if it says more than fits.
    ///
    /// With an idempotency key the ticket stands for that key, so that the two together give one
    /// session and not two (S10).
    pub(crate) fn ticket(
        &self,
        case: &Case<'_>,
        place: Place,
        sign_in: &SignIn,
        replaces: Option<&SessionToken>,
        device: Option<&DeviceToken>,
        sent: Option<&Idempotency>,
    ) -> Result<Option<ChoiceTicket>, NoEntropy> {
        let id = self.entropy.draw()?;
        let own = || {
            let mut hash = Sha256::new_with_prefix(b"innkeeper choice ticket 1");
            hash.update(id);
            KeyDigest(hash.finalize().into())
        };
        let (key, request) = sent.map_or_else(|| (own(), [0; 32]), |s| (s.digest, s.request));
        let record = TicketRecord {
            tag: *case.roster.tag.as_bytes(),
            key: key.0,
            request,
            place,
            proved: Proved::now(case),
            fenced: sign_in.evidence.is_some(),
            sign_in: SignInRecord::of(sign_in, case.now()),
            replaces: replaces.map(SessionToken::reveal),
            device: device.map(DeviceToken::reveal),
        };
        let plain =
            Zeroizing::new(postcard::to_stdvec(&record).expect("a vector takes any record"));
        if plain.len() > ChoiceTicket::LEN_MAX {
            return Ok(None);
        }
        let secret = self.ticket_key.secret(&id);
        let sealed = seal::seal(&secret, Purpose::Choice, &plain, &*self.entropy)?;
        Ok(ChoiceTicket::new(id, sealed))
    }

    /// Opens a ticket; `None` if it was not issued here, at that place, for the subject of that
    /// roster.
    ///
    /// What an application proved is for a session of that application. On our pages its ticket
    /// would open one without its key, in whichever class it asked for.
    pub(crate) fn open_ticket(
        &self,
        tag: RosterTag,
        place: Place,
        ticket: ChoiceTicket,
    ) -> Option<Opened> {
        let secret = self.ticket_key.secret(ticket.id());
        let plain = seal::open(&secret, Purpose::Choice, ticket.sealed())?;
        let record: TicketRecord = postcard::from_bytes(&plain).ok()?;
        if record.tag != *tag.as_bytes() || record.place != place {
            return None;
        }
        let replaces = record.replaces.as_deref();
        let replaces = replaces.and_then(|text| SessionToken::parse(text).ok());
        let device = record.device.as_deref();
        let device = device.and_then(|text| DeviceToken::parse(text).ok());
        let mut sign_in = record.sign_in.revive()?;
        sign_in.evidence = record
            .fenced
            .then_some(Generation(record.proved.generation));
        Some(Opened {
            key: KeyDigest(record.key),
            request: record.request,
            sign_in,
            replaces,
            device,
            proved: record.proved,
            ticket,
        })
    }
}

#[derive(Deserialize, Serialize)]
struct TicketRecord {
    tag: [u8; 16],
    key: [u8; 32],
    request: [u8; 32],
    place: Place,
    proved: Proved,
    /// Whether the sign-in said which generation it was made under.
    fenced: bool,
    sign_in: SignInRecord,
    replaces: Option<String>,
    device: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct SignInRecord {
    client: Option<String>,
    class: ClassRecord,
    actor: Option<String>,
    remember: bool,
    authenticated_at: u64,
    methods: Vec<String>,
    assurance: u8,
    groups: Option<Vec<String>>,
    contact: Option<[Option<String>; 3]>,
    ip: Option<IpAddr>,
    label: Option<String>,
    device_class: Option<u8>,
    attributes: Option<String>,
    federation: Option<FederationRecord>,
}

#[derive(Deserialize, Serialize)]
struct FederationRecord {
    issuer: String,
    subject: String,
    session: Option<String>,
    issued_at: u64,
    vouched_until: Option<u64>,
}

/// The numbers of these in a ticket.
const DEVICE_CLASSES: [DeviceClass; 6] = [
    DeviceClass::Desktop,
    DeviceClass::Mobile,
    DeviceClass::Tablet,
    DeviceClass::Tv,
    DeviceClass::Cli,
    DeviceClass::Other,
];

#[derive(Clone, Copy, Deserialize, Serialize)]
enum ClassRecord {
    Interactive,
    Machine,
    Impersonation,
}

impl SignInRecord {
    fn of(sign_in: &SignIn, now: Timestamp) -> Self {
        // Named one by one: what a sign-in learns to say must be said here too.
        let SignIn {
            client,
            class,
            actor,
            remember,
            authentication,
            evidence: _,
            groups,
            contact,
            replaces: _,
            origin,
            device: _,
            device_class,
            attributes,
            federation,
            end: _,
        } = sign_in;
        let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            client: client.as_ref().map(ToString::to_string),
            class: match class {
                SessionClass::Interactive => ClassRecord::Interactive,
                SessionClass::Machine => ClassRecord::Machine,
                SessionClass::Impersonation => ClassRecord::Impersonation,
            },
            actor: actor.as_ref().map(ToString::to_string),
            remember: *remember,
            // The proof is as old as the first call, however late the choice comes.
            authenticated_at: authentication.at.min(now).as_millis(),
            methods: texts(&authentication.methods),
            assurance: authentication.assurance.get(),
            groups: groups.as_deref().map(texts),
            contact: contact
                .as_ref()
                .map(|c| [owned(&c.email), owned(&c.locale), owned(&c.time_zone)]),
            ip: origin.ip,
            label: origin.label.as_ref().map(ToString::to_string),
            device_class: device_class.and_then(|class| {
                let place = DEVICE_CLASSES.iter().position(|c| *c == class)?;
                u8::try_from(place).ok()
            }),
            attributes: owned(attributes),
            federation: federation.as_deref().map(FederationRecord::of),
        }
    }

    fn revive(self) -> Option<SignIn> {
        let boxed = |text: Option<String>| text.map(Into::into);
        let contact = self.contact.map(|[email, locale, time_zone]| Contact {
            email: boxed(email),
            locale: boxed(locale),
            time_zone: boxed(time_zone),
        });
        Some(SignIn {
            client: self.client.map(|c| ClientId::parse(&c)).transpose().ok()?,
            class: match self.class {
                ClassRecord::Interactive => SessionClass::Interactive,
                ClassRecord::Machine => SessionClass::Machine,
                ClassRecord::Impersonation => SessionClass::Impersonation,
            },
            actor: self.actor.map(|a| SubjectId::parse(&a)).transpose().ok()?,
            remember: self.remember,
            authentication: AuthenticationEvent {
                at: Timestamp::from_millis(self.authenticated_at),
                methods: names(&self.methods, AuthenticationMethod::parse)?,
                assurance: AssuranceLevel::new(self.assurance)?,
            },
            evidence: None,
            groups: match self.groups {
                Some(groups) => Some(names(&groups, GroupName::parse)?),
                None => None,
            },
            contact,
            replaces: None,
            origin: Origin {
                ip: self.ip,
                label: self
                    .label
                    .map(|l| DeviceLabel::parse(&l))
                    .transpose()
                    .ok()?,
            },
            device: None,
            device_class: match self.device_class {
                Some(place) => Some(*DEVICE_CLASSES.get(usize::from(place))?),
                None => None,
            },
            attributes: boxed(self.attributes),
            federation: match self.federation {
                Some(record) => Some(Box::new(record.revive()?)),
                None => None,
            },
            end: Box::default(),
        })
    }
}

impl FederationRecord {
    fn of(sign_in: &FederatedSignIn) -> Self {
        Self {
            issuer: sign_in.issuer.to_string(),
            subject: sign_in.subject.to_string(),
            session: sign_in.session.as_ref().map(ToString::to_string),
            issued_at: sign_in.issued_at.as_millis(),
            vouched_until: sign_in.vouched_until.map(Timestamp::as_millis),
        }
    }

    fn revive(self) -> Option<FederatedSignIn> {
        Some(FederatedSignIn {
            issuer: Issuer::parse(&self.issuer).ok()?,
            subject: IssuerSubject::parse(&self.subject).ok()?,
            session: self
                .session
                .map(|s| IssuerSession::parse(&s))
                .transpose()
                .ok()?,
            issued_at: Timestamp::from_millis(self.issued_at),
            vouched_until: self.vouched_until.map(Timestamp::from_millis),
        })
    }
}

fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn names<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, NameError>) -> Option<Box<[T]>> {
    texts.iter().map(|text| parse(text).ok()).collect()
}

//! A population like that of a real service: people with five browsers each, every one of which
//! says what it is.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use innkeeper_domain::admission::{Admission, Newborn, SignIn, admit};
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceClass, DeviceLabel, DeviceSerial, DeviceToken};
use innkeeper_domain::name::{AuthenticationMethod, ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Origin, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_engine::entropy::OsEntropy;
use innkeeper_engine::{Authority, Services};
use innkeeper_store::clock::SystemClock;
use innkeeper_store::{Commit, Outcome, Register, SessionStore};
use innkeeper_store_embedded::EmbeddedStore;
use sha2::{Digest, Sha256};

use crate::BenchError;

/// Sessions a subject.
pub(crate) const EACH: u64 = 5;

/// An open store with the authority over it.
pub(crate) struct House<S = EmbeddedStore> {
    pub(crate) store: Arc<S>,
    pub(crate) authority: Arc<Authority>,
}

impl House {
    /// Opens the store in `folder`, under `policy`.
    pub(crate) async fn open(folder: &Path, policy: Policy) -> Result<Self, BenchError> {
        let store = Arc::new(EmbeddedStore::open(folder, Arc::new(SystemClock))?);
        Self::over(store, policy).await
    }

    /// Opens the sessions of these subjects, as [`fill_by`](Self::fill_by), with as many commits at
    /// once as make for few syncs.
    pub(crate) async fn fill(&self, subjects: Range<u64>, each: u64) -> Result<(), BenchError> {
        self.fill_by(1024, subjects, each).await
    }

    /// Closes the store in order.
    pub(crate) async fn close(self) -> Result<(), BenchError> {
        Ok(self.store.close().await?)
    }
}

impl<S: SessionStore + Register + 'static> House<S> {
    /// Opens an authority over a store.
    pub(crate) async fn over(store: Arc<S>, policy: Policy) -> Result<Self, BenchError> {
        let services = Services {
            store: Arc::clone(&store) as _,
            register: Arc::clone(&store) as _,
            entropy: Arc::new(OsEntropy),
        };
        let authority = Arc::new(Authority::open(services, policy).await?);
        Ok(Self { store, authority })
    }
}

impl<S> House<S> {
    /// The token of session `number` of a subject.
    pub(crate) fn token(&self, subject: u64, number: u64) -> SessionToken {
        let tag = self.authority.tag(&TenantId::default(), &name(subject));
        SessionToken::new(tag, secret(subject, number))
    }
}

impl<S: SessionStore + 'static> House<S> {
    /// Opens the sessions of these subjects, `each` at once, one commit a subject and so many
    /// commits at once.
    pub(crate) async fn fill_by(
        &self,
        waiting: u64,
        subjects: Range<u64>,
        each: u64,
    ) -> Result<(), BenchError> {
        let tasks: Vec<_> = (0..waiting)
            .map(|first| {
                let (store, authority) = (Arc::clone(&self.store), Arc::clone(&self.authority));
                let subjects = subjects.clone();
                tokio::spawn(async move {
                    let policy = authority.policy();
                    let mut subject = subjects.start + first;
                    while subject < subjects.end {
                        open_sessions(&*store, &authority, &policy, subject, each).await?;
                        subject += waiting;
                    }
                    Ok::<_, BenchError>(())
                })
            })
            .collect();
        for task in tasks {
            task.await
                .map_err(|_| BenchError::Wrong("a task panicked"))??;
        }
        Ok(())
    }
}

async fn open_sessions(
    store: &impl SessionStore,
    authority: &Authority,
    policy: &Policy,
    subject: u64,
    each: u64,
) -> Result<(), BenchError> {
    let (tenant, name) = (TenantId::default(), name(subject));
    let tag = authority.tag(&tenant, &name);
    loop {
        let reading = store.read(tag, None).await?;
        if reading.roster.is_some() {
            return Err(BenchError::Wrong("the store was not empty"));
        }
        let ground = reading.ground;
        let (floor, generation) = (ground.floor, ground.store_generation);
        let roster = Roster::absent(tag, tenant.clone(), name.clone(), floor, generation);
        let changes = births(&roster, policy, subject, each, reading.now)?;
        let commit = Commit::new(&roster, changes, reading.now, Timestamp::MAX, [7; 16]);
        match store.commit(commit).await? {
            Outcome::Done(_) => return Ok(()),
            // Others have moved its clock on.
            Outcome::Stale => {}
            Outcome::Full => return Err(BenchError::Wrong("the tenant had no seat left")),
        }
    }
}

/// The births of a subject's sessions, all at once.
fn births(
    roster: &Roster,
    policy: &Policy,
    subject: u64,
    each: u64,
    now: Timestamp,
) -> Result<Vec<Change>, BenchError> {
    let tag = roster.tag;
    let mut changes: Vec<Change> = Vec::new();
    let mut after = roster.clone();
    for number in 0..each {
        let secret = secret(subject, number);
        let newborn = Newborn {
            id: SessionId::from_entropy(tag, serial(subject, number)),
            token: secret.digest(),
            family: secret.family(),
            device: DeviceSerial(serial(subject, number)),
            device_token: device_token(tag, subject, number).digest(),
        };
        let sign_in = sign_in(subject, number, now);
        let Admission::Admit(admitted) = admit(&after, &sign_in, newborn, policy, now) else {
            return Err(BenchError::Wrong("a subject of the population was refused"));
        };
        after.apply(&admitted.changes, now);
        changes.extend(admitted.changes);
    }
    Ok(changes)
}

/// What is known of a sign-in.
pub(crate) fn sign_in(subject: u64, number: u64, now: Timestamp) -> SignIn {
    let method = |name| AuthenticationMethod::parse(name).expect("it is a name");
    SignIn {
        client: Some(ClientId::parse("web").expect("it is a name")),
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        authentication: AuthenticationEvent {
            at: now,
            methods: [method("pwd"), method("otp")].into(),
            assurance: AssuranceLevel::new(2).expect("it is a level"),
        },
        evidence: None,
        groups: None,
        contact: None,
        replaces: None,
        origin: origin(subject, number),
        device: None,
        device_class: Some(DeviceClass::Desktop),
        attributes: None,
        federation: None,
        end: Box::default(),
    }
}

fn origin(subject: u64, number: u64) -> Origin {
    let address = u32::try_from((subject * EACH + number) % (1 << 31)).unwrap_or_default();
    Origin {
        ip: Some(IpAddr::V4(Ipv4Addr::from(address + (1 << 30)))),
        label: DeviceLabel::of_text(
            LABELS[usize::try_from((subject * EACH + number) % 8).unwrap_or_default()],
        ),
    }
}

/// What such browsers are called once their own text has been read.
const LABELS: [&str; 8] = [
    "Chrome on Windows",
    "Chrome on Windows",
    "Chrome on Mac",
    "Chrome on Android",
    "Safari on iPhone",
    "Safari on Mac",
    "Firefox on Windows",
    "Edge on Windows",
];

/// The device token of a session: known, so that its device can come again.
pub(crate) fn device_token(tag: RosterTag, subject: u64, number: u64) -> DeviceToken {
    DeviceToken::from_entropy(tag, hashed(3, subject, number))
}

/// The name of a subject.
pub(crate) fn name(subject: u64) -> SubjectId {
    SubjectId::parse(&format!("subject-{subject:08}")).expect("it is a name")
}

fn serial(subject: u64, number: u64) -> [u8; SessionId::SERIAL_LEN] {
    let bytes = hashed(2, subject, number);
    bytes[..SessionId::SERIAL_LEN]
        .try_into()
        .expect("it is shorter")
}

/// The secret of a session: known, so that another process can present it.
fn secret(subject: u64, number: u64) -> TokenSecret {
    let mut bytes = [0; TokenSecret::LEN];
    let (first, second) = bytes.split_at_mut(32);
    first.copy_from_slice(&hashed(0, subject, number));
    second.copy_from_slice(&hashed(1, subject, number)[..TokenSecret::LEN - 32]);
    TokenSecret::from_entropy(bytes)
}

fn hashed(part: u8, subject: u64, number: u64) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix([part]);
    hash.update(subject.to_be_bytes());
    hash.update(number.to_be_bytes());
    hash.finalize().into()
}

/// Numbers in an order that no cache foresees, the same each time.
#[derive(Clone, Debug)]
pub(crate) struct Shuffled(u64);

impl Shuffled {
    pub(crate) const fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

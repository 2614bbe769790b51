//! A store with people in it, to be copied out.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use innkeeper_domain::admission::SignIn;
use innkeeper_domain::name::{ClientId, GroupName, SubjectId, TenantId};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, EndReason, Initiator, Origin, SessionClass, Timestamp,
};
use innkeeper_engine::entropy::{Entropy, NoEntropy};
use innkeeper_engine::keys::{Issuer, KeyScope};
use innkeeper_engine::revoke::Scope;
use innkeeper_engine::sign_in::{SignInAnswer, SignInRequest, SignedIn};
use innkeeper_engine::{Authority, Services};
use innkeeper_store::archive::Copying;
use innkeeper_store::clock::ManualClock;
use innkeeper_store_embedded::files::simulated::SimulatedFiles;
use innkeeper_store_embedded::{EmbeddedStore, Sizes};

/// Where a store lies on simulated files.
pub(crate) const FOLDER: &str = "data";
const SECOND: u64 = 1_800_000_000;

/// Opens what lies there, or a new store.
pub(crate) fn open(files: &SimulatedFiles) -> EmbeddedStore {
    let clock = Arc::new(ManualClock::at(SECOND));
    let sizes = Sizes {
        segment: 1 << 20,
        checkpoint: 1 << 20,
        reserve: 1 << 16,
        ..Sizes::default()
    };
    EmbeddedStore::open_simulated(Arc::new(files.clone()), FOLDER, clock, sizes)
        .expect("what lies there opens")
}

/// Has rounds done until there is an answer.
pub(crate) fn done<T>(store: &EmbeddedStore, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        if let Poll::Ready(answer) = future.as_mut().poll(&mut context) {
            return answer;
        }
        store.turn();
    }
    panic!("no answer comes");
}

/// The copy of a store that holds a key, sessions of two subjects, and one that has ended.
pub(crate) fn copied_out() -> Vec<u8> {
    let store = Arc::new(open(&SimulatedFiles::new(7)));
    let services = Services {
        store: store.clone(),
        register: store.clone(),
        entropy: Arc::new(Numbers::default()),
    };
    let authority = Authority::open(services, Policy::default());
    let authority = done(&store, authority).expect("the store answers");
    let at = Timestamp::from_millis(SECOND * 1000);
    let key = authority.prepare_key().expect("there are numbers");
    let scopes = vec![KeyScope::Check];
    let enrolled = authority.enrol_key(Issuer::Operator, &key, "shop", scopes, None, at);
    let _ = done(&store, enrolled).expect("the store answers");

    let sign_in = |subject| signed_in(&store, &authority, subject);
    sign_in("alice");
    sign_in("alice");
    let (ended, tenant) = (sign_in("bob").session.id, TenantId::default());
    let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
    let revoked = authority.revoke(Scope::Tenant(&tenant), ended, reason, by);
    let _ = done(&store, revoked).expect("the store answers");

    let mut copying = done(&store, Copying::begin(store.clone())).expect("the store answers");
    let mut copy = Vec::new();
    while let Some(piece) = done(&store, copying.next()).expect("the store answers") {
        copy.extend(piece);
    }
    copy
}

fn signed_in(store: &EmbeddedStore, authority: &Authority, subject: &str) -> Box<SignedIn> {
    let request = SignInRequest {
        tenant: TenantId::default(),
        subject: SubjectId::parse(subject).expect("it is a name"),
        sign_in: SignIn {
            client: ClientId::parse("web").ok(),
            class: SessionClass::Interactive,
            actor: None,
            remember: false,
            authentication: AuthenticationEvent {
                at: Timestamp::from_millis(SECOND * 1000),
                methods: Box::default(),
                assurance: AssuranceLevel::default(),
            },
            evidence: None,
            groups: GroupName::parse("staff")
                .ok()
                .map(|group| Box::from([group])),
            contact: None,
            replaces: None,
            origin: Origin::default(),
            device: None,
            device_class: None,
            attributes: None,
            federation: None,
            end: Box::default(),
        },
        replaces: None,
        device: None,
        idempotency: None,
    };
    match done(store, authority.sign_in(request)).expect("the store answers") {
        SignInAnswer::Admitted(signed_in) => signed_in,
        other => panic!("{subject} was not let in: {other:?}"),
    }
}

/// The same numbers each time.
#[derive(Debug, Default)]
struct Numbers(AtomicU64);

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        for byte in bytes {
            // SplitMix64: neighbours differ.
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            *byte = (z >> 56) as u8;
        }
        Ok(())
    }
}

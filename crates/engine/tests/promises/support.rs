//! A house to tell stories in: an authority over the staged store, a clock, and its guests.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use innkeeper_domain::admission::SignIn;
use innkeeper_domain::amendment::SubjectPatch;
use innkeeper_domain::check::{Demand, Shown};
use innkeeper_domain::device::DeviceLabel;
use innkeeper_domain::name::{AuthenticationMethod, SubjectId, TenantId};
use innkeeper_domain::policy::{Overflow, Policy, SessionLimit, Terms};
use innkeeper_domain::roster::{EntryHash, Generation, Roster};
use innkeeper_domain::rotation::{Occasion, Reauthentication};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, EndReason, Initiator, Origin, SessionClass, SessionId,
    Timestamp,
};
use innkeeper_domain::token::SessionToken;
use innkeeper_engine::check::{Activity, CheckAnswer, CheckRequest, Checked, Renewal};
use innkeeper_engine::entropy::{Entropy, NoEntropy};
use innkeeper_engine::revoke::{Revoked, RevokedAll, Scope};
use innkeeper_engine::rotate::{CredentialChanged, RotateAnswer, Rotated};
use innkeeper_engine::sign_in::{Idempotency, SignInAnswer, SignInRequest, SignedIn};
use innkeeper_engine::sweep::Swept;
use innkeeper_engine::{Authority, EngineError, Services};
use innkeeper_store::clock::ManualClock;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::register::Put;
use innkeeper_store::{JournalEntry, SessionStore};
use sha2::{Digest, Sha256};

use crate::stage::Stage;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// A millisecond less, the smallest step of a store's time.
pub(crate) fn just_before(span: Duration) -> Duration {
    span.saturating_sub(Duration::from_millis(1))
}

/// Random bytes that are the same in every run.
#[derive(Debug, Default)]
pub(crate) struct CountedEntropy {
    count: AtomicU64,
    dry: AtomicBool,
}

impl CountedEntropy {
    /// From now on there are none.
    pub(crate) fn run_dry(&self) {
        self.dry.store(true, Ordering::Relaxed);
    }
}

impl Entropy for CountedEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        if self.dry.load(Ordering::Relaxed) {
            return Err(NoEntropy);
        }
        for chunk in bytes.chunks_mut(32) {
            let count = self.count.fetch_add(1, Ordering::Relaxed);
            let drawn = Sha256::digest(count.to_be_bytes());
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        Ok(())
    }
}

pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) stage: Arc<Stage>,
    pub(crate) entropy: Arc<CountedEntropy>,
    pub(crate) authority: Arc<Authority>,
}

pub(crate) fn house() -> House {
    house_with(policy(5, Overflow::EvictLeastRecent))
}

pub(crate) fn house_with(policy: Policy) -> House {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let stage = Arc::new(Stage::new(MemoryStore::new(Arc::clone(&clock) as _)));
    open(clock, stage, CountedEntropy::default(), policy)
}

fn open(
    clock: Arc<ManualClock>,
    stage: Arc<Stage>,
    entropy: CountedEntropy,
    policy: Policy,
) -> House {
    let entropy = Arc::new(entropy);
    let services = Services {
        store: Arc::clone(&stage) as _,
        register: Arc::clone(&stage) as _,
        entropy: Arc::clone(&entropy) as _,
    };
    let authority = finish(Authority::open(services, policy)).expect("the store is sound");
    House {
        clock,
        stage,
        entropy,
        authority: Arc::new(authority),
    }
}

pub(crate) fn policy(max: u64, at_limit: Overflow) -> Policy {
    let max_sessions = SessionLimit::new(max).expect("a test names a limit that there is");
    Policy {
        terms: Terms {
            max_sessions,
            at_limit,
            ..Terms::default()
        },
        ..Policy::default()
    }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::default()
}

pub(crate) fn subject(name: &str) -> SubjectId {
    SubjectId::parse(name).expect("a test names a subject that there can be")
}

pub(crate) fn event(assurance: u8) -> AuthenticationEvent {
    let method = AuthenticationMethod::parse("pwd").expect("it is a method");
    AuthenticationEvent {
        at: Timestamp::MAX,
        methods: [method].into(),
        assurance: AssuranceLevel::new(assurance).expect("it is one of ten"),
    }
}

/// That identity was proved again.
pub(crate) fn proved(assurance: u8) -> Occasion {
    let event = event(assurance);
    let proof = Reauthentication::new(event.methods, event.assurance);
    Occasion::Reauthentication(proof.expect("it proves something"))
}

/// A sign-in of `name`, with nothing but the name known of it.
pub(crate) fn arrival(name: &str) -> SignInRequest {
    SignInRequest {
        tenant: tenant(),
        subject: subject(name),
        sign_in: SignIn {
            client: None,
            class: SessionClass::Interactive,
            actor: None,
            remember: false,
            authentication: event(1),
            evidence: None,
            groups: None,
            contact: None,
            replaces: None,
            origin: Origin {
                ip: Some([203, 0, 113, 7].into()),
                label: DeviceLabel::of_text("Lynx"),
            },
            device: None,
            device_class: None,
            attributes: None,
            federation: None,
            end: Box::default(),
        },
        replaces: None,
        device: None,
        idempotency: None,
    }
}

/// The same, with an idempotency key and what the request says.
pub(crate) fn keyed(name: &str, key: &str, says: &str) -> SignInRequest {
    SignInRequest {
        idempotency: Some(Idempotency::new(&tenant(), key, says.as_bytes())),
        ..arrival(name)
    }
}

/// The same, by evidence of a generation.
pub(crate) fn fenced(name: &str, generation: Generation) -> SignInRequest {
    let mut request = arrival(name);
    request.sign_in.evidence = Some(generation);
    request
}

/// A second copy of a token, as a thief or another tab has it.
pub(crate) fn copy(token: &SessionToken) -> SessionToken {
    SessionToken::parse(&token.reveal()).expect("it was just written")
}

pub(crate) fn check_of(token: &SessionToken) -> CheckRequest {
    CheckRequest {
        token: copy(token),
        tenant: Some(tenant()),
        demand: Demand::default(),
        activity: Activity::Active,
        renewal: Renewal::IfDue,
    }
}

pub(crate) fn admitted(answer: SignInAnswer) -> SignedIn {
    match answer {
        SignInAnswer::Admitted(signed_in) => *signed_in,
        other => panic!("expected a first admission, got {other:?}"),
    }
}

pub(crate) fn rotated(answer: RotateAnswer) -> Rotated {
    match answer {
        RotateAnswer::Rotated(rotated) => *rotated,
        refused @ (RotateAnswer::NoSession(_) | RotateAnswer::DeviceMismatch) => {
            panic!("expected a token, got {refused:?}")
        }
    }
}

impl House {
    /// Another node on the same store, or this one restarted, under another policy.
    pub(crate) fn reopened(&self, policy: Policy) -> Self {
        // Far from what the first one draws.
        let entropy = CountedEntropy {
            count: AtomicU64::new(1 << 32),
            dry: AtomicBool::new(false),
        };
        open(
            Arc::clone(&self.clock),
            Arc::clone(&self.stage),
            entropy,
            policy,
        )
    }

    /// Another node over the same store.
    pub(crate) fn other_node(&self) -> Authority {
        let services = Services {
            store: Arc::clone(&self.stage) as _,
            register: Arc::clone(&self.stage) as _,
            entropy: Arc::clone(&self.entropy) as _,
        };
        let policy = Policy::clone(&self.authority.policy());
        finish(Authority::open(services, policy)).expect("the store is sound")
    }

    pub(crate) fn answer(&self, request: SignInRequest) -> SignInAnswer {
        finish(self.authority.sign_in(request)).expect("the store is sound")
    }

    pub(crate) fn sign_in(&self, name: &str) -> SignedIn {
        admitted(self.answer(arrival(name)))
    }

    /// The register loses the policy, as when it was restored apart from the rosters.
    pub(crate) fn forget_policy(&self) {
        let register = self.authority.register();
        let held = finish(register.get("policy")).expect("memory does not fail");
        let seen = held.map(|h| h.version);
        let gone = finish(register.put("policy", seen, None)).expect("memory does not fail");
        assert!(matches!(gone, Put::Done(_)));
    }

    pub(crate) fn try_check(&self, token: &SessionToken) -> Result<CheckAnswer, EngineError> {
        finish(self.authority.check(&check_of(token)))
    }

    pub(crate) fn check(&self, token: &SessionToken) -> CheckAnswer {
        self.try_check(token).expect("the store is sound")
    }

    pub(crate) fn checked(&self, token: &SessionToken) -> Checked {
        match self.check(token) {
            CheckAnswer::Valid(passed) => passed.open().expect("it is whole"),
            other => panic!("expected a valid token, got {other:?}"),
        }
    }

    pub(crate) fn passes(&self, token: &SessionToken) -> bool {
        matches!(self.check(token), CheckAnswer::Valid(_))
    }

    /// Why a token fails: the reason that its holder is told, if there is one.
    pub(crate) fn why_not(&self, token: &SessionToken) -> Option<EndReason> {
        match self.check(token) {
            CheckAnswer::NoSession(ending) => ending.map(|e| e.reason),
            other => panic!("expected a token that fails, got {other:?}"),
        }
    }

    pub(crate) fn revoke(&self, id: SessionId) -> Revoked {
        let (reason, by) = (EndReason::RevokedByAdmin, Initiator::Admin);
        let realm = tenant();
        let order = self.authority.revoke(Scope::Tenant(&realm), id, reason, by);
        finish(order).expect("the store is sound")
    }

    pub(crate) fn revoke_all(&self, name: &str, keep: Option<SessionId>) -> RevokedAll {
        let (realm, name) = (tenant(), subject(name));
        let (reason, by) = (EndReason::RevokedByUser, Initiator::User);
        let order = self.authority.revoke_all(&realm, &name, keep, reason, by);
        finish(order).expect("the store is sound")
    }

    pub(crate) fn disable(&self, name: &str) -> usize {
        let (realm, name) = (tenant(), subject(name));
        let order = self.authority.disable(&realm, &name, Initiator::Admin);
        finish(order).expect("the store is sound")
    }

    pub(crate) fn enable(&self, name: &str) {
        let (realm, name) = (tenant(), subject(name));
        finish(self.authority.enable(&realm, &name)).expect("the store is sound");
    }

    pub(crate) fn amend(&self, name: &str, patch: &SubjectPatch) {
        let (realm, name) = (tenant(), subject(name));
        let _ = finish(self.authority.amend(&realm, &name, patch)).expect("the store is sound");
    }

    pub(crate) fn change_credential(
        &self,
        name: &str,
        keep: Option<&SessionToken>,
    ) -> CredentialChanged {
        let (realm, name) = (tenant(), subject(name));
        let (by, keep) = (Initiator::User, keep.map(|t| (t, Shown::Nothing)));
        let call = self.authority.credential_changed(&realm, &name, keep, by);
        finish(call).expect("the store is sound")
    }

    pub(crate) fn sweep(&self) -> Swept {
        finish(self.authority.sweep()).expect("the store is sound")
    }

    pub(crate) fn rotate(&self, token: &SessionToken, occasion: Occasion) -> RotateAnswer {
        finish(self.authority.rotate(None, token, Shown::Nothing, occasion))
            .expect("the store is sound")
    }

    pub(crate) fn renew(&self, token: &SessionToken) -> Rotated {
        rotated(self.rotate(token, Occasion::Renewal))
    }

    /// The roster as the store holds it, if it does.
    pub(crate) fn roster(&self, name: &str) -> Option<Arc<Roster>> {
        let tag = self.authority.tag(&tenant(), &subject(name));
        let reading = finish(self.stage.inner.read(tag, None));
        reading.expect("memory does not fail").roster
    }

    pub(crate) fn generation(&self, name: &str) -> Generation {
        let standing = finish(self.authority.subject(&tenant(), &subject(name)));
        standing.expect("the store is sound").roster.generation
    }

    pub(crate) fn now(&self) -> Timestamp {
        finish(self.authority.now()).expect("the store is sound")
    }

    pub(crate) fn live(&self, name: &str) -> usize {
        let now = self.now();
        self.roster(name).map_or(0, |r| r.live(now).count())
    }

    pub(crate) fn journal(&self) -> Vec<JournalEntry> {
        let tail = finish(self.stage.inner.tail(None, usize::MAX));
        let tail = tail.expect("memory does not fail").page();
        let tail = tail.expect("nothing was let go of");
        tail.into_iter().map(|(_, entry)| entry).collect()
    }

    /// All that the store holds of sessions, in words that are equal if and only if it is.
    pub(crate) fn snapshot(&self) -> String {
        let tags = finish(self.stage.inner.walk(None, usize::MAX));
        let mut text = String::new();
        for tag in tags.expect("memory does not fail") {
            let reading = finish(self.stage.inner.read(tag, None));
            let reading = reading.expect("memory does not fail");
            let (roster, held) = (reading.roster, reading.keys_held);
            let _ = writeln!(text, "{roster:?} {held} keys");
        }
        let _ = writeln!(text, "{:?}", self.journal());
        text
    }

    /// S16: each commit has one entry, numbered without gaps and chained, and the roster holds
    /// the head of its chain.
    pub(crate) fn assert_journal_is_whole(&self) {
        let mut heads = HashMap::new();
        for entry in self.journal() {
            let (seq, head) = heads
                .get(&entry.tag)
                .copied()
                .unwrap_or((entry.seq.0 - 1, EntryHash::default()));
            assert_eq!(entry.seq.0, seq + 1, "numbers have no gaps");
            assert_eq!(entry.previous, head, "each entry names the one before it");
            let personal = entry.personal.as_ref().expect("nothing was erased");
            assert_eq!(personal.digest(), entry.personal_digest);
            heads.insert(entry.tag, (entry.seq.0, entry.hash()));
        }
        for roster in self.stage.every_roster() {
            assert!(heads.contains_key(&roster.tag), "a commit has its entry");
        }
        let tags = finish(self.stage.inner.walk(None, usize::MAX));
        for tag in tags.expect("memory does not fail") {
            let reading = finish(self.stage.inner.read(tag, None));
            let roster = reading.expect("memory does not fail").roster;
            let roster = roster.expect("it was named in the walk");
            let (seq, head) = heads[&tag];
            assert_eq!(roster.version.0, seq, "one commit, one entry");
            assert_eq!(roster.journal_head, head);
        }
    }
}

pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future to its end, by hand. One that does not come to an end has lost a lane or runs
/// in a circle, and fails the test instead of hanging it.
pub(crate) fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..20_000 {
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            return output;
        }
    }
    panic!("a future does not come to its end");
}

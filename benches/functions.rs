//! How long the functions take that every check and every sign-in pass, at a limit of five and of
//! a thousand live sessions.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use innkeeper_domain::admission::{Admission, Newborn, SignIn, admit};
use innkeeper_domain::check::check;
use innkeeper_domain::device::{DeviceClass, DeviceLabel, DeviceSerial, DeviceToken};
use innkeeper_domain::name::{AuthenticationMethod, ClientId, SubjectId, TenantId};
use innkeeper_domain::policy::{Policy, SessionLimit, Terms};
use innkeeper_domain::roster::{EntryHash, Floor, Roster, StoreGeneration};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Origin, SessionClass, SessionId, Timestamp,
};
use innkeeper_domain::token::{RosterTag, SessionToken, TokenSecret};
use innkeeper_store::record::{Packed, decode_roster, encode_roster};
use innkeeper_store::{Commit, Ground};
use sha2::{Digest, Sha256};

/// How many sessions a roster holds.
const SIZES: [u64; 2] = [5, 1000];

fn tokens(criterion: &mut Criterion) {
    let token = token(1).reveal();
    criterion.bench_function("floor: SHA-256 of 64 bytes", |b| {
        b.iter(|| Sha256::digest(black_box([7; 64])));
    });
    criterion.bench_function("token: read, and its digest made", |b| {
        b.iter(|| SessionToken::parse(black_box(&token)).map(|t| t.secret().digest()));
    });
}

fn checks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("check");
    for size in SIZES {
        let roster = roster(size);
        let packed = Packed::of(&roster);
        let (youngest, stranger) = (token(size - 1), token(size + 9));
        let digest = youngest.secret().digest();
        group.bench_with_input(BenchmarkId::new("of the youngest", size), &size, |b, _| {
            b.iter(|| check(black_box(&roster), black_box(&youngest), now()));
        });
        group.bench_with_input(BenchmarkId::new("of a stranger", size), &size, |b, _| {
            b.iter(|| check(black_box(&roster), black_box(&stranger), now()));
        });
        group.bench_with_input(BenchmarkId::new("in a packed one", size), &size, |b, _| {
            b.iter(|| black_box(&packed).find_plain(black_box(digest), now()));
        });
    }
    group.finish();
}

fn sign_ins(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign-in");
    for size in SIZES {
        let roster = roster(size);
        let policy = policy(size);
        let changes = || match admit(&roster, &sign_in(size), newborn(size), &policy, now()) {
            Admission::Admit(admitted) => admitted.changes,
            Admission::Refuse(_) => panic!("the policy makes room"),
        };
        group.bench_with_input(BenchmarkId::new("decided", size), &size, |b, _| {
            b.iter(changes);
        });
        let commit = Commit::new(&roster, changes(), now(), Timestamp::MAX, [7; 16]);
        group.bench_with_input(BenchmarkId::new("carried out", size), &size, |b, _| {
            let ground = Ground::default();
            b.iter(|| {
                black_box(&commit).carry_out(Some(&roster), ground, now(), EntryHash::default)
            });
        });
        group.bench_with_input(BenchmarkId::new("written down", size), &size, |b, _| {
            b.iter(|| black_box(&commit.entry).written());
        });
    }
    group.finish();
}

fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roster");
    for size in SIZES {
        let roster = roster(size);
        let (record, packed) = (encode_roster(&roster), Packed::of(&roster));
        group.bench_with_input(BenchmarkId::new("encoded", size), &size, |b, _| {
            b.iter(|| encode_roster(black_box(&roster)));
        });
        group.bench_with_input(BenchmarkId::new("decoded", size), &size, |b, _| {
            b.iter(|| decode_roster(black_box(&record)));
        });
        group.bench_with_input(BenchmarkId::new("packed", size), &size, |b, _| {
            b.iter(|| Packed::of(black_box(&roster)));
        });
        group.bench_with_input(BenchmarkId::new("opened", size), &size, |b, _| {
            b.iter(|| black_box(&packed).open());
        });
    }
    group.finish();
}

criterion_group!(functions, tokens, checks, sign_ins, records);
criterion_main!(functions);

/// A roster in which so many have signed in, one a second.
fn roster(size: u64) -> Roster {
    let (tenant, subject) = (TenantId::default(), SubjectId::parse("zoe").unwrap());
    let (floor, store) = (Floor::default(), StoreGeneration::default());
    let mut roster = Roster::absent(tag(), tenant, subject, floor, store);
    let policy = policy(size);
    for number in 0..size {
        let now = Timestamp::from_millis(number * 1000);
        match admit(&roster, &sign_in(number), newborn(number), &policy, now) {
            Admission::Admit(admitted) => roster.apply(&admitted.changes, now),
            Admission::Refuse(_) => panic!("there is room"),
        }
    }
    assert_eq!(roster.live(now()).count() as u64, size);
    roster
}

fn policy(sessions: u64) -> Policy {
    Policy {
        terms: Terms {
            max_sessions: SessionLimit::new(sessions).unwrap(),
            ..Terms::default()
        },
        ..Policy::default()
    }
}

/// When all of them have signed in.
fn now() -> Timestamp {
    Timestamp::from_millis(1_000_000)
}

fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

fn token(number: u64) -> SessionToken {
    let mut secret = [0; TokenSecret::LEN];
    for (part, bytes) in secret.chunks_mut(32).enumerate() {
        bytes.copy_from_slice(&random(part, number)[..bytes.len()]);
    }
    SessionToken::new(tag(), TokenSecret::from_entropy(secret))
}

fn newborn(number: u64) -> Newborn {
    let token = token(number);
    let serial = |part| random(part, number)[..12].try_into().unwrap();
    Newborn {
        id: SessionId::from_entropy(tag(), serial(2)),
        token: token.secret().digest(),
        family: token.secret().family(),
        device: DeviceSerial(serial(3)),
        device_token: DeviceToken::from_entropy(tag(), random(4, number)).digest(),
    }
}

/// What is told of a sign-in from a browser.
fn sign_in(number: u64) -> SignIn {
    let method = |name| AuthenticationMethod::parse(name).unwrap();
    SignIn {
        client: Some(ClientId::parse("web").unwrap()),
        class: SessionClass::Interactive,
        actor: None,
        remember: false,
        authentication: AuthenticationEvent {
            at: Timestamp::from_millis(number * 1000),
            methods: [method("pwd"), method("otp")].into(),
            assurance: AssuranceLevel::new(2).unwrap(),
        },
        evidence: None,
        groups: None,
        contact: None,
        replaces: None,
        origin: Origin {
            ip: Some([192, 0, 2, 7].into()),
            label: DeviceLabel::of_text("Firefox on Windows"),
        },
        device: None,
        device_class: Some(DeviceClass::Desktop),
        attributes: None,
        federation: None,
        end: Box::default(),
    }
}

/// Numbers that look random, and are the same each time.
fn random(part: usize, number: u64) -> [u8; 32] {
    Sha256::digest([part.to_be_bytes(), number.to_be_bytes()].concat()).into()
}

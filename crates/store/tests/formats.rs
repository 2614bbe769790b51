//! Stored records keep their bytes: what was written before is read, and written the same.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::device::{
    Device, DeviceClass, DeviceDigest, DeviceId, DeviceLabel, DeviceSerial, DeviceTrust,
};
use innkeeper_domain::federation::FederatedSignIn;
use innkeeper_domain::name::{
    AuthenticationMethod, ClientId, GroupName, Issuer, IssuerSession, IssuerSubject, SubjectId,
    TenantId,
};
use innkeeper_domain::policy::{PolicyVersion, SessionLimit};
use innkeeper_domain::roster::{
    Contact, FailureCount, Floor, Generation, LastSignIn, Roster, StoreGeneration,
};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Binding, BoundDevice, EndReason, Ending, FamilyDigest,
    GraceEnd, Initiator, LastSeen, Origin, PreviousToken, Replacement, Sealed, Session,
    SessionClass, SessionId, Timestamp, TokenDigest, WeakerProofs,
};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::journal::JournalEntry;
use innkeeper_store::{KeyDigest, Remembered, record};

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + second * 1000)
}

fn tag() -> RosterTag {
    RosterTag::from_bytes([7; 16])
}

fn origin() -> Origin {
    Origin {
        ip: Some("2001:db8::7".parse::<IpAddr>().unwrap()),
        label: DeviceLabel::of_text("Firefox on Linux"),
    }
}

fn last_sign_in() -> Arc<LastSignIn> {
    Arc::new(LastSignIn {
        at: at(1),
        origin: origin(),
        failures_before: 2,
    })
}

fn device() -> Device {
    Device {
        id: DeviceId::new(tag(), DeviceSerial([5; 12])),
        token: DeviceDigest([6; 32]),
        label: DeviceLabel::of_text("Firefox on Linux"),
        class: DeviceClass::Tablet,
        trust: Some(DeviceTrust {
            since: at(12),
            by: Initiator::Admin,
        }),
        first_seen: at(3),
        last_seen: at(20),
    }
}

/// A session with every member set.
fn session(number: u8) -> Session {
    Session {
        id: SessionId::from_entropy(tag(), [number; SessionId::SERIAL_LEN]),
        birth: number.into(),
        generation: Generation(3),
        client: Some(ClientId::parse("web").unwrap()),
        class: SessionClass::Impersonation,
        actor: Some(SubjectId::parse("support-7").unwrap()),
        remember: true,
        fenced: true,
        created_at: at(10),
        authentication: AuthenticationEvent {
            at: at(9),
            methods: ["pwd", "otp"]
                .map(|m| AuthenticationMethod::parse(m).unwrap())
                .into(),
            assurance: AssuranceLevel::new(2).expect("it is one of ten"),
        },
        weaker_proofs: Some(Box::new(WeakerProofs([14, 0, 0, 0, 0, 0, 0, 0].map(at)))),
        last_seen: LastSeen::new(at(20)),
        idle: Duration::from_mins(30),
        absolute_deadline: at(43_200),
        token: TokenDigest([number; 32]),
        token_made_at: at(15),
        family: FamilyDigest([number + 1; 32]),
        previous: Some(Box::new(PreviousToken {
            digest: TokenDigest([number + 2; 32]),
            accepted_until: GraceEnd::new(at(40)),
            repeatable_until: at(45),
            sealed_successor: Sealed([9; 40].into()),
            replaced_by: Replacement::Reauthentication(Box::new(AuthenticationEvent {
                at: at(14),
                methods: [AuthenticationMethod::parse("otp").unwrap()].into(),
                assurance: AssuranceLevel::new(2).unwrap(),
            })),
        })),
        origin: origin(),
        device: Some(device().id.serial()),
        device_class: DeviceClass::Tablet,
        binding: Binding::DeviceCookie(Box::new(BoundDevice {
            token: device().token,
            mismatches: 2,
        })),
        previous_sign_in: Some(last_sign_in()),
        failures_since: 1,
        attributes: Some(r#"{"locale":"de"}"#.into()),
        federation: Some(Box::new(FederatedSignIn {
            issuer: Issuer::parse("https://id.example").unwrap(),
            subject: IssuerSubject::parse("248289761001").unwrap(),
            session: IssuerSession::parse("08a5019c").ok(),
            issued_at: at(9),
            vouched_until: Some(at(40_000)),
        })),
    }
}

/// A roster with every member set, made the way rosters are made.
fn roster() -> Roster {
    let floor = Floor {
        epoch: 4,
        generation: Generation(2),
        generation_before: Generation(1),
        ..Floor::default()
    };
    let mut roster = Roster::absent(
        tag(),
        TenantId::parse("acme").unwrap(),
        SubjectId::parse("zoë").unwrap(),
        floor,
        StoreGeneration(5),
    );
    roster.apply(&changes(), at(20));
    roster.failures = FailureCount::new(4);
    roster.own_limit = SessionLimit::new(12);
    roster.contact = Contact {
        email: Some("zoe@example.test".into()),
        locale: Some("de".into()),
        time_zone: Some("Europe/Berlin".into()),
    };
    roster
}

fn changes() -> Vec<Change> {
    let ending = Ending {
        at: at(20),
        reason: EndReason::PolicyChange,
        initiator: Initiator::Policy,
        asker: Some(3),
    };
    vec![
        Change::Groups([GroupName::parse("staff").unwrap()].into()),
        Change::Generation {
            to: Generation(3),
            keep: Keep::All,
        },
        Change::DeviceBirth(Arc::new(device())),
        Change::Birth(Arc::new(session(1))),
        Change::Birth(Arc::new(session(4))),
        Change::End {
            id: session(1).id,
            ending,
        },
        Change::Policy(PolicyVersion(6)),
        Change::DeviceTrust {
            id: device().id,
            trust: device().trust,
        },
        Change::DeviceName {
            id: device().id,
            label: DeviceLabel::of_text("Firefox on Linux").unwrap(),
        },
        Change::DeviceTrust {
            id: DeviceId::new(tag(), DeviceSerial([9; 12])),
            trust: None,
        },
        Change::DeviceEnd {
            id: DeviceId::new(tag(), DeviceSerial([9; 12])),
        },
        Change::Mismatch { id: session(4).id },
        Change::SignIn(last_sign_in()),
    ]
}

fn entry() -> JournalEntry {
    JournalEntry::of(&roster(), &changes(), at(20), [8; 16])
}

fn remembered() -> Remembered {
    Remembered {
        key: KeyDigest([1; 32]),
        request: [2; 32],
        session: session(4).id,
        sealed: Sealed([3; 50].into()),
        until: at(600),
    }
}

/// Compares with the file of that name, or writes it and fails, so that it is looked at once.
fn is_as_released(name: &str, bytes: &[u8]) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../spec/formats")
        .join(format!("{}-{name}.hex", record::FORMAT));
    let hex: String = bytes
        .chunks(32)
        .map(|line| {
            line.iter()
                .fold(String::new(), |hex, b| hex + &format!("{b:02x}"))
                + "\n"
        })
        .collect();
    let Ok(released) = fs::read_to_string(&file) else {
        fs::write(&file, hex).unwrap();
        panic!("{} is new: look at it, and commit it", file.display());
    };
    assert_eq!(
        hex, released,
        "{name}: these bytes are in people's stores; a change of format needs a new number"
    );
    bytes.to_vec()
}

#[test]
fn given_a_roster_as_released_when_read_then_it_is_whole_and_written_the_same() {
    let bytes = is_as_released("roster", &record::encode_roster(&roster()));

    let read = record::decode_roster(&bytes).unwrap();

    assert_eq!(format!("{read:?}"), format!("{:?}", roster()));
    assert!(
        read.sessions.len() == 1 && read.ended.len() == 1,
        "every member is set"
    );
}

#[test]
fn given_a_journal_entry_as_released_when_read_then_its_hash_is_the_same() {
    let bytes = is_as_released("entry", &record::encode_entry(&entry()));
    let personal = entry().personal.unwrap();
    let apart = is_as_released("personal", &record::encode_personal(&personal));

    let read = record::decode_entry(&bytes).unwrap();

    assert_eq!(read.hash(), entry().hash());
    assert_eq!(read.events, entry().events);
    assert_eq!(record::decode_personal(&apart).unwrap(), personal);
}

#[test]
fn given_a_remembered_answer_as_released_when_read_then_it_is_whole() {
    let bytes = is_as_released("remembered", &record::encode_remembered(&remembered()));

    assert_eq!(record::decode_remembered(&bytes).unwrap(), remembered());
}

//! The portable form: what outlives a move to another store, as JSON, one object a line.
//!
//! ```text
//! {"schema": "innkeeper.export/1", "made_at": "…"}
//! {"value": "key/…", "json": {…}}                       users, keys and the policy, by name
//! {"subject": "alice", "tenant": "default", "disabled": false, …}
//! {"end": {"values": n, "subjects": n}, "sha256": "…"}  over all bytes before this line
//! ```
//!
//! Sessions stay behind: the store that they live in goes on after the file was made, and ends
//! some of them, so a session that was moved could come back from the dead (S2, S20).

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::Path;
use std::sync::Arc;

use innkeeper_api as api;
use innkeeper_domain::change::Change;
use innkeeper_domain::name::{GroupName, NameError, SubjectId, TenantId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::roster::{Contact, Roster};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::{RosterTag, TagKey};
use innkeeper_engine::entropy::{Entropy, OsEntropy};
use innkeeper_engine::{EngineError, keys, policy, tag_key};
use innkeeper_gateway::Users;
use innkeeper_http::wire;
use innkeeper_store::archive::{CopyError, Copying, Item, Reader};
use innkeeper_store::clock::SystemClock;
use innkeeper_store::memory::MemoryStore;
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Commit, Outcome, SessionStore};
use innkeeper_store_embedded::{Onto, RestoreError, restore};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::exit::Failure;

const SCHEMA: &str = "innkeeper.export/1";
/// Nothing that we write makes a longer line.
const LINE_MAX: u64 = 1 << 20;
/// Which values of the register are worth anything in another store.
const MOVED: [&str; 3] = ["key/", "policy", "user/"];

/// How much there was.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counts {
    /// Users, keys and policies.
    pub(super) values: u64,
    /// Subjects.
    pub(super) subjects: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Title {
    schema: String,
    made_at: api::Timestamp,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ValueLine {
    value: String,
    json: Value,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SubjectLine {
    subject: String,
    tenant: String,
    disabled: bool,
    #[serde(deserialize_with = "api::bounded_list::<256, _, _>")]
    groups: Vec<String>,
    max_sessions: Option<u64>,
    email: Option<api::Text<320>>,
    locale: Option<api::Text<64>>,
    time_zone: Option<api::Text<64>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    end: Counts,
    sha256: String,
}

/// Why a line cannot be imported.
#[derive(Debug, thiserror::Error)]
enum BadLine {
    #[error("it is longer than {LINE_MAX} bytes")]
    TooLong,
    #[error("it is not of the form that belongs there")]
    Form(#[from] serde_json::Error),
    #[error("it holds a name that is not one")]
    Name(#[from] NameError),
    #[error("this form was made by another version of innkeeper")]
    Schema,
    #[error("it holds a limit that is not between 1 and 1000")]
    Limit,
    #[error("it is neither a user nor a key nor the policy")]
    Foreign,
    #[error("it holds a value that would not be kept here")]
    Value(#[from] EngineError),
    #[error("it holds a contact with control characters")]
    Contact,
    #[error("it names what the file has named before")]
    Twice,
    #[error("the file was changed or cut after it was made")]
    Altered,
    #[error("the file ends before its end")]
    Cut,
}

/// Writes what of a copy can be moved.
pub(super) fn write(
    copy: impl Iterator<Item = Result<Item, CopyError>>,
    to: &mut impl Write,
) -> Result<Counts, Failure> {
    let mut lines = Lines {
        to: BufWriter::new(to),
        digest: Sha256::new(),
    };
    let mut counts = Counts::default();
    for item in copy {
        match item.map_err(super::unreadable)? {
            Item::Head(head) => lines.put(&Title {
                schema: SCHEMA.into(),
                made_at: wire::timestamp(head.now),
            })?,
            Item::Value(slot) => {
                if let Some(value) = slot.value.filter(|_| is_moved(&slot.name)) {
                    let json = serde_json::from_slice(&value).map_err(|error| {
                        Failure::cannot_run("a value of the store is not readable", error)
                    })?;
                    let value = slot.name;
                    lines.put(&ValueLine { value, json })?;
                    counts.values += 1;
                }
            }
            Item::Roster(roster) => {
                lines.put(&SubjectLine::from(&*roster))?;
                counts.subjects += 1;
            }
            Item::Entry(_) => {}
        }
    }
    let sha256 = hex(&lines.digest.clone().finalize());
    lines.put(&End {
        end: counts,
        sha256,
    })?;
    lines.to.flush().map_err(unwritten)?;
    Ok(counts)
}

struct Lines<W: Write> {
    to: BufWriter<W>,
    digest: Sha256,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec(line).expect("our lines have string keys");
        text.push(b'\n');
        self.digest.update(&text);
        self.to.write_all(&text).map_err(unwritten)
    }
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::cannot_run("the file cannot be written", error)
}

/// Makes the store in the folder `data`, which holds none yet, of a file.
///
/// The file is read and judged to its end first. Then a store is made of it in memory, and a copy
/// of that is restored, so that the folder holds all of it or nothing, whenever this is cut off.
pub(super) async fn read(file: &Path, data: &Path, now: Timestamp) -> Result<Counts, Failure> {
    let mut lines = Vec::new();
    let counts = each_line(file, |line| lines.push(line))?;
    let store = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
    let entropy = OsEntropy;
    let tag_key = tag_key(&*store, &entropy).await.map_err(not_imported)?;
    for line in lines {
        match line {
            Line::Value(name, value) => {
                let put = store.put(&name, None, Some(value)).await;
                let Put::Done(_) = put.map_err(not_imported)? else {
                    unreachable!("no name comes twice, and the store is new");
                };
            }
            Line::Subject(subject) => put_subject(&store, &tag_key, *subject, &entropy).await?,
        }
    }
    let mut copying = Copying::begin(store as _).await.map_err(not_imported)?;
    let mut copy = Vec::new();
    while let Some(piece) = copying.next().await.map_err(not_imported)? {
        copy.extend(piece);
    }
    drop(copying);
    let copy = Reader::open(&*copy).map_err(not_imported)?;
    // Above what the other store has handed out: evidence from there opens nothing here (S8).
    match restore(data, Onto::Nothing, copy, now) {
        Ok(_) => Ok(counts),
        Err(RestoreError::NotEmpty { path }) => Err(Failure::unsafe_to(format!(
            "{} holds a store already: import into a new folder, named with --data",
            path.display()
        ))),
        Err(error @ RestoreError::NotDurable { .. }) => Err(Failure::cannot_run(
            "imported; but see to the disk, then import again into another folder",
            error,
        )),
        Err(error) => Err(not_imported(error)),
    }
}

fn not_imported(error: impl std::error::Error + 'static) -> Failure {
    Failure::cannot_run("nothing was imported", error)
}

async fn put_subject(
    store: &MemoryStore,
    tag_key: &TagKey,
    subject: Subject,
    entropy: &dyn Entropy,
) -> Result<(), Failure> {
    let tag = RosterTag::of(tag_key, &subject.tenant, &subject.id);
    let reading = store.read(tag, None).await.map_err(not_imported)?;
    let ground = reading.ground;
    let (floor, generation) = (ground.floor, ground.store_generation);
    let roster = Roster::absent(tag, subject.tenant, subject.id, floor, generation);
    let mut changes = vec![
        Change::Groups(subject.groups),
        Change::OwnLimit(subject.limit),
        Change::Contact(subject.contact),
    ];
    if subject.disabled {
        changes.push(Change::Disabled(true));
    }
    let salt = entropy.draw().map_err(not_imported)?;
    let commit = Commit::new(&roster, changes, reading.now, Timestamp::MAX, salt);
    match store.commit(commit).await.map_err(not_imported)? {
        Outcome::Done(_) => Ok(()),
        Outcome::Stale | Outcome::Full => Err(Failure::cannot_run(
            "nothing was imported",
            "the store in memory does not take it",
        )),
    }
}

/// A line that was read and found good.
enum Line {
    Value(String, Vec<u8>),
    Subject(Box<Subject>),
}

struct Subject {
    tenant: TenantId,
    id: SubjectId,
    disabled: bool,
    groups: Box<[GroupName]>,
    limit: Option<SessionLimit>,
    contact: Contact,
}

/// Reads a file to its end, and says what it says of itself.
fn each_line(path: &Path, mut take: impl FnMut(Line)) -> Result<Counts, Failure> {
    let file = File::open(path)
        .map_err(|e| Failure::usage(format!("{} cannot be read: {e}", path.display())))?;
    let mut number = 0;
    read_lines(&mut BufReader::new(file), &mut number, &mut take).map_err(|error| {
        let what = format!("{}, line {number}, cannot be imported", path.display());
        Failure::refused(&what, error)
    })
}

fn read_lines(
    from: &mut impl BufRead,
    number: &mut u64,
    take: &mut impl FnMut(Line),
) -> Result<Counts, BadLine> {
    let mut digest = Sha256::new();
    let mut found = Counts::default();
    let (mut values, mut subjects) = (HashSet::new(), HashSet::new());
    let mut text = Vec::new();
    loop {
        text.clear();
        *number += 1;
        let read = from.take(LINE_MAX + 1).read_until(b'\n', &mut text);
        if read.map_err(serde_json::Error::io)? == 0 {
            return Err(BadLine::Cut);
        }
        if text.len() as u64 > LINE_MAX {
            return Err(BadLine::TooLong);
        }
        if *number == 1 {
            let title: Title = serde_json::from_slice(&text)?;
            if title.schema != SCHEMA {
                return Err(BadLine::Schema);
            }
        } else if text.starts_with(b"{\"end\"") {
            let end: End = serde_json::from_slice(&text)?;
            let whole = end.end == found && end.sha256 == hex(&digest.finalize());
            let is_over = from.fill_buf().map_err(serde_json::Error::io)?.is_empty();
            return (whole && is_over).then_some(found).ok_or(BadLine::Altered);
        } else if text.starts_with(b"{\"value\"") {
            let line: ValueLine = serde_json::from_slice(&text)?;
            let json = serde_json::to_vec(&line.json)?;
            vet(&line.value, &json)?;
            if !values.insert(line.value.clone()) {
                return Err(BadLine::Twice);
            }
            found.values += 1;
            take(Line::Value(line.value, json));
        } else {
            let line: SubjectLine = serde_json::from_slice(&text)?;
            let subject: Subject = line.try_into()?;
            if !subjects.insert((subject.tenant.clone(), subject.id.clone())) {
                return Err(BadLine::Twice);
            }
            found.subjects += 1;
            take(Line::Subject(Box::new(subject)));
        }
        digest.update(&text);
    }
}

/// Has whoever keeps such values say whether this is one.
fn vet(name: &str, value: &[u8]) -> Result<(), BadLine> {
    let vet = match name.split('/').next() {
        Some("key") => keys::vet,
        Some("policy") => policy::vet,
        Some("user") => Users::vet,
        _ => return Err(BadLine::Foreign),
    };
    Ok(vet(name, value)?)
}

fn is_moved(name: &str) -> bool {
    MOVED.iter().any(|prefix| name.starts_with(prefix))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl From<&Roster> for SubjectLine {
    fn from(roster: &Roster) -> Self {
        Self {
            subject: roster.subject.to_string(),
            tenant: roster.tenant.to_string(),
            disabled: roster.disabled,
            groups: roster.groups.iter().map(ToString::to_string).collect(),
            max_sessions: roster.own_limit.map(|limit| limit.get() as u64),
            email: roster.contact.email.as_deref().and_then(bounded),
            locale: roster.contact.locale.as_deref().and_then(bounded),
            time_zone: roster.contact.time_zone.as_deref().and_then(bounded),
        }
    }
}

impl TryFrom<SubjectLine> for Subject {
    type Error = BadLine;

    fn try_from(line: SubjectLine) -> Result<Self, BadLine> {
        let limit = line
            .max_sessions
            .map(|max| SessionLimit::new(max).ok_or(BadLine::Limit));
        let groups = line.groups.iter().map(|group| GroupName::parse(group));
        Ok(Self {
            tenant: TenantId::parse(&line.tenant)?,
            id: SubjectId::parse(&line.subject)?,
            disabled: line.disabled,
            groups: groups.collect::<Result<_, _>>()?,
            limit: limit.transpose()?,
            contact: Contact {
                email: plain(line.email)?,
                locale: plain(line.locale)?,
                time_zone: plain(line.time_zone)?,
            },
        })
    }
}

/// A text of a contact, which is bounded wherever it comes from.
fn bounded<const MAX: usize>(text: &str) -> Option<api::Text<MAX>> {
    api::Text::new(text.to_owned())
}

/// Mail is sent by it, and a line break in an address would begin another header.
fn plain<const MAX: usize>(text: Option<api::Text<MAX>>) -> Result<Option<Box<str>>, BadLine> {
    match text {
        Some(text) if text.as_str().chars().any(char::is_control) => Err(BadLine::Contact),
        text => Ok(text.map(|text| text.into_string().into())),
    }
}

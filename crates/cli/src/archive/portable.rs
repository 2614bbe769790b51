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

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::Path;
use std::sync::Arc;

use innkeeper_api as api;
use innkeeper_domain::change::{Change, Keep};
use innkeeper_domain::name::{GroupName, NameError, SubjectId, TenantId};
use innkeeper_domain::policy::SessionLimit;
use innkeeper_domain::roster::{Contact, Roster, StoreGeneration};
use innkeeper_domain::session::Timestamp;
use innkeeper_domain::token::{RosterTag, TagKey};
use innkeeper_engine::entropy::{Entropy, OsEntropy};
use innkeeper_engine::tag_key;
use innkeeper_http::wire;
use innkeeper_store::archive::{CopyError, Item};
use innkeeper_store::register::{Put, Register};
use innkeeper_store::{Commit, Outcome, SessionStore};
use innkeeper_store_embedded::EmbeddedStore;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::exit::Failure;
use crate::house::{House, embedded};

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
    groups: Vec<String>,
    max_sessions: Option<u64>,
    email: Option<String>,
    locale: Option<String>,
    time_zone: Option<String>,
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

/// Reads a file into the store in the folder `data`, which holds nothing yet.
///
/// The file is read twice: once to know that it is whole, and then to act on it.
pub(super) async fn read(file: &Path, data: &Path, now: Timestamp) -> Result<Counts, Failure> {
    let counts = each_line(file, |_| Ok(()))?;
    let store = embedded(data).await?;
    let is_empty = is_empty(&store).await?;
    if !is_empty {
        House::Embedded(store).close().await?;
        return Err(Failure::unsafe_to(format!(
            "{} holds subjects, users or keys already: import into a new folder, named with --data",
            data.display()
        )));
    }
    let entropy = OsEntropy;
    let tag_key = tag_key(&*store, &entropy).await.map_err(not_imported)?;
    let mut lines = Vec::new();
    each_line(file, |line| {
        lines.push(line);
        Ok(())
    })?;
    for line in lines {
        match line {
            Line::Value(name, value) => put_value(&store, &name, value).await?,
            Line::Subject(subject) => {
                put_subject(&store, &tag_key, *subject, now, &entropy).await?;
            }
        }
    }
    House::Embedded(store).close().await?;
    Ok(counts)
}

async fn is_empty(store: &EmbeddedStore) -> Result<bool, Failure> {
    let rosters = store.walk(None, 1).await.map_err(not_imported)?;
    let values = store.list("").await.map_err(not_imported)?;
    Ok(rosters.is_empty() && !values.iter().any(|(name, _)| is_moved(name)))
}

fn not_imported(error: impl std::error::Error + 'static) -> Failure {
    Failure::cannot_run("not all was imported: begin anew in another folder", error)
}

async fn put_value(store: &EmbeddedStore, name: &str, value: Vec<u8>) -> Result<(), Failure> {
    match store.put(name, None, Some(value)).await {
        Ok(Put::Done(_)) => Ok(()),
        Ok(Put::Stale) => Err(Failure::usage("the file names a user or key twice")),
        Err(error) => Err(not_imported(error)),
    }
}

async fn put_subject(
    store: &Arc<EmbeddedStore>,
    tag_key: &TagKey,
    subject: Subject,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), Failure> {
    let tag = RosterTag::of(tag_key, &subject.tenant, &subject.id);
    let reading = store.read(tag, None).await.map_err(not_imported)?;
    if reading.roster.is_some() {
        return Err(Failure::usage("the file names a subject twice"));
    }
    let ground = reading.ground;
    let (floor, generation) = (ground.floor, ground.store_generation);
    let roster = Roster::absent(tag, subject.tenant, subject.id, floor, generation);
    // Above what the other store has handed out: evidence from there opens nothing here (S8).
    let to = StoreGeneration::default().restored(now).first_generation();
    let keep = Keep::None;
    let mut changes = vec![
        Change::Generation { to, keep },
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
            "not all was imported",
            "the store is changed by somebody else",
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
fn each_line(
    path: &Path,
    mut take: impl FnMut(Line) -> Result<(), BadLine>,
) -> Result<Counts, Failure> {
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
    take: &mut impl FnMut(Line) -> Result<(), BadLine>,
) -> Result<Counts, BadLine> {
    let mut digest = Sha256::new();
    let mut found = Counts::default();
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
            if !is_moved(&line.value) {
                return Err(BadLine::Foreign);
            }
            found.values += 1;
            take(Line::Value(line.value, serde_json::to_vec(&line.json)?))?;
        } else {
            let line: SubjectLine = serde_json::from_slice(&text)?;
            found.subjects += 1;
            take(Line::Subject(Box::new(line.try_into()?)))?;
        }
        digest.update(&text);
    }
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
        let text = |text: &Option<Box<str>>| text.as_deref().map(ToOwned::to_owned);
        Self {
            subject: roster.subject.to_string(),
            tenant: roster.tenant.to_string(),
            disabled: roster.disabled,
            groups: roster.groups.iter().map(ToString::to_string).collect(),
            max_sessions: roster.own_limit.map(|limit| limit.get() as u64),
            email: text(&roster.contact.email),
            locale: text(&roster.contact.locale),
            time_zone: text(&roster.contact.time_zone),
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
                email: line.email.map(Into::into),
                locale: line.locale.map(Into::into),
                time_zone: line.time_zone.map(Into::into),
            },
        })
    }
}

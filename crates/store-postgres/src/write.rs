//! What a commit leaves, as columns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_store::record::{
    encode_entry, encode_head, encode_personal, encode_remembered, encode_session,
};
use innkeeper_store::{Commit, StoreError};
use tokio_postgres::types::Type;

use crate::error::unavailable;
use crate::link::Argument;
use crate::rows::column;

/// Writes it: see `innkeeper.write`.
pub(crate) const WRITE: &str = "SELECT innkeeper.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
    $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)";

/// The arguments of [`WRITE`].
#[derive(Debug, Default)]
pub(crate) struct Written {
    tag: Vec<u8>,
    tenant: String,
    subject: String,
    version: i64,
    generation: i64,
    is_disabled: bool,
    failures: i32,
    head: Vec<u8>,
    gone: Vec<i16>,
    slots: Vec<i16>,
    births: Vec<i64>,
    serials: Vec<Vec<u8>>,
    generations: Vec<i64>,
    created: Vec<i64>,
    seen: Vec<i64>,
    idles: Vec<i64>,
    deadlines: Vec<i64>,
    graces: Vec<Option<i64>>,
    clients: Vec<Option<String>>,
    labels: Vec<Option<String>>,
    addresses: Vec<Option<String>>,
    records: Vec<Vec<u8>>,
    entry: Vec<u8>,
    personal: Option<Vec<u8>>,
    keys: Vec<Vec<u8>>,
    until: Vec<i64>,
    answers: Vec<Vec<u8>>,
    at: i64,
}

impl Written {
    /// What has to be written so that `before`, whose sessions lie in `slots`, becomes `after`.
    pub(crate) fn of(
        commit: &Commit,
        before: Option<&Roster>,
        slots: &[i16],
        after: &Roster,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut written = Self {
            tag: after.tag.as_bytes().to_vec(),
            tenant: after.tenant.as_str().to_owned(),
            subject: after.subject.as_str().to_owned(),
            version: column(after.version.0),
            generation: column(after.generation.0),
            is_disabled: after.disabled,
            failures: i32::try_from(after.failures.get()).unwrap_or(i32::MAX),
            head: encode_head(after),
            entry: encode_entry(&commit.entry),
            personal: commit.entry.personal.as_ref().map(encode_personal),
            at: column(now.as_millis()),
            ..Self::default()
        };
        let before = before.map_or(&[][..], |roster| &roster.sessions);
        let held = || before.iter().zip(slots.iter().copied());
        let find = |session: &Session| held().find(|(b, _)| b.id == session.id);
        written.gone = held()
            .filter(|(b, _)| after.find(b.id).is_none())
            .map(|(_, slot)| slot)
            .collect();
        let taken: BTreeSet<i16> = slots.iter().copied().collect();
        let freed = written.gone.iter().copied();
        let mut free: Vec<i16> = freed
            .chain((1..=1000).filter(|s| !taken.contains(s)))
            .rev()
            .collect();
        for session in &after.sessions {
            match find(session) {
                Some((same, _)) if Arc::ptr_eq(same, session) => {}
                Some((_, slot)) => written.add(slot, session),
                None => {
                    let slot = free.pop();
                    let slot = slot.ok_or_else(|| unavailable("a roster has a thousand slots"))?;
                    written.add(slot, session);
                }
            }
        }
        let mut remember: Vec<_> = commit.remember.iter().collect();
        // In one order, so that no two commits wait for each other.
        remember.sort_by_key(|remembered| remembered.key);
        for remembered in remember {
            written.keys.push(remembered.key.0.to_vec());
            written.until.push(column(remembered.until.as_millis()));
            written.answers.push(encode_remembered(remembered));
        }
        Ok(written)
    }

    fn add(&mut self, slot: i16, session: &Session) {
        let moment = |at: Timestamp| column(at.as_millis());
        let previous = session.previous.as_ref();
        self.slots.push(slot);
        self.births.push(column(session.birth));
        self.serials.push(session.id.serial().to_vec());
        self.generations.push(column(session.generation.0));
        self.created.push(moment(session.created_at));
        self.seen.push(moment(session.last_seen.get()));
        self.idles.push(millis(session.idle));
        self.deadlines.push(moment(session.absolute_deadline));
        self.graces
            .push(previous.map(|p| moment(p.accepted_until.get())));
        let client = session.client.as_ref();
        self.clients.push(client.map(|c| c.as_str().to_owned()));
        let label = session.origin.label.as_ref();
        self.labels.push(label.map(ToString::to_string));
        let address = session.origin.ip;
        self.addresses.push(address.map(|a| a.to_string()));
        self.records.push(encode_session(session));
    }

    pub(crate) fn arguments(&self) -> [Argument<'_>; 28] {
        [
            (&self.tag, Type::BYTEA),
            (&self.tenant, Type::TEXT),
            (&self.subject, Type::TEXT),
            (&self.version, Type::INT8),
            (&self.generation, Type::INT8),
            (&self.is_disabled, Type::BOOL),
            (&self.failures, Type::INT4),
            (&self.head, Type::BYTEA),
            (&self.gone, Type::INT2_ARRAY),
            (&self.slots, Type::INT2_ARRAY),
            (&self.births, Type::INT8_ARRAY),
            (&self.serials, Type::BYTEA_ARRAY),
            (&self.generations, Type::INT8_ARRAY),
            (&self.created, Type::INT8_ARRAY),
            (&self.seen, Type::INT8_ARRAY),
            (&self.idles, Type::INT8_ARRAY),
            (&self.deadlines, Type::INT8_ARRAY),
            (&self.graces, Type::INT8_ARRAY),
            (&self.clients, Type::TEXT_ARRAY),
            (&self.labels, Type::TEXT_ARRAY),
            (&self.addresses, Type::TEXT_ARRAY),
            (&self.records, Type::BYTEA_ARRAY),
            (&self.entry, Type::BYTEA),
            (&self.personal, Type::BYTEA),
            (&self.keys, Type::BYTEA_ARRAY),
            (&self.until, Type::INT8_ARRAY),
            (&self.answers, Type::BYTEA_ARRAY),
            (&self.at, Type::INT8),
        ]
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

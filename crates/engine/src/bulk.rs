//! Bulk revocation: everything that a filter means, ended in batches, with an address of its own.
//!
//! What is asked for lies in the register, with how far it has come; one worker of each process
//! carries it out. A batch is written down before it is ended: whoever carries on after a crash
//! knows which sessions were about to go, so none is counted twice or not at all. The work is done
//! once a whole walk over all rosters has found nothing left, so a sign-in that was under way when
//! it was asked for is not missed either.
//!
//! It is a good neighbour: whoever signs in or is checked meanwhile goes first. It ends a few
//! rosters at a time and rests after each such round, for as long as its caller says. A rest falls
//! between two steps that each stand for themselves, so it makes no order less safe.

mod pace;
mod record;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::future::try_join_all;
use innkeeper_domain::change::Change;
use innkeeper_domain::filter::SessionFilter;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::session::{EndReason, Ending, Initiator, SessionId, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::register::Put;
use tokio::sync::{Mutex, Notify};

use self::pace::Pace;
use crate::settle::{Case, Step};
use crate::{Authority, EngineError};

/// How many rosters one look at the store names, and one plan looks at.
const LOOK: usize = 1024;
const LOOKED_MAX: usize = 32_768;
/// How many rosters and sessions make a batch full. A roster is not split.
const BATCH_ROSTERS: usize = 128;
const BATCH_SESSIONS: usize = 512;
/// How many of them are ended at a time: enough to share one sync of the store, and too few to
/// be felt by whoever waits behind them.
const ROUND_ROSTERS: usize = 8;
const ROUND_SESSIONS: usize = 64;
/// How many of one tenant may be under way or waiting, and how many that are over are remembered.
const PENDING_MAX: usize = 64;
const OVER_MAX: usize = 256;

const REVOCATIONS: &str = "revocation/";

/// The name of a bulk revocation, `rev_…`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RevocationId([u8; 16]);

impl RevocationId {
    /// Reads a name back.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix("rev_")?;
        let mut bytes = [0; 16];
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Some(Self(bytes)),
            _ => None,
        }
    }

    fn name(self) -> String {
        format!("{REVOCATIONS}{self}")
    }
}

impl fmt::Display for RevocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rev_{}", BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// How far a bulk revocation has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Others go first.
    Waiting,
    /// It is under way.
    Running,
    /// It is to stop, and has not yet.
    Cancelling,
    /// It was stopped. What had been ended stays ended.
    Cancelled,
    /// Nothing is left that it means.
    Done,
}

/// A bulk revocation: what was asked for, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BulkRevocation {
    /// Its name.
    pub id: RevocationId,
    /// The tenant.
    pub tenant: TenantId,
    /// What it means.
    pub filter: SessionFilter,
    /// Why they end.
    pub reason: EndReason,
    /// When it was asked for: what was born later is not touched.
    pub started_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// How far it has come.
    pub state: State,
    /// How many subjects had sessions that it means.
    pub subjects: u64,
    /// How many sessions it found.
    pub matched: u64,
    /// How many of them it has ended.
    pub ended: u64,
    /// How often all rosters were walked before this time.
    walks: u32,
    /// Whether this walk has found anything.
    has_found: bool,
    /// How far this walk has come.
    after: Option<RosterTag>,
    /// What is being ended.
    batch: Vec<SessionId>,
}

impl BulkRevocation {
    /// How much of the work is behind it, in hundredths. Tags are evenly spread, so the one it
    /// has come to tells.
    #[must_use]
    pub fn progress(&self) -> u8 {
        match (self.state, self.after) {
            (State::Done, _) => 100,
            (_, _) if self.walks > 0 => 99,
            (_, None) => 0,
            (_, Some(tag)) => {
                let reached = u32::from(tag.as_bytes()[0]) * 99 / 255;
                u8::try_from(reached).unwrap_or(99)
            }
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, State::Cancelled | State::Done)
    }
}

/// The answer to an order to end all that a filter means.
#[derive(Clone, Debug)]
#[must_use]
pub enum Ordered {
    /// It will be done.
    Accepted(Box<BulkRevocation>),
    /// Too many of this tenant are waiting already.
    TooMany,
}

/// How orders come in.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// One comes in at a time, from the count of those before it until it is put. Each of several
    /// nodes may take in one more than there is room for.
    coming: Mutex<()>,
    /// Wakes the worker.
    came: Notify,
}

impl Authority {
    /// Orders the end of all sessions that a filter means and that were born up to now.
    pub async fn revoke_in_bulk(
        &self,
        tenant: &TenantId,
        filter: SessionFilter,
        reason: EndReason,
    ) -> Result<Ordered, EngineError> {
        let _turn = self.orders.coming.lock().await;
        let mut own = self.revocations().await?;
        own.retain(|(r, _)| r.tenant == *tenant);
        let (mut over, pending): (Vec<_>, Vec<_>) = own.into_iter().partition(|(r, _)| r.is_over());
        if pending.len() >= PENDING_MAX {
            return Ok(Ordered::TooMany);
        }
        over.sort_by_key(|(r, _)| Reverse(r.finished_at));
        for (old, version) in over.iter().skip(OVER_MAX) {
            let name = old.id.name();
            let _ = self.register.put(&name, Some(*version), None).await?;
        }
        let order = BulkRevocation {
            id: RevocationId(self.entropy.draw()?),
            tenant: tenant.clone(),
            filter,
            reason,
            started_at: self.now().await?,
            finished_at: None,
            state: State::Waiting,
            subjects: 0,
            matched: 0,
            ended: 0,
            walks: 0,
            has_found: false,
            after: None,
            batch: Vec::new(),
        };
        let _ = self.keep(&order, None).await?;
        self.orders.came.notify_one();
        Ok(Ordered::Accepted(Box::new(order)))
    }

    /// The bulk revocation of that name, if there is one of that tenant.
    pub async fn bulk_revocation(
        &self,
        tenant: &TenantId,
        id: RevocationId,
    ) -> Result<Option<BulkRevocation>, EngineError> {
        let found = self.find_revocation(id).await?;
        Ok(found.map(|(r, _)| r).filter(|r| r.tenant == *tenant))
    }

    /// The bulk revocations of a tenant, the youngest first, at most `limit`. Those of one tenant
    /// are carried out in the order of their age, so what is not over is among the first.
    pub async fn bulk_revocations(
        &self,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<BulkRevocation>, EngineError> {
        let all = self.revocations().await?.into_iter().map(|(r, _)| r);
        let mut own: Vec<_> = all.filter(|r| r.tenant == *tenant).collect();
        own.sort_by_key(|r| (Reverse(r.started_at), r.id));
        own.truncate(limit);
        Ok(own)
    }

    /// Stops a bulk revocation, unless it is over. What has ended stays ended.
    pub async fn cancel_bulk_revocation(
        &self,
        tenant: &TenantId,
        id: RevocationId,
    ) -> Result<Option<BulkRevocation>, EngineError> {
        loop {
            let found = self.find_revocation(id).await?;
            let Some((mut order, version)) = found.filter(|(r, _)| r.tenant == *tenant) else {
                return Ok(None);
            };
            if order.is_over() || order.state == State::Cancelling {
                return Ok(Some(order));
            }
            // The worker says when it has stopped: a batch may be half-way.
            order.state = State::Cancelling;
            if let Put::Done(_) = self.keep(&order, Some(version)).await? {
                self.orders.came.notify_one();
                return Ok(Some(order));
            }
        }
    }

    /// Forgets the orders that name a subject, or a device of it.
    ///
    /// One that is not over goes too: its subject has been deleted, so what it means has ended, and
    /// what is born from now on is none of its. The worker finds it gone, and leaves it so.
    pub(crate) async fn forget_orders_of(
        &self,
        tenant: &TenantId,
        subject: &SubjectId,
    ) -> Result<(), EngineError> {
        let tag = self.tag(tenant, subject);
        let names_it = |order: &BulkRevocation| {
            let filter = &order.filter;
            let by_name = order.tenant == *tenant && filter.subject.as_ref() == Some(subject);
            by_name || filter.device.is_some_and(|device| device.tag() == tag)
        };
        for (mut order, mut version) in self.revocations().await? {
            while names_it(&order) {
                let name = order.id.name();
                if let Put::Done(_) = self.register.put(&name, Some(version), None).await? {
                    break;
                }
                // Whoever works on it has written in between.
                match self.find_revocation(order.id).await? {
                    Some(found) => (order, version) = found,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// How many bulk revocations are not over yet.
    pub async fn pending_revocations(&self) -> Result<usize, EngineError> {
        let all = self.revocations().await?;
        Ok(all.iter().filter(|(r, _)| !r.is_over()).count())
    }

    /// Carries out what was ordered, here or before a restart: those of one tenant one after the
    /// other, and a step of each tenant in turn, so that none has to wait until another has done.
    ///
    /// After each round of work it waits for what `rest` makes of the time that the round took, so
    /// that others get in between. Dropped anywhere, what was ordered is gone on with by the next.
    ///
    /// One task of each process runs it, until the store fails; then it is called again.
    pub async fn carry_out_orders<R>(
        &self,
        rest: impl Fn(Duration) -> R + Send + Sync,
    ) -> Result<Infallible, EngineError>
    where
        R: Future<Output = ()> + Send,
    {
        let mut pace = Pace::begin(&self.metrics, rest);
        loop {
            let mut pending = self.revocations().await?;
            pending.retain(|(r, _)| !r.is_over());
            pending.sort_by_key(|(r, _)| (r.state == State::Waiting, r.started_at, r.id));
            // Of each tenant, the one that goes next.
            let mut tenants = BTreeSet::new();
            pending.retain(|(r, _)| tenants.insert(r.tenant.clone()));
            if pending.is_empty() {
                self.orders.came.notified().await;
                pace.begin_anew();
            }
            for (order, _) in pending {
                self.go_on_with(order.id, &mut pace).await?;
            }
        }
    }

    /// Ends the batch that was planned, and plans the next.
    async fn go_on_with(&self, id: RevocationId, pace: &mut Pace<'_>) -> Result<(), EngineError> {
        let found = self.find_revocation(id).await?;
        let Some((mut order, version)) = found.filter(|(r, _)| !r.is_over()) else {
            return Ok(());
        };
        let ended = self.end_batch(&order, pace).await?;
        order.ended += ended;
        order.batch.clear();
        if order.state == State::Cancelling {
            order.state = State::Cancelled;
            order.finished_at = Some(self.now().await?);
        } else {
            order.state = State::Running;
            self.plan(&mut order, pace).await?;
        }
        // Whoever stops it in between has written first: then this step is taken again, from
        // what was written, and finds what it has ended already.
        let _ = self.keep(&order, Some(version)).await?;
        Ok(())
    }

    /// Finds out what goes next; nothing, if all is done.
    async fn plan(
        &self,
        order: &mut BulkRevocation,
        pace: &mut Pace<'_>,
    ) -> Result<(), EngineError> {
        let mut looked = 0;
        let mut rosters = 0;
        while looked < LOOKED_MAX {
            let tags = match &order.filter.subject {
                Some(subject) if order.after.is_none() => vec![self.tag(&order.tenant, subject)],
                Some(_) => Vec::new(),
                None => self.store.walk(order.after, LOOK).await?,
            };
            if tags.is_empty() {
                if order.batch.is_empty() && !order.has_found {
                    order.state = State::Done;
                    order.finished_at = Some(self.now().await?);
                } else if order.batch.is_empty() {
                    order.walks += 1;
                    order.has_found = false;
                    order.after = None;
                }
                return Ok(());
            }
            for tag in tags {
                looked += 1;
                order.after = Some(tag);
                let before = order.batch.len();
                let (filter, born_by) = (&order.filter, order.started_at);
                let batch = &mut order.batch;
                self.look_at(tag, &order.tenant, &mut |roster, now| {
                    let meant = filter.live(roster, now);
                    let meant = meant.filter(|s| s.created_at <= born_by);
                    batch.extend(meant.map(|s| s.id));
                })
                .await?;
                let found = order.batch.len() - before;
                if found > 0 {
                    rosters += 1;
                    order.has_found = true;
                    order.subjects += 1;
                    order.matched += found as u64;
                }
                if rosters >= BATCH_ROSTERS || order.batch.len() >= BATCH_SESSIONS {
                    return Ok(());
                }
            }
            pace.rest().await;
        }
        Ok(())
    }

    /// Ends the sessions of a batch, those of one subject in one commit, and says how many of the
    /// batch have been ended for this order, now or before a restart.
    async fn end_batch(
        &self,
        order: &BulkRevocation,
        pace: &mut Pace<'_>,
    ) -> Result<u64, EngineError> {
        let mut ended = 0;
        for round in rounds_of(&order.batch) {
            // All at once, so that the store makes them durable together.
            let ends = round
                .into_iter()
                .map(|(tag, ids)| self.end_some(order, tag, ids));
            ended += try_join_all(ends).await?.into_iter().sum::<u64>();
            pace.rest().await;
        }
        Ok(ended)
    }

    async fn end_some(
        &self,
        order: &BulkRevocation,
        tag: RosterTag,
        ids: Vec<SessionId>,
    ) -> Result<u64, EngineError> {
        let decide = |case: &Case<'_>| {
            let (roster, now) = (case.roster, case.now().max(case.roster.time_high));
            // What it was found by may have changed since.
            let meant = order.filter.live(roster, now);
            let ending = Ending {
                at: now,
                reason: order.reason,
                initiator: Initiator::Admin,
                asker: None,
            };
            let ends: Vec<_> = meant
                .filter(|s| ids.contains(&s.id))
                .map(|s| Change::End { id: s.id, ending })
                .collect();
            // One that is dead was ended by this order, unless its roster tells otherwise.
            let is_ours = |id: &SessionId| match roster.find_ended(*id, now) {
                Some(e) => {
                    e.ending.reason == order.reason
                        && e.ending.initiator == Initiator::Admin
                        && e.ending.at >= order.started_at
                }
                None => roster.find(*id).is_none(),
            };
            let before = ids.iter().filter(|id| is_ours(id)).count();
            let ended = (before + ends.len()) as u64;
            Ok(if ends.is_empty() {
                Step::Answer(ended)
            } else {
                let mut changes = roster.expiries(now);
                changes.extend(ends);
                Step::Commit(changes, ended)
            })
        };
        let settled = self.settle_at(tag, Some(&order.tenant), decide).await?;
        Ok(settled.map_or(0, |s| s.answer))
    }

    async fn find_revocation(
        &self,
        id: RevocationId,
    ) -> Result<Option<(BulkRevocation, u64)>, EngineError> {
        let name = id.name();
        let Some(held) = self.register.get(&name).await? else {
            return Ok(None);
        };
        Ok(Some((
            record::decode(id, &name, &held.value)?,
            held.version,
        )))
    }

    async fn revocations(&self) -> Result<Vec<(BulkRevocation, u64)>, EngineError> {
        let mut found = Vec::new();
        for (name, held) in self.register.list(REVOCATIONS).await? {
            let id = name.strip_prefix(REVOCATIONS).and_then(RevocationId::parse);
            let id = id.ok_or_else(|| record::unreadable(&name, "it has no such name".into()))?;
            found.push((record::decode(id, &name, &held.value)?, held.version));
        }
        Ok(found)
    }

    async fn keep(&self, order: &BulkRevocation, seen: Option<u64>) -> Result<Put, EngineError> {
        let value = record::encode(order);
        Ok(self
            .register
            .put(&order.id.name(), seen, Some(value))
            .await?)
    }
}

/// A batch in rounds, the sessions of one roster together.
fn rounds_of(batch: &[SessionId]) -> Vec<Vec<(RosterTag, Vec<SessionId>)>> {
    let mut by_roster: BTreeMap<RosterTag, Vec<SessionId>> = BTreeMap::new();
    for id in batch {
        by_roster.entry(id.tag()).or_default().push(*id);
    }
    let (mut rounds, mut round, mut sessions) = (Vec::new(), Vec::new(), 0);
    for (tag, ids) in by_roster {
        sessions += ids.len();
        round.push((tag, ids));
        if round.len() >= ROUND_ROSTERS || sessions >= ROUND_SESSIONS {
            rounds.push(std::mem::take(&mut round));
            sessions = 0;
        }
    }
    if !round.is_empty() {
        rounds.push(round);
    }
    rounds
}

//! Search: which sessions of a tenant does a filter mean?
//!
//! There is no index. The rosters are walked in the order of their tags, each is looked at as it
//! is, and a call stops after so many and says where: it lags behind nothing, has nothing to be
//! wrong about and costs no memory.

use std::sync::Arc;

use innkeeper_domain::filter::SessionFilter;
use innkeeper_domain::name::TenantId;
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{Session, Timestamp};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::{Heard, Kept};

use crate::{Authority, EngineError};

/// How many rosters one look at the store names.
const LOOK: usize = 1024;
/// How many rosters one call looks at.
const LOOKED_MAX: usize = 65_536;

/// A place in a search: behind this session of this roster.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SearchPlace {
    /// The roster.
    pub tag: RosterTag,
    /// The number of the session's birth.
    pub birth: u64,
}

/// A session that is meant, as it stands.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Its roster.
    pub roster: Arc<Roster>,
    /// The session.
    pub session: Arc<Session>,
    /// When it was looked at.
    pub now: Timestamp,
}

/// Some of the sessions that are meant.
#[derive(Clone, Debug, Default)]
pub struct SearchPage {
    /// Those.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` once all rosters were looked at.
    pub next: Option<SearchPlace>,
}

/// How many sessions of how many subjects are meant.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Subjects.
    pub subjects: usize,
    /// Their sessions.
    pub sessions: usize,
}

impl Authority {
    /// The live sessions of a tenant that a filter means, after a place, at most `limit`.
    ///
    /// A page may hold fewer, even none, and yet not be the last.
    pub async fn search(
        &self,
        tenant: &TenantId,
        filter: &SessionFilter,
        after: Option<SearchPlace>,
        limit: usize,
    ) -> Result<SearchPage, EngineError> {
        let mut page = SearchPage::default();
        let mut take = |roster: &Arc<Roster>, now, behind: Option<u64>| {
            let meant = filter.live(roster, now);
            for session in meant.filter(|s| behind.is_none_or(|birth| s.birth > birth)) {
                if page.hits.len() >= limit {
                    return false;
                }
                page.hits.push(Hit {
                    roster: Arc::clone(roster),
                    session: Arc::clone(session),
                    now,
                });
            }
            true
        };
        if let Some(SearchPlace { tag, birth }) = after {
            let mut is_done = true;
            self.look_at(tag, tenant, &mut |roster, now| {
                is_done = take(roster, now, Some(birth));
            })
            .await?;
            if !is_done {
                page.next = page.hits.last().map(place_of);
                return Ok(page);
            }
        }
        if let Some(subject) = &filter.subject {
            let tag = self.tag(tenant, subject);
            let mut is_done = true;
            if after.is_none() {
                let mut look = |roster: &Arc<Roster>, now| is_done = take(roster, now, None);
                self.look_at(tag, tenant, &mut look).await?;
            }
            page.next = page.hits.last().map(place_of).filter(|_| !is_done);
            return Ok(page);
        }

        let mut behind = after.map(|place| place.tag);
        let mut looked = 0;
        loop {
            let tags = self.store.walk(behind, LOOK).await?;
            let Some(last) = tags.last().copied() else {
                return Ok(page);
            };
            looked += tags.len();
            for tag in tags {
                let mut is_done = true;
                let mut look = |roster: &Arc<Roster>, now| is_done = take(roster, now, None);
                self.look_at(tag, tenant, &mut look).await?;
                if !is_done {
                    page.next = page.hits.last().map(place_of);
                    return Ok(page);
                }
            }
            behind = Some(last);
            if looked >= LOOKED_MAX {
                let birth = u64::MAX;
                page.next = Some(SearchPlace { tag: last, birth });
                return Ok(page);
            }
        }
    }

    /// How many a filter means that were born up to `moment`.
    pub async fn count(
        &self,
        tenant: &TenantId,
        filter: &SessionFilter,
        moment: Timestamp,
    ) -> Result<Count, EngineError> {
        let mut count = Count::default();
        let mut behind = None;
        loop {
            let tags = match &filter.subject {
                Some(subject) => vec![self.tag(tenant, subject)],
                None => self.store.walk(behind, LOOK).await?,
            };
            let Some(last) = tags.last().copied() else {
                return Ok(count);
            };
            for tag in tags {
                self.look_at(tag, tenant, &mut |roster, now| {
                    let meant = filter.live(roster, now);
                    let found = meant.filter(|s| s.created_at <= moment).count();
                    count.subjects += usize::from(found > 0);
                    count.sessions += found;
                })
                .await?;
            }
            if filter.subject.is_some() {
                return Ok(count);
            }
            behind = Some(last);
        }
    }

    /// Looks at a roster as it is, if it is there and of that tenant.
    pub(crate) async fn look_at(
        &self,
        tag: RosterTag,
        tenant: &TenantId,
        look: &mut (dyn FnMut(&Arc<Roster>, Timestamp) + Send),
    ) -> Result<(), EngineError> {
        if let Some((roster, now)) = self.show(tag, Some(tenant)).await? {
            look(&roster, now);
        }
        Ok(())
    }

    /// Shows a roster as it is, if it is there and of that tenant, without having the store keep
    /// it open.
    pub(crate) async fn show(
        &self,
        tag: RosterTag,
        tenant: Option<&TenantId>,
    ) -> Result<Option<(Arc<Roster>, Timestamp)>, EngineError> {
        let mut shown = None;
        let is_meant = |of: &TenantId| tenant.is_none_or(|tenant| tenant == of);
        self.store.glance(tag, &mut |kept, now| {
            let kept = kept.filter(|kept| is_meant(kept.tenant()));
            // Where one cannot be opened, a reading says why.
            shown = kept
                .map(Kept::open)
                .transpose()
                .ok()
                .map(|r| r.map(|r| (r, now)));
            Heard::No
        });
        if let Some(shown) = shown {
            return Ok(shown);
        }
        let reading = self.read(tag, None).await?;
        let roster = reading.roster.filter(|roster| is_meant(&roster.tenant));
        Ok(roster.map(|roster| (roster, reading.now)))
    }
}

fn place_of(hit: &Hit) -> SearchPlace {
    SearchPlace {
        tag: hit.roster.tag,
        birth: hit.session.birth,
    }
}

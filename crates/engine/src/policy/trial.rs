//! A trial: what a policy would do to the sessions there are, without doing it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use innkeeper_domain::amendment::obey;
use innkeeper_domain::name::{SubjectId, TenantId};
use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_domain::roster::Roster;
use innkeeper_domain::session::{EndReason, Timestamp};

use crate::revoke::count_ended;
use crate::{Authority, EngineError};

/// What a policy would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// How many subjects have a live session.
    pub subjects: usize,
    /// How many live sessions there are.
    pub sessions: usize,
    /// How many subjects would lose a session.
    pub subjects_hit: usize,
    /// How many sessions would end.
    pub ended: usize,
    /// How many sign-ins would have been turned away, where a history is looked at.
    pub refused: usize,
    /// How many subjects have so many live sessions.
    pub histogram: BTreeMap<usize, usize>,
    /// Some of those who would lose the most.
    pub examples: Vec<Example>,
}

/// A subject that would lose sessions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Example {
    /// Its tenant.
    pub tenant: TenantId,
    /// Who.
    pub subject: SubjectId,
    /// How many live sessions it has.
    pub live: usize,
    /// How many of them would end.
    pub ended: usize,
    /// How many of its sign-ins would have been turned away.
    pub refused: usize,
}

const EXAMPLES_MAX: usize = 10;
const PAGE: usize = 256;

impl Authority {
    /// Says what `policy` would do if it were put now. Nothing is changed, nobody obeys anything.
    ///
    /// Decided by the function that decides it when it is put, so the answer is what would
    /// happen, but for what happens meanwhile.
    pub async fn try_policy(&self, policy: &Policy) -> Result<Trial, EngineError> {
        let newest = Policy {
            version: PolicyVersion(u64::MAX),
            ..policy.clone()
        };
        // A store that is out of reach says nothing, also where memory could still answer.
        let _ = self.now().await?;
        let mut trial = Trial::default();
        let mut after = None;
        loop {
            let page = self.store.walk(after, PAGE).await?;
            let Some(last) = page.last().copied() else {
                return Ok(trial);
            };
            for tag in page {
                if let Some((roster, now)) = self.show(tag, None).await? {
                    trial.add(&roster, &newest, now);
                }
            }
            after = Some(last);
            let_others_in().await;
        }
    }
}

impl Trial {
    fn add(&mut self, roster: &Roster, policy: &Policy, now: Timestamp) {
        let live = roster.live(now).count();
        if live == 0 {
            return;
        }
        self.subjects += 1;
        self.sessions += live;
        *self.histogram.entry(live).or_default() += 1;
        let changes = obey(roster, policy, now).unwrap_or_default();
        let ended = count_ended(&changes, EndReason::PolicyChange);
        if ended == 0 {
            return;
        }
        self.subjects_hit += 1;
        self.ended += ended;
        self.show(Example {
            tenant: roster.tenant.clone(),
            subject: roster.subject.clone(),
            live,
            ended,
            refused: 0,
        });
    }

    /// Keeps an example, as long as there are not enough that show more.
    pub(super) fn show(&mut self, example: Example) {
        self.examples.push(example);
        if self.examples.len() > EXAMPLES_MAX {
            let lost = |e: &Example| std::cmp::Reverse(e.ended + e.refused);
            self.examples.sort_by_key(lost);
            self.examples.truncate(EXAMPLES_MAX);
        }
    }
}

/// Gives way once: a walk over all there is must not hold up those who sign in.
pub(crate) async fn let_others_in() {
    let mut gave_way = false;
    poll_fn(|context| {
        if gave_way {
            return Poll::Ready(());
        }
        gave_way = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

//! A trial over the journal: what a policy would have done, had it been in force all along.
//!
//! The births and ends that the journal tells of are played again, subject by subject and in
//! order, and at each birth the function decides that decides at a sign-in. What was ended or
//! turned away then is counted; whoever was turned away is not there afterwards, and an end by
//! which the real policy made room is an end here too.
//!
//! A history does not know everything. A visit makes no entry, so nobody here ends by silence,
//! and where the least recent makes room that is the first born. Groups and own limits are those
//! of today, and no session asked to be remembered.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use innkeeper_domain::admission::{Admission, Newborn, SignIn, admit};
use innkeeper_domain::change::Change;
use innkeeper_domain::device::{DeviceClass, DeviceDigest, DeviceId, DeviceSerial, DeviceTrust};
use innkeeper_domain::policy::{Policy, PolicyVersion};
use innkeeper_domain::roster::{Floor, Roster, StoreGeneration};
use innkeeper_domain::session::{
    AssuranceLevel, AuthenticationEvent, Ending, FamilyDigest, Origin, SessionId, Timestamp,
    TokenDigest,
};
use innkeeper_domain::token::RosterTag;
use innkeeper_store::journal::{JournalEntry, SessionEvent};

use super::trial::{Example, Trial, let_others_in};
use crate::journal::Read;
use crate::{Authority, EngineError};

/// How many subjects are told of before others are let in.
const TURN: usize = 1024;

/// Longer than any session may live: silence is not to be seen in a history.
const NEVER: Duration = Duration::from_hours(400 * 24);

/// The most subjects whose past one trial holds, whatever the journal names: a roster each.
pub const HISTORY_SUBJECTS_MAX: usize = 250_000;

/// The answer to a trial over the journal.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum HistoryTrial {
    /// What the policy would have done.
    Done(Trial),
    /// Another one is under way. Ask again when it is over.
    UnderWay,
    /// The journal names more subjects than a trial may hold.
    TooManySubjects,
}

impl Authority {
    /// Says what `policy` would have done since a moment, by what the journal tells. Nothing is
    /// changed.
    ///
    /// It holds a roster of each subject that the journal names, `subjects_max` of them at the
    /// most, and one is made at a time, so that no number of trials holds more.
    pub async fn try_policy_on_history(
        &self,
        policy: &Policy,
        since: Timestamp,
        subjects_max: usize,
    ) -> Result<HistoryTrial, EngineError> {
        let Ok(_turn) = self.histories.try_lock() else {
            return Ok(HistoryTrial::UnderWay);
        };
        let policy = without_silence(policy);
        let mut subjects: HashMap<RosterTag, Replay> = HashMap::new();
        let mut after = None;
        loop {
            let page = match self.read_journal(&mut after).await? {
                Read::Page(page) => page,
                Read::Anew => {
                    subjects.clear();
                    continue;
                }
                Read::End => break,
            };
            for (_, entry) in page {
                let replay = match subjects.entry(entry.tag) {
                    Entry::Occupied(replay) => replay.into_mut(),
                    Entry::Vacant(place) => {
                        // What a history does not tell is taken from the roster as it is.
                        let today = self.show(entry.tag, None).await?;
                        place.insert(Replay::of(&entry, today.map(|(roster, _)| roster)))
                    }
                };
                replay.play(&entry, &policy, since);
                if subjects.len() > subjects_max {
                    return Ok(HistoryTrial::TooManySubjects);
                }
            }
        }
        let now = self.now().await?;
        let mut trial = Trial::default();
        for (count, replay) in subjects.into_values().enumerate() {
            replay.tell(now, since, &mut trial);
            if count % TURN == TURN - 1 {
                let_others_in().await;
            }
        }
        Ok(HistoryTrial::Done(trial))
    }
}

/// The same policy, but nobody ends by silence.
fn without_silence(policy: &Policy) -> Policy {
    let mut policy = Policy {
        version: PolicyVersion::default(),
        ..policy.clone()
    };
    policy.terms.idle = NEVER;
    for rule in &mut policy.rules {
        rule.set.idle = None;
    }
    policy
}

/// The sessions of one subject, as they would have been.
struct Replay {
    roster: Roster,
    today: Option<Arc<Roster>>,
    /// Who really was there.
    open: BTreeSet<SessionId>,
    classes: BTreeMap<DeviceId, DeviceClass>,
    /// The most that were open at once, and how many were opened.
    most: usize,
    births: usize,
    ended: usize,
    refused: usize,
}

impl Replay {
    fn of(first: &JournalEntry, today: Option<Arc<Roster>>) -> Self {
        let subject = match (&today, &first.personal) {
            (Some(roster), _) => Some(roster.subject.clone()),
            (None, Some(personal)) => Some(personal.subject.clone()),
            (None, None) => None,
        };
        let mut roster = Roster::absent(
            first.tag,
            first.tenant.clone(),
            subject.unwrap_or_else(erased),
            Floor::FIRST,
            StoreGeneration::default(),
        );
        if let Some(today) = &today {
            roster.groups.clone_from(&today.groups);
            roster.own_limit = today.own_limit;
        }
        Self {
            roster,
            today,
            open: BTreeSet::new(),
            classes: BTreeMap::new(),
            most: 0,
            births: 0,
            ended: 0,
            refused: 0,
        }
    }

    fn play(&mut self, entry: &JournalEntry, policy: &Policy, since: Timestamp) {
        let counts = entry.at >= since;
        for event in &entry.events {
            match event {
                SessionEvent::Opened { session, .. } => {
                    self.open.insert(*session);
                    self.birth(entry, event, policy, counts);
                }
                SessionEvent::Ended { session, ending } => {
                    self.open.remove(session);
                    self.end(*session, *ending, counts);
                }
                SessionEvent::Reauthenticated { session, assurance } => {
                    let proof = authentication(*assurance, entry.at);
                    self.prolong(*session, proof, policy);
                }
                SessionEvent::DeviceNew { device, class } => {
                    self.classes.insert(*device, *class);
                }
                SessionEvent::DeviceTrusted { device, by } => {
                    let since = entry.at;
                    let trust = Some(DeviceTrust { since, by: *by });
                    self.apply(Change::DeviceTrust { id: *device, trust }, entry.at);
                }
                SessionEvent::DeviceDistrusted { device } => {
                    let (id, trust) = (*device, None);
                    self.apply(Change::DeviceTrust { id, trust }, entry.at);
                }
                SessionEvent::DeviceRemoved { device } => {
                    self.apply(Change::DeviceEnd { id: *device }, entry.at);
                }
                SessionEvent::Rotated { .. }
                | SessionEvent::Shortened { .. }
                | SessionEvent::GenerationRaised { .. }
                | SessionEvent::Disabled
                | SessionEvent::Enabled
                | SessionEvent::GroupsChanged
                | SessionEvent::LimitChanged
                | SessionEvent::ContactChanged
                | SessionEvent::PolicyObeyed { .. }
                | SessionEvent::Erased
                | SessionEvent::Mismatched { .. }
                | SessionEvent::DeviceRenamed { .. } => {}
            }
        }
        if counts {
            self.most = self.most.max(self.open.len());
        }
    }

    fn apply(&mut self, change: Change, at: Timestamp) {
        self.roster.apply(&[change], at);
    }

    /// Decides about a sign-in that was let in, as if it came now.
    fn birth(&mut self, entry: &JournalEntry, event: &SessionEvent, policy: &Policy, counts: bool) {
        let SessionEvent::Opened {
            session,
            class,
            client,
            assurance,
            device,
            ..
        } = event
        else {
            return;
        };
        // Without a device it came from one that nobody knows.
        let serial = device.map_or(DeviceSerial(*session.serial()), |d| d.serial());
        let token = DeviceDigest(widened(&serial.0));
        let sign_in = SignIn {
            client: client.clone(),
            class: *class,
            actor: None,
            remember: false,
            authentication: authentication(*assurance, entry.at),
            evidence: None,
            groups: None,
            contact: None,
            replaces: None,
            origin: Origin::default(),
            device: Some(token),
            device_class: device.and_then(|d| self.classes.get(&d).copied()),
            attributes: None,
            federation: None,
            end: Box::default(),
        };
        let newborn = Newborn {
            id: *session,
            token: TokenDigest(widened(session.serial())),
            family: FamilyDigest(widened(session.serial())),
            device: serial,
            device_token: token,
        };
        self.births += usize::from(counts);
        match admit(&self.roster, &sign_in, newborn, policy, entry.at) {
            Admission::Admit(admitted) => {
                let is_end = |c: &&Change| matches!(c, Change::End { .. });
                let ends = admitted.changes.iter().filter(is_end).count();
                self.ended += if counts { ends } else { 0 };
                self.roster.apply(&admitted.changes, entry.at);
            }
            Admission::Refuse(_) => self.refused += usize::from(counts),
        }
    }

    /// Ends what ended, unless it would have ended before.
    fn end(&mut self, session: SessionId, ending: Ending, counts: bool) {
        if let Some(recorded) = self.roster.find(session) {
            let too_late = recorded.absolute_deadline < ending.at;
            self.ended += usize::from(too_late && counts);
        }
        self.apply(
            Change::End {
                id: session,
                ending,
            },
            ending.at,
        );
        // One whose time is over is recorded until somebody clears it away.
        self.roster.sessions.retain(|s| s.id != session);
    }

    /// Whoever proved identity again begins anew.
    fn prolong(&mut self, session: SessionId, proof: AuthenticationEvent, policy: &Policy) {
        let Some(place) = self.roster.sessions.iter().position(|s| s.id == session) else {
            return;
        };
        let absolute = policy
            .terms(&self.roster.facts(&self.roster.sessions[place]))
            .absolute;
        let recorded = Arc::make_mut(&mut self.roster.sessions[place]);
        if recorded.is_renewed_by(&proof) {
            recorded.absolute_deadline = proof.at.plus(absolute);
            recorded.authentication = proof;
        }
    }

    /// Adds this subject to what is said of all.
    fn tell(self, now: Timestamp, since: Timestamp, trial: &mut Trial) {
        let still_open = self.roster.sessions.iter().filter(|s| {
            let today = self.today.as_ref();
            let is_open = today.is_some_and(|t| t.live(now).any(|o| o.id == s.id));
            is_open && s.absolute_deadline < now && s.absolute_deadline >= since
        });
        let ended = self.ended + still_open.count();
        if self.births == 0 && ended == 0 {
            return;
        }
        trial.subjects += 1;
        trial.sessions += self.births;
        *trial.histogram.entry(self.most).or_default() += 1;
        if ended + self.refused > 0 {
            trial.subjects_hit += 1;
            trial.ended += ended;
            trial.refused += self.refused;
            trial.show(Example {
                tenant: self.roster.tenant,
                subject: self.roster.subject,
                live: self.most,
                ended,
                refused: self.refused,
            });
        }
    }
}

fn authentication(assurance: AssuranceLevel, at: Timestamp) -> AuthenticationEvent {
    AuthenticationEvent {
        at,
        methods: Box::default(),
        assurance,
    }
}

/// Some bytes for each serial, and others for each other.
fn widened(serial: &[u8; 12]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..12].copy_from_slice(serial);
    bytes
}

/// The name of somebody whose name is gone.
fn erased() -> innkeeper_domain::name::SubjectId {
    innkeeper_domain::name::SubjectId::parse("(erased)").expect("it is a name")
}

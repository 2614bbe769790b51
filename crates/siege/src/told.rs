//! Told: what the journal tells outward of a guest, held against what its callers were told (S16).
//!
//! All is quiet while it is read, so the events must add up to who is live at that moment: each
//! birth and each end once, in an order without gaps, and under the same ids when read again.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_simulation::checker::Violation;
use innkeeper_simulation::history::{Answer, Call, History, Sid, Subject};

/// One event, as far as it matters here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) seq: u64,
    pub(crate) what: What,
}

/// What happened to a session, if it is about one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum What {
    Opened(Sid),
    Ended(Sid),
    Other,
}

/// All that was told of a guest until a quiet moment.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) events: Vec<Event>,
    /// Who was live then.
    pub(crate) live: Vec<Sid>,
    /// How many operations there had been.
    pub(crate) operations: usize,
}

impl Told {
    /// What is wrong with it, by what callers of `subject` were told in `history` until then.
    pub(crate) fn faults(&self, subject: Subject, history: &History) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut wrong = |text: String| {
            found.push(Violation {
                rule: "S16",
                operations: Vec::new(),
                text: format!("subject {}: {text}", subject.0),
            });
        };
        let mut ids = BTreeSet::new();
        let mut opened = BTreeSet::new();
        let mut live = BTreeSet::new();
        let mut last: Option<u64> = None;
        for event in &self.events {
            if !ids.insert(&event.id) {
                wrong(format!("the event {} is told twice", event.id));
            }
            if last.is_some_and(|last| event.seq != last && event.seq != last + 1) {
                wrong(format!("change {} follows {last:?}", event.seq));
            }
            last = Some(event.seq);
            match event.what {
                What::Opened(session) => {
                    live.insert(session.0);
                    if !opened.insert(session.0) {
                        wrong(format!("session {} is told to open again", session.0));
                    }
                }
                What::Ended(session) if !live.remove(&session.0) => {
                    wrong(format!(
                        "session {} is told to end, and was not live",
                        session.0
                    ));
                }
                What::Ended(_) | What::Other => {}
            }
        }
        let seen: BTreeSet<u32> = self.live.iter().map(|s| s.0).collect();
        if live != seen {
            wrong(format!("events tell of {live:?}, the list of {seen:?}"));
        }

        let answered = Answered::until(self.operations, subject, history);
        for session in answered.born.difference(&opened) {
            wrong(format!("nobody was told that session {session} was opened"));
        }
        let unheard = opened.difference(&answered.born).count();
        if unheard > answered.perhaps_born {
            wrong(format!(
                "{unheard} sessions were opened that nobody was given, and {} sign-ins are unknown",
                answered.perhaps_born
            ));
        }
        for session in answered.dead.intersection(&live) {
            wrong(format!("nobody was told that session {session} ended"));
        }
        found
    }

    /// What is wrong if this was told after `earlier`.
    pub(crate) fn faults_after(&self, earlier: &Self, subject: Subject) -> Option<Violation> {
        let again = self.events.get(..earlier.events.len());
        (again != Some(&*earlier.events)).then(|| Violation {
            rule: "S16",
            operations: Vec::new(),
            text: format!(
                "subject {}: what was told is told otherwise when it is read again",
                subject.0
            ),
        })
    }
}

/// What callers were told.
#[derive(Default)]
struct Answered {
    born: BTreeSet<u32>,
    dead: BTreeSet<u32>,
    /// Sign-ins whose outcome nobody knows: each may have opened one session.
    perhaps_born: usize,
}

impl Answered {
    fn until(operations: usize, subject: Subject, history: &History) -> Self {
        let mut is = Self::default();
        let mut unknown: BTreeMap<u32, bool> = BTreeMap::new();
        let those = history.operations.iter().take(operations);
        for operation in those.filter(|o| o.subject == subject) {
            match (&operation.call, &operation.answer) {
                (
                    Call::Admit { label, .. },
                    Answer::Admitted {
                        session, evicted, ..
                    },
                ) => {
                    is.born.insert(session.0);
                    is.dead.extend(evicted.iter().map(|s| s.0));
                    unknown.insert(label.0, false);
                }
                (Call::Admit { label, .. }, Answer::Unknown) => {
                    unknown.entry(label.0).or_insert(true);
                }
                (Call::Revoke(session), Answer::Done { ended: 1, .. }) => {
                    is.dead.insert(session.0);
                }
                _ => {}
            }
        }
        is.perhaps_born = unknown.values().filter(|unknown| **unknown).count();
        is
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_simulation::history::{Class, Label, Operation, Point, Tok};

    use super::*;

    const ALICE: Subject = Subject(0);

    /// Two sign-ins at a limit of one, and what the journal tells of them.
    fn story() -> (History, Told) {
        let mut history = History::default();
        for (label, session, evicted) in [(1, 0, vec![]), (2, 1, vec![Sid(0)])] {
            let at = Point::default();
            history.operations.push(Operation {
                subject: ALICE,
                node: 0,
                call: Call::Admit {
                    label: Label(label),
                    evidence: None,
                    class: Class::Interactive,
                    chosen: None,
                },
                begun: at,
                ended: at,
                answer: Answer::Admitted {
                    session: Sid(session),
                    token: Tok(session),
                    evicted,
                    chosen: Vec::new(),
                    view: None,
                },
                is_void: false,
            });
        }
        let events = [
            (1, What::Other),
            (1, What::Opened(Sid(0))),
            (2, What::Ended(Sid(0))),
            (2, What::Opened(Sid(1))),
        ];
        let event = |(place, (seq, what))| Event {
            id: format!("evt_{place}"),
            seq,
            what,
        };
        let told = Told {
            events: (0..).zip(events).map(event).collect(),
            live: vec![Sid(1)],
            operations: history.operations.len(),
        };
        (history, told)
    }

    fn faults_once(change: impl FnOnce(&mut History, &mut Told)) -> String {
        let (mut history, mut told) = story();
        change(&mut history, &mut told);
        let faults = told.faults(ALICE, &history);
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        texts.join("\n")
    }

    #[test]
    fn given_events_that_add_up_when_they_are_judged_then_nothing_is_wrong() {
        assert_eq!(faults_once(|_, _| {}), "");
    }

    #[test]
    fn given_events_that_do_not_add_up_when_they_are_judged_then_each_is_named() {
        let gap = faults_once(|_, told| told.events[2..].iter_mut().for_each(|e| e.seq = 3));
        assert!(gap.contains("change 3 follows Some(1)"), "{gap}");

        let back = faults_once(|_, told| told.events[3].seq = 1);
        assert!(back.contains("change 1 follows Some(2)"), "{back}");

        let twice = faults_once(|_, told| told.events.push(told.events[0].clone()));
        assert!(twice.contains("evt_0 is told twice"), "{twice}");

        let untold = faults_once(|_, told| drop(told.events.pop()));
        assert!(untold.contains("session 1 was opened"), "{untold}");

        let unended = faults_once(|_, told| told.events[2].what = What::Other);
        assert!(unended.contains("session 0 ended"), "{unended}");

        let unlisted = faults_once(|_, told| told.live.clear());
        assert!(
            unlisted.contains("events tell of {1}, the list of {}"),
            "{unlisted}"
        );

        let again = faults_once(|_, told| told.events[0].what = What::Opened(Sid(0)));
        assert!(again.contains("open again"), "{again}");

        let early = faults_once(|_, told| told.events.swap(1, 2));
        assert!(early.contains("and was not live"), "{early}");
    }

    #[test]
    fn given_a_sign_in_that_nobody_heard_of_when_it_is_told_then_an_answer_must_be_unknown() {
        let forget = |history: &mut History| history.operations[1].answer = Answer::Unknown;
        assert_eq!(faults_once(|history, _| forget(history)), "");

        let strange = faults_once(|history, _| drop(history.operations.pop()));
        assert!(
            strange.contains("1 sessions were opened that nobody was given"),
            "{strange}"
        );
    }

    #[test]
    fn given_events_that_were_read_before_when_they_change_then_it_is_seen() {
        let (_, earlier) = story();
        let mut later = earlier.clone();
        assert_eq!(later.faults_after(&earlier, ALICE), None);

        later.events[1].id = "evt_other".into();
        assert!(later.faults_after(&earlier, ALICE).is_some());
    }
}

//! A history told line by line, for the rules of the checker.

use innkeeper_simulation::checker::check;
use innkeeper_simulation::history::{
    Answer, Basis, Call, Class, Enacted, History, Label, Line, Operation, Point, Rest, Sid,
    Subject, Tok, View,
};

pub(crate) const MINUTE: u64 = 60_000;

/// A sign-in of a person.
pub(crate) fn asks(label: Label, evidence: Option<usize>) -> Call {
    Call::Admit {
        label,
        evidence,
        class: Class::Interactive,
        chosen: None,
    }
}

/// A history told line by line: every operation ends before the next begins, a second a step,
/// and whatever time was said to pass before the next.
pub(crate) struct Story(pub(crate) History, u64);

impl Story {
    /// Two seats, half an hour of silence, a day of life.
    pub(crate) fn new() -> Self {
        Self(
            History {
                policies: vec![Enacted {
                    version: 1,
                    limit: 2,
                    idle: 30 * MINUTE,
                    binds_devices: true,
                    ..Enacted::default()
                }],
                idle: 30 * MINUTE,
                absolute: 24 * 60 * MINUTE,
                ..History::default()
            },
            0,
        )
    }

    pub(crate) fn then(mut self, call: Call, answer: Answer) -> Self {
        let place = 1 + self.0.operations.last().map_or(0, |o| o.ended.place);
        let time = self.now();
        self.1 = 0;
        self.0.operations.push(Operation {
            subject: Subject(1),
            node: 0,
            call,
            begun: Point {
                place,
                time,
                moment: time,
            },
            ended: Point {
                place: place + 1,
                time,
                moment: time,
            },
            answer,
            is_void: false,
        });
        self
    }

    /// Makes the operation before overlap the whole of the story so far.
    pub(crate) fn meanwhile(mut self) -> Self {
        self.0.operations.last_mut().unwrap().begun.place = 1;
        self
    }

    /// Has the operation before answered by this node.
    pub(crate) fn on(mut self, node: usize) -> Self {
        self.0.operations.last_mut().unwrap().node = node;
        self
    }

    pub(crate) fn now(&self) -> u64 {
        let passed = self.0.operations.last().map_or(0, |o| o.ended.time);
        passed + self.1 + 1000
    }

    pub(crate) fn later(mut self, span: u64) -> Self {
        self.1 += span;
        self
    }

    pub(crate) fn sees(&self, live: &[u32]) -> View {
        View {
            basis: Some(Basis {
                now: self.now(),
                policy: 1,
                own_limit: None,
            }),
            live: live.iter().map(|s| Sid(*s)).collect(),
        }
    }

    /// Session `n` is born with token `10 n` under label `n`.
    pub(crate) fn admits(self, n: u32, live: &[u32]) -> Self {
        self.admits_by(n, None, live)
    }

    pub(crate) fn admits_by(self, n: u32, evidence: Option<usize>, live: &[u32]) -> Self {
        let view = Some(self.sees(live));
        let answer = Answer::Admitted {
            session: Sid(n),
            token: Tok(10 * n),
            evicted: vec![],
            chosen: vec![],
            view,
        };
        let label = Label(n);
        self.then(asks(label, evidence), answer)
    }

    pub(crate) fn valid(self, token: u32, session: u32, live: &[u32]) -> Self {
        let answer = self.good(session, None, live);
        self.then(Call::Check(Tok(token)), answer)
    }

    pub(crate) fn renews(self, token: u32, next: u32) -> Self {
        let answer = self.good(token / 10, Some(next), &[token / 10]);
        self.then(Call::Renew(Tok(token)), answer)
    }

    pub(crate) fn good(&self, session: u32, next: Option<u32>, live: &[u32]) -> Answer {
        Answer::Valid {
            session: Sid(session),
            subject: Subject(1),
            rotated: next.map(Tok),
            view: Some(self.sees(live)),
        }
    }

    pub(crate) fn looks(self, live: &[u32]) -> Self {
        let view = self.sees(live);
        self.then(Call::Look, Answer::Seen(view))
    }

    pub(crate) fn does(self, call: Call) -> Self {
        let (ended, kept) = (1, None);
        self.then(call, Answer::Done { ended, kept })
    }

    pub(crate) fn journal(mut self, lines: &[(u64, u64, &[u32], &[u32])], left: &[u32]) -> Self {
        for (seq, previous, opened, ended) in lines {
            self.0.journal.push(Line {
                subject: Subject(1),
                seq: *seq,
                at: *seq,
                previous: *previous,
                hash: 100 + seq,
                opened: opened.iter().map(|s| (Sid(*s), Some(Label(*s)))).collect(),
                ended: ended.iter().map(|s| Sid(*s)).collect(),
                trespassed: vec![],
                mismatched: vec![],
                generation: None,
                disabled: None,
            });
        }
        let last = lines.last().map_or(0, |l| l.0);
        self.0.rest.push(Rest {
            subject: Subject(1),
            version: last,
            generation: 1,
            disabled: false,
            head: 100 + last,
            sessions: left.iter().map(|s| Sid(*s)).collect(),
        });
        self
    }

    /// The rules that are broken.
    pub(crate) fn broken(self) -> Vec<&'static str> {
        let mut rules: Vec<_> = check(&self.0).into_iter().map(|v| v.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }
}

//! What a history says of one subject, put so that the rules can ask.

use std::collections::{BTreeMap, HashMap};

use crate::history::{Answer, Call, Class, History, Label, Operation, Sid, Subject, Tok};

/// The facts about one subject.
pub(super) struct Facts<'a> {
    pub(super) history: &'a History,
    pub(super) subject: Subject,
    /// Its operations, with their numbers.
    pub(super) operations: Vec<(usize, &'a Operation)>,
    /// Where each of its sessions was first known to somebody.
    pub(super) known: HashMap<Sid, usize>,
    /// Each of its sessions, while it was surely live.
    pub(super) lives: Vec<Life>,
    /// The session of each token that was given out, whoever's it is, and by which operation.
    pub(super) tokens: HashMap<Tok, (Sid, usize)>,
    /// The label of each birth.
    pub(super) labels: HashMap<Sid, Label>,
    /// The class of each session that was asked for as more than a person's.
    classes: HashMap<Label, Class>,
    /// The owner of each session, of all subjects.
    pub(super) owners: HashMap<Sid, Subject>,
}

/// A session while it was surely live: one that was shown early and late was so all the time
/// between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) session: Sid,
    /// The end of the first operation that showed it.
    pub(super) from: usize,
    /// The beginning of the last one.
    pub(super) until: usize,
    /// The last one.
    pub(super) shown_by: usize,
}

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a History, subject: Subject) -> Self {
        let numbered = || history.operations.iter().enumerate();
        let operations: Vec<_> = numbered()
            .filter(|(_, o)| o.subject == subject && o.call != Call::Sweep)
            .collect();

        let mut tokens = HashMap::new();
        let mut owners = HashMap::new();
        let mut labels = HashMap::new();
        for (number, operation) in numbered() {
            if let Some((session, token)) = operation.issued() {
                tokens.entry(token).or_insert((session, number));
            }
            if let (Call::Admit { label, .. }, Answer::Admitted { session, .. }) =
                (&operation.call, &operation.answer)
            {
                owners.entry(*session).or_insert(operation.subject);
                labels.insert(*session, *label);
            }
        }
        for line in &history.journal {
            for (session, label) in &line.opened {
                owners.entry(*session).or_insert(line.subject);
                labels.extend(label.map(|l| (*session, l)));
            }
        }

        let classes = numbered().filter_map(|(_, o)| match &o.call {
            Call::Admit { label, class, .. } => Some((*label, *class)),
            _ => None,
        });
        let classes = classes.collect();

        let mut lives: BTreeMap<Sid, Life> = BTreeMap::new();
        for (number, operation) in &operations {
            let (from, until) = (operation.ended.place, operation.begun.place);
            for session in operation.shows_live() {
                let shown_by = *number;
                let shown = Life {
                    session,
                    from,
                    until,
                    shown_by,
                };
                let life = lives.entry(session).or_insert(shown);
                life.from = life.from.min(from);
                if life.until <= until {
                    (life.until, life.shown_by) = (until, shown_by);
                }
            }
        }
        let known = lives.values().map(|life| (life.session, life.from));
        let known = known.collect();
        let lives = lives.into_values().collect();
        Self {
            history,
            subject,
            operations,
            known,
            lives,
            tokens,
            labels,
            classes,
            owners,
        }
    }

    /// The attempts at the sign-in that a session was born of.
    pub(super) fn attempts(&self, session: Sid) -> impl Iterator<Item = &(usize, &'a Operation)> {
        let born_as = self.labels.get(&session).copied();
        self.operations.iter().filter(
            move |(_, o)| matches!(o.call, Call::Admit { label, .. } if Some(label) == born_as),
        )
    }

    /// What kind of access a session is.
    pub(super) fn class_of(&self, session: Sid) -> Class {
        let label = self.labels.get(&session);
        let class = label.and_then(|label| self.classes.get(label));
        class.copied().unwrap_or_default()
    }

    /// How many of these are of one class.
    pub(super) fn count_of(&self, class: Class, sessions: &[Sid]) -> usize {
        let of_it = sessions.iter().filter(|s| self.class_of(**s) == class);
        of_it.count()
    }

    /// The session of a token that was presented.
    pub(super) fn session_of(&self, token: Option<Tok>) -> Option<Sid> {
        Some(self.tokens.get(&token?)?.0)
    }
}

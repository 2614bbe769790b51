//! The journal: numbered without gaps, chained, and enough to tell what is left (S16).

use std::collections::BTreeSet;

use super::Violation;
use super::facts::Facts;

/// What the entries so far amount to.
#[derive(Default)]
struct Told {
    seq: u64,
    head: u64,
    generation: u64,
    disabled: bool,
    live: BTreeSet<u32>,
}

pub(super) fn is_whole(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut wrong = |text: String| {
        found.push(Violation {
            rule: "S16",
            operations: Vec::new(),
            text: format!("subject {}: {text}", facts.subject.0),
        });
    };
    let mut told = Told::default();
    let lines = facts.history.journal.iter();
    for line in lines.filter(|l| l.subject == facts.subject) {
        // A roster that was let go of, empty, begins again above all it had reached.
        let begins = line.previous == 0 && told.live.is_empty() && !told.disabled;
        let follows = line.seq == told.seq + 1 && line.previous == told.head;
        if !(follows || begins && line.seq > told.seq) {
            wrong(format!("entry {} does not follow {}", line.seq, told.seq));
        }
        for session in &line.ended {
            if !told.live.remove(&session.0) {
                wrong(format!(
                    "entry {} ends session {} again",
                    line.seq, session.0
                ));
            }
        }
        told.live.extend(line.opened.iter().map(|(s, _)| s.0));
        (told.seq, told.head) = (line.seq, line.hash);
        told.generation = line
            .generation
            .unwrap_or(told.generation)
            .max(told.generation);
        told.disabled = line.disabled.unwrap_or(told.disabled);
    }

    let Some(rest) = facts
        .history
        .rest
        .iter()
        .find(|r| r.subject == facts.subject)
    else {
        if told.disabled || !told.live.is_empty() {
            wrong("a roster with something left in it is gone".into());
        }
        return;
    };
    let sessions: BTreeSet<u32> = rest.sessions.iter().map(|s| s.0).collect();
    if (rest.version, rest.head) != (told.seq, told.head) {
        wrong(format!(
            "version {} has entry {} as its last",
            rest.version, told.seq
        ));
    }
    if sessions != told.live || rest.disabled != told.disabled {
        wrong(format!(
            "entries tell of {:?}, the roster of {sessions:?}",
            told.live
        ));
    }
    if told.generation > rest.generation {
        wrong(format!(
            "generation {} was told, {} is left",
            told.generation, rest.generation
        ));
    }
}

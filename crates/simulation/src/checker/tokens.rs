//! Tokens: they were given out (S6), name their owner (S5), follow one another in one chain (S9), and one key makes
//! one session (S10).

use std::collections::HashMap;

use super::Violation;
use super::facts::Facts;
use crate::history::{Answer, Call, Label, Operation, Sid, Subject, Tok};

/// For how long a key is remembered, and a rotated token good at the most, in milliseconds.
const KEYS_FOR: u64 = 10 * 60_000;
const GRACE_MOST: u64 = 5 * 60_000;

/// S5, S6 and S14: only what was given out is good, an answer names the owner of the presented
/// token, and shows nobody else's sessions, least of all another tenant's.
pub(super) fn name_their_owner(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let mut wrong = |rule, text: String| {
            found.push(Violation {
                rule,
                operations: vec![*number],
                text,
            });
        };
        if let Answer::Valid {
            session, subject, ..
        } = &operation.answer
        {
            if *subject != operation.subject {
                let rule = across(facts, *subject);
                wrong(rule, format!("an answer names subject {}", subject.0));
            }
            let own = facts.session_of(operation.presented());
            if own.is_some_and(|own| own != *session) {
                wrong("S5", format!("an answer names session {}", session.0));
            }
        }
        if accepts(operation) && facts.session_of(operation.presented()).is_none() {
            wrong("S6", "a token is good that was never given out".into());
        }
        for session in operation.shows_live() {
            let owner = facts.owners.get(&session).copied();
            if let Some(owner) = owner.filter(|o| *o != facts.subject) {
                wrong(
                    across(facts, owner),
                    format!("session {} of another subject is shown", session.0),
                );
            }
        }
    }
}

/// Which promise is broken where another's name shows: the tenant's, if it is of another tenant.
fn across(facts: &Facts<'_>, other: Subject) -> &'static str {
    if facts.history.tenant(other) == facts.history.tenant(facts.subject) {
        "S5"
    } else {
        "S14"
    }
}

/// S9: one successor a token, at most two acceptable ones, and none that comes back.
pub(super) fn form_one_chain(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut successors: HashMap<(Tok, bool), (Tok, usize)> = HashMap::new();
    for (number, operation) in &facts.operations {
        let (Some(token), Some((_, next))) = (operation.presented(), operation.issued()) else {
            continue;
        };
        if operation.is_void {
            continue;
        }
        // Another proof in the grace of a renewal makes another token, and withdraws the first.
        let renewal = matches!(
            operation.call,
            Call::Check(_) | Call::CheckElsewhere(_) | Call::Renew(_)
        );
        let (first, by) = *successors
            .entry((token, renewal))
            .or_insert((next, *number));
        if first != next {
            found.push(Violation {
                rule: "S9",
                operations: vec![by, *number],
                text: format!("token {} has two successors", token.0),
            });
        }
    }
    none_comes_back(facts, found);
    old_ones_end_the_session(facts, &successors, found);
    at_most_two(facts, found);
}

/// Whether this shows that the presented token was good. A repeated reauthentication does not:
/// it may be answered to a token that no longer passes a check.
fn accepts(operation: &Operation) -> bool {
    let asks = matches!(
        operation.call,
        Call::Check(_) | Call::CheckElsewhere(_) | Call::Renew(_)
    );
    asks && operation.shows_valid().is_some()
}

fn none_comes_back(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut refused: HashMap<Tok, (usize, usize)> = HashMap::new();
    for (number, operation) in &facts.operations {
        if let (Call::Check(token), Answer::NoSession { .. }) = (&operation.call, &operation.answer)
            && !operation.is_void
        {
            let entry = refused
                .entry(*token)
                .or_insert((operation.ended.place, *number));
            *entry = (*entry).min((operation.ended.place, *number));
        }
    }
    for (number, operation) in &facts.operations {
        let Call::Check(token) = operation.call else {
            continue;
        };
        if accepts(operation)
            && let Some((place, by)) = refused.get(&token)
            && *place < operation.begun.place
        {
            found.push(Violation {
                rule: "S9",
                operations: vec![*by, *number],
                text: format!("token {} was refused and is good again", token.0),
            });
        }
    }
}

/// A token whose successor's successor was given out is neither good nor harmless: whoever
/// presents it ends the session. And the one before lasts no longer than its longest grace, or
/// not at all after a change of privilege (S8).
fn old_ones_end_the_session(
    facts: &Facts<'_>,
    successors: &HashMap<(Tok, bool), (Tok, usize)>,
    found: &mut Vec<Violation>,
) {
    let all = &facts.history.operations;
    for (number, operation) in &facts.operations {
        let Call::Check(token) = operation.call else {
            continue;
        };
        for renewal in [true, false] {
            let Some((next, by)) = successors.get(&(token, renewal)) else {
                continue;
            };
            let given = all[*by].ended;
            let now = operation.basis().map_or(operation.begun.time, |b| b.now);
            let late = now >= given.time + GRACE_MOST;
            if accepts(operation) && given.place < operation.begun.place && (late || !renewal) {
                found.push(Violation {
                    rule: if renewal { "S9" } else { "S8" },
                    operations: vec![*by, *number],
                    text: format!("token {} is good after its grace", token.0),
                });
            }
            let over = [true, false]
                .iter()
                .filter_map(|r| successors.get(&(*next, *r)))
                .find(|(_, again)| all[*again].ended.place < operation.begun.place);
            let Some((_, again)) = over else { continue };
            let session = facts.tokens.get(&token).map(|t| t.0);
            let survivor = facts.operations.iter().find(|(_, later)| {
                matches!(operation.answer, Answer::NoSession { .. })
                    && !operation.is_void
                    && operation.ended.place < later.begun.place
                    && session.is_some_and(|s| later.shows_live().contains(&s))
            });
            let wrong = if accepts(operation) {
                Some(number)
            } else {
                survivor.map(|(n, _)| n)
            };
            if let Some(shows) = wrong {
                found.push(Violation {
                    rule: "S9",
                    operations: vec![*again, *number, *shows],
                    text: format!("token {} was reused, and its session lives", token.0),
                });
            }
        }
    }
}

/// A token that was given out and is good later was good all the time between.
fn at_most_two(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut good: HashMap<Tok, (usize, usize, usize)> = HashMap::new();
    for (number, operation) in &facts.operations {
        let Some(token) = operation.presented().filter(|_| accepts(operation)) else {
            continue;
        };
        if let Some((_, by)) = facts.tokens.get(&token) {
            let since = facts.history.operations[*by].ended.place;
            let until = operation.begun.place;
            let entry = good.entry(token).or_insert((since, until, *number));
            if entry.1 < until {
                (entry.1, entry.2) = (until, *number);
            }
        }
    }
    let session = |token: &Tok| facts.tokens.get(token).map(|t| t.0);
    for (token, (since, _, _)) in &good {
        let at_once: Vec<usize> = good
            .iter()
            .filter(|(other, (from, until, _))| {
                session(other) == session(token) && from <= since && since < until
            })
            .map(|(_, (_, _, number))| *number)
            .collect();
        if at_once.len() > 2 {
            found.push(Violation {
                rule: "S9",
                operations: at_once,
                text: "three tokens of one session are good at once".into(),
            });
        }
    }
}

/// S10, and that what was answered as not done was not done.
pub(super) fn are_born_once(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    let mut births: HashMap<Label, Vec<(Sid, u64)>> = HashMap::new();
    for line in facts
        .history
        .journal
        .iter()
        .filter(|l| l.subject == facts.subject)
    {
        for (session, label) in &line.opened {
            births
                .entry(label.unwrap_or(Label(u32::MAX)))
                .or_default()
                .push((*session, line.at));
        }
    }
    for (_, operation) in &facts.operations {
        if let (Call::Admit { label, .. }, Answer::Admitted { session, .. }) =
            (&operation.call, &operation.answer)
            && !operation.is_void
        {
            let known = births.entry(*label).or_default();
            if known.iter().all(|(s, _)| s != session) {
                known.push((*session, operation.ended.time));
            }
        }
    }
    for (label, sessions) in births {
        let attempts: Vec<_> = facts
            .operations
            .iter()
            .filter(|(_, o)| matches!(o.call, Call::Admit { label: l, .. } if l == label))
            .collect();
        let numbers = || attempts.iter().map(|(n, _)| *n).collect::<Vec<_>>();
        let twice = sessions.iter().enumerate().any(|(place, (_, at))| {
            sessions[place + 1..]
                .iter()
                .any(|(_, other)| at.abs_diff(*other) < KEYS_FOR)
        });
        if twice {
            found.push(Violation {
                rule: "S10",
                operations: numbers(),
                text: format!("one key, {} sessions", sessions.len()),
            });
        }
        let all_refused = attempts
            .iter()
            .all(|(_, o)| matches!(o.answer, Answer::Refused(..)) && !o.is_void);
        if all_refused && !attempts.is_empty() {
            found.push(Violation {
                rule: "D11",
                operations: numbers(),
                text: "answered as not done, and a session was born".into(),
            });
        }
    }
}

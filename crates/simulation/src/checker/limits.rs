//! Limits: never one too many (S1), never one evicted too many (S11), and room is given (V1).

use super::facts::Facts;
use super::{Violation, deaths, seats};
use crate::history::{Answer, Call, Class, Enacted, Operation, Refusal, Sid, View};

/// The limit that a roster was under, by what it showed of itself.
fn in_force(facts: &Facts<'_>, view: &View) -> usize {
    let Some(basis) = view.basis else {
        return usize::MAX;
    };
    let policies = &facts.history.policies;
    let obeyed = policies.iter().rfind(|p| p.version == basis.policy);
    basis
        .own_limit
        .or_else(|| obeyed.map(|p| p.limit))
        .unwrap_or(usize::MAX)
}

/// S1 and S11; `all` are the facts about every subject.
pub(super) fn hold(facts: &Facts<'_>, all: &[Facts<'_>], found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let Some(view) = operation.view() else {
            continue;
        };
        let mut wrong = |rule, text| {
            found.push(Violation {
                rule,
                operations: vec![*number],
                text,
            });
        };
        let limit = in_force(facts, view);
        // By what the roster shows of itself, and by what was known outside.
        let most = possible(facts, operation.begun.place, operation.ended.place);
        let most = most.into_iter().max().unwrap_or(usize::MAX).min(limit);
        for class in Class::ALL {
            let live = facts.count_of(class, &view.live);
            if live > most {
                let text = format!("{live} live sessions of a class under a limit of {most}");
                wrong("S1", text);
            }
        }
        // The newest policy when it began is obeyed before the answer, if anybody could disobey.
        let newest = facts
            .history
            .policies
            .iter()
            .rfind(|p| p.binds(operation.begun));
        let obeys = view.basis.map_or(u64::MAX, |b| b.policy);
        if !view.live.is_empty() && newest.is_some_and(|p| obeys < p.version) {
            wrong(
                "S1",
                format!("policy {} is not obeyed", newest.map_or(0, |p| p.version)),
            );
        }
        let Answer::Admitted {
            session,
            evicted,
            chosen,
            ..
        } = &operation.answer
        else {
            continue;
        };
        let asked = match &operation.call {
            Call::Admit { chosen, .. } => chosen.as_deref().unwrap_or_default(),
            _ => &[],
        };
        if chosen.iter().any(|s| !asked.contains(s)) {
            wrong(
                "S11",
                format!("{chosen:?} ended, and {asked:?} were chosen"),
            );
        }
        if !evicted.is_empty() {
            let live = facts.count_of(facts.class_of(*session), &view.live);
            // Where the tenant has no seat left, it costs one of the subject's own.
            let is_free = live < limit && !seats::may_be_taken(all, facts, operation);
            if view.basis.is_some() && is_free {
                wrong(
                    "S11",
                    format!("evicted {evicted:?} and {live} of {limit} seats are taken"),
                );
            }
            if evicted.contains(session) {
                wrong("S11", "the newcomer was evicted".into());
            }
        }
    }
    never_too_many_at_once(facts, found);
}

/// So sessions can be counted without believing what a roster says of itself.
fn never_too_many_at_once(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for life in &facts.lives {
        let class = facts.class_of(life.session);
        let at_once: Vec<_> = facts
            .lives
            .iter()
            .filter(|other| other.from <= life.from && life.from < other.until)
            .filter(|other| facts.class_of(other.session) == class)
            .collect();
        let place = life.from;
        let most = possible(facts, place, place).into_iter().max();
        if most.is_some_and(|most| at_once.len() > most) {
            found.push(Violation {
                rule: "S1",
                operations: at_once.iter().map(|other| other.shown_by).collect(),
                text: format!("{} sessions lived at once at place {place}", at_once.len()),
            });
        }
    }
}

/// The limits that may have been in force somewhere between two places.
fn possible(facts: &Facts<'_>, from: usize, to: usize) -> Vec<usize> {
    let settled = |later: &Enacted| {
        facts
            .operations
            .iter()
            .any(|(_, o)| later.binds(o.begun) && o.span().ended <= from)
    };
    let policies = &facts.history.policies;
    let policy_limits: Vec<usize> = policies
        .iter()
        .enumerate()
        .filter(|(place, p)| p.from <= to && !policies[place + 1..].iter().any(settled))
        .map(|(_, p)| p.limit)
        .collect();

    let set: Vec<_> = facts
        .operations
        .iter()
        .filter_map(|(_, o)| match o.call {
            Call::Limit(limit) => Some((o.span(), limit)),
            _ => None,
        })
        .collect();
    let replaced = |ended: usize| set.iter().any(|(s, _)| s.begun > ended && s.ended <= from);
    let mut own: Vec<Option<usize>> = set
        .iter()
        .filter(|(s, _)| s.begun <= to && !replaced(s.ended))
        .map(|(_, limit)| *limit)
        .collect();
    if !set.iter().any(|(s, _)| s.ended <= from) {
        own.push(None);
    }
    own.iter()
        .flat_map(|own| own.map_or_else(|| policy_limits.clone(), |limit| vec![limit]))
        .collect()
}

/// V1: whoever is turned away for want of a seat was turned away from a full house.
pub(super) fn leave_room(facts: &Facts<'_>, found: &mut Vec<Violation>) {
    for (number, operation) in &facts.operations {
        let Answer::Refused(Refusal::Full, view) = &operation.answer else {
            continue;
        };
        if operation.is_void {
            continue;
        }
        let class = match &operation.call {
            Call::Admit { class, .. } => *class,
            _ => Class::default(),
        };
        let seen = view
            .as_ref()
            .filter(|v| v.basis.is_some())
            .map(|v| (facts.count_of(class, &v.live), in_force(facts, v)))
            .filter(|(live, limit)| live < limit);
        let born = may_live(facts, operation);
        let born = facts.count_of(class, &born);
        let least = possible(facts, operation.begun.place, operation.ended.place)
            .into_iter()
            .min()
            .unwrap_or(0);
        if let Some((live, limit)) = seen.or((born < least).then_some((born, least))) {
            found.push(Violation {
                rule: "V1",
                operations: vec![*number],
                text: format!("refused with {live} of {limit} seats taken"),
            });
        }
    }
}

/// Whoever may have been live somewhere in `operation`, as one that was born by then, and was not
/// known to be dead before.
pub(super) fn may_live(facts: &Facts<'_>, operation: &Operation) -> Vec<Sid> {
    let dead = deaths::dead_by(facts, operation.begun.place);
    let own = facts
        .labels
        .keys()
        .filter(|s| facts.owners.get(s) == Some(&facts.subject) && !dead.contains(s));
    let is_born = |session: &Sid| {
        let mut attempts = facts.attempts(*session);
        attempts.any(|(_, o)| o.begun.place < operation.ended.place)
    };
    own.copied().filter(is_born).collect()
}

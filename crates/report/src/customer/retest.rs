//! The same probe after the remedy, held against the one before.

use std::fmt::Write as _;

use super::document::{Again, Claim, Closed, Retest};
use super::saved::{Probe, Verdict};

/// Compares, and marks each claim with how it stands now.
pub(super) fn retest(before: &Probe, after: &Probe, claims: &mut [Claim]) -> Retest {
    let again = |id: &str| after.checks.iter().find(|check| check.id == id);
    let rows: Vec<Again> = before
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .map(|check| Again {
            id: check.id.clone(),
            question: check.question.clone(),
            before: check.verdict.word(),
            after: again(&check.id).map_or("not made", |again| again.verdict.word()),
            reason: again(&check.id).map_or_else(
                || "the result after the remedy does not have it".to_owned(),
                |again| again.reason.clone(),
            ),
        })
        .collect();
    for claim in claims.iter_mut().filter(|claim| !claim.checks.is_empty()) {
        let of = claim
            .checks
            .iter()
            .map(|check| again(&check.id).map(|a| a.verdict));
        claim.retest = Some(together(of));
    }
    let result = together(rows.iter().map(|row| again(&row.id).map(|a| a.verdict)));
    let new: Vec<&str> = after
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .filter(|check| rows.iter().all(|row| row.id != check.id))
        .map(|check| check.id.as_str())
        .collect();
    let count = |word: &str| rows.iter().filter(|row| row.after == word).count();
    let (all, passes, fails) = (rows.len(), count("PASS"), count("FAIL"));
    let mut words = match result {
        _ if rows.is_empty() => "No check had failed before.".to_owned(),
        Closed::Closed => match all {
            1 => "The check that failed does not fail any more.".to_owned(),
            _ => format!("None of the {all} checks that failed fails any more."),
        },
        Closed::Open => {
            format!("Of {all} checks that failed, {passes} pass and {fails} still fail.")
        }
        Closed::Unsettled => {
            format!("Of {all} checks that failed, {passes} pass, and the others were not settled.")
        }
    };
    if before.target != after.target {
        // Writing to a string cannot fail.
        let _ = write!(words, " It was at another address then: {}.", after.target);
    }
    if !new.is_empty() {
        let which = super::summary::joined(&new);
        // Writing to a string cannot fail.
        let _ = write!(words, " What did not fail before, and does now: {which}.");
    }
    Retest {
        began_at: Some(after.began_at.clone()).filter(|at| !at.is_empty()),
        result: if new.is_empty() { result } else { Closed::Open },
        words,
        rows,
    }
}

fn together(verdicts: impl Iterator<Item = Option<Verdict>>) -> Closed {
    let mut all = Closed::Closed;
    for verdict in verdicts {
        match verdict {
            Some(Verdict::Fail) => return Closed::Open,
            Some(Verdict::Pass | Verdict::Observed) => {}
            Some(Verdict::Inconclusive | Verdict::Skipped) | None => all = Closed::Unsettled,
        }
    }
    all
}

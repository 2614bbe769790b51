//! The list of a user's own sessions: who is in it, what it says, and who else reads it.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_report::Severity;
use serde_json::Value;

use super::Conclusion;
use super::revoke::end;
use crate::client::{Answer, Purse};
use crate::path::as_text;
use crate::run::{GuestId, Run, State, Who};
use crate::trouble::Trouble;

/// What a list says of one session, by the fields of the recipe.
pub(super) type Item = BTreeMap<String, String>;

/// A list as one side sees it.
pub(super) struct Listed {
    pub(super) items: Vec<Item>,
    pub(super) answer: Answer,
}

impl Listed {
    /// The ids in it.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        let ids = self.items.iter().filter_map(|item| item.get("id"));
        ids.map(String::as_str).collect()
    }
}

/// So many values of a list are tried as credentials.
const TRIED_MAX: usize = 30;

/// Asks for the list as a guest. The error is that no list came.
pub(super) async fn read(run: &mut Run, guest: GuestId) -> Result<Listed, Trouble> {
    let recipe = std::sync::Arc::clone(&run.recipe);
    let list = recipe.steps.list.as_ref();
    let list = list.ok_or_else(|| Trouble::Answer("the recipe has no steps.list".to_owned()))?;
    let answer = run.ask(guest, &list.request).await?;
    let items: Vec<Item> = answer
        .json
        .iter()
        .flat_map(|json| list.items.all(json))
        .map(|item| {
            let fields = list.fields.iter();
            fields
                .filter_map(|(name, path)| Some((name.clone(), path.text(item)?)))
                .filter(|(_, text)| !text.is_empty())
                .collect()
        })
        .collect();
    Ok(Listed { items, answer })
}

/// What is new in the list of A once B is signed in: the session of B.
pub(super) async fn session_of_b(
    run: &mut Run,
) -> Result<(GuestId, GuestId, Item, Vec<String>), Trouble> {
    let a = run.side(0).await?;
    run.close_b().await;
    let before = read(run, a).await?;
    let (a, b) = run.both().await?;
    let after = read(run, a).await?;
    let known = before.ids();
    let new: Vec<&Item> = after
        .items
        .iter()
        .filter(|item| {
            item.get("id")
                .is_some_and(|id| !known.contains(id.as_str()))
        })
        .collect();
    let evidence = vec![before.answer.id.clone(), after.answer.id.clone()];
    match new[..] {
        [one] => Ok((a, b, one.clone(), evidence)),
        _ => Err(Trouble::Answer(format!(
            "after B signed in, the list of A shows {} new sessions instead of one ({}, {}), so \
             that of B cannot be told",
            new.len(),
            evidence[0],
            evidence[1]
        ))),
    }
}

/// Reads the list before and after B signs in.
pub(super) async fn own(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let a = run.side(0).await?;
    run.close_b().await;
    let before = read(run, a).await?;
    let (a, b) = run.both().await?;
    let after = read(run, a).await?;
    let seen = [before.answer.id.clone(), after.answer.id.clone()];
    let known = before.ids();
    let new = after
        .ids()
        .into_iter()
        .filter(|id| !known.contains(id))
        .count();
    let is_missing = run.recipe.policy.listing == Some(false);
    let worse = |conclusion: Conclusion| match (&conclusion.outcome, is_missing) {
        (innkeeper_report::Outcome::Fail, true) => Conclusion::observed(
            conclusion.check.id,
            format!("{}; the policy asks for no list", conclusion.reason),
        ),
        _ => conclusion,
    };
    let (was, is) = (before.items.len(), after.items.len());
    let words = format!("the list of A had {was} sessions, and {is} after B signed in");
    let listed = if after.answer.json.is_none() {
        let words = format!("the answer to steps.list is no JSON ({})", after.answer.id);
        Conclusion::inconclusive("PRB-LIST-001", words)
    } else if new == 1 && was >= 1 {
        Conclusion::pass("PRB-LIST-001", words)
    } else if new == 0 || was == 0 {
        Conclusion::fail("PRB-LIST-001", words)
    } else {
        let words = format!("{words}; somebody else signs in to this account too");
        Conclusion::inconclusive("PRB-LIST-001", words)
    };
    let listed = worse(listed.shown_by(seen.clone()).counting("sessions", is));
    let said = worse(fields(run, &after).shown_by([seen[1].clone()]));
    let secrets = secrets(run, b, &after).await?;
    Ok(vec![listed, said, secrets])
}

/// Whether the list says which session is which.
fn fields(run: &Run, listed: &Listed) -> Conclusion {
    const ID: &str = "PRB-LIST-002";
    let declared = run.recipe.steps.list.as_ref().map(|list| &list.fields);
    let wanted = ["current", "device", "ip", "created"];
    let is_declared = |name: &&str| declared.is_some_and(|fields| fields.contains_key(*name));
    let undeclared: Vec<&str> = wanted.iter().copied().filter(|n| !is_declared(n)).collect();
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|name| is_declared(name))
        .filter(|name| listed.items.iter().any(|item| !item.contains_key(**name)))
        .copied()
        .collect();
    let current = listed
        .items
        .iter()
        .filter(|item| item.get("current").is_some_and(|word| word == "true"))
        .count();
    if listed.items.is_empty() {
        Conclusion::inconclusive(ID, "the list is empty")
    } else if !missing.is_empty() {
        Conclusion::fail(
            ID,
            format!("not every session says its {}", missing.join(", ")),
        )
    } else if !undeclared.is_empty() {
        let words = format!(
            "the recipe does not say where the list has {}",
            undeclared.join(", ")
        );
        Conclusion::inconclusive(ID, words)
    } else if current != 1 {
        Conclusion::fail(
            ID,
            format!("{current} sessions are marked as the current one"),
        )
    } else {
        Conclusion::pass(
            ID,
            "each session says device, address and time; one is the current one",
        )
    }
}

/// Tries what the list shows as a credential.
async fn secrets(run: &mut Run, b: GuestId, listed: &Listed) -> Result<Conclusion, Trouble> {
    const ID: &str = "PRB-LIST-003";
    if listed.items.is_empty() {
        return Ok(Conclusion::inconclusive(ID, "the list is empty"));
    }
    let carrier = run.client.carrier().clone();
    let mut values = BTreeSet::new();
    if let Some(json) = &listed.answer.json {
        texts(json, &mut values);
    }
    let own = run.visitor(b).credential(&carrier).map(str::to_owned);
    if own.is_some_and(|token| token.len() >= 8 && listed.answer.body.contains(&token)) {
        let words = "the list that A reads holds the credential of B";
        return Ok(Conclusion::fail(ID, words).shown_by([listed.answer.id.clone()]));
    }
    let mut evidence = vec![listed.answer.id.clone()];
    let tried = values.len().min(TRIED_MAX);
    for value in values.iter().take(TRIED_MAX) {
        let mut thief = run.stranger("thief", Who::User, 1, Purse::Plain)?;
        thief = thief.with_credential(&carrier, &run.recipe.target.base, value);
        let (state, answer) = run.who_is(&mut thief).await?;
        evidence.push(answer.id);
        if state == State::Alive {
            let words = "a value of the list works as a credential";
            return Ok(Conclusion::fail(ID, words).shown_by(evidence));
        }
    }
    let words = if values.len() > TRIED_MAX {
        let all = values.len();
        let words = format!("{TRIED_MAX} of {all} values were tried, and none is a credential");
        return Ok(Conclusion::inconclusive(ID, words).shown_by(evidence));
    } else {
        format!("none of {tried} values of the list is a credential")
    };
    Ok(Conclusion::pass(ID, words)
        .shown_by(evidence)
        .counting("values", tried))
}

/// All texts in a value that could be credentials.
fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        other => found.extend(as_text(other).filter(|text| {
            (8..=4096).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic())
        })),
    }
}

/// What another user sees and ends of it.
pub(super) async fn of_strangers(run: &mut Run) -> Result<Vec<Conclusion>, Trouble> {
    let (a, b, item, evidence) = session_of_b(run).await?;
    let x = run.sign_in_surely(Who::Other, 0, Purse::Plain).await?;
    let foreign = read(run, x).await?;
    let mine = read(run, a).await?;
    let shared: Vec<&str> = foreign.ids().intersection(&mine.ids()).copied().collect();
    let shown = [mine.answer.id.clone(), foreign.answer.id.clone()];
    let seen = if shared.is_empty() {
        let words = format!(
            "{} of the user, and none of them in the other's list",
            mine.items.len()
        );
        Conclusion::pass("PRB-LIST-004", words)
    } else {
        let words = format!(
            "the other user's list shows {} sessions of the user",
            shared.len()
        );
        Conclusion::fail("PRB-LIST-004", words)
    };
    let mut conclusions = vec![seen.shown_by(shown)];
    if run.recipe.steps.revoke.is_some() {
        let asked = end(run, x, &item).await?;
        let (state, now) = run.who(b).await?;
        let shown = evidence.into_iter().chain([asked.id, now]);
        let ended = match state {
            State::Alive => Conclusion::pass(
                "PRB-REV-003",
                "another user asked to end B, and B is still signed in",
            ),
            State::Dead => Conclusion::fail(
                "PRB-REV-003",
                "another user asked to end B, and B is signed out",
            ),
            other => Conclusion::inconclusive("PRB-REV-003", format!("B is {}", other.words())),
        };
        conclusions.push(ended.shown_by(shown).rated(Severity::High));
    }
    run.close(x).await;
    Ok(conclusions)
}

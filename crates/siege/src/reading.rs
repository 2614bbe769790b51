//! Reading: what an answer of the API means in the words of a history.

use std::collections::HashMap;

use innkeeper_simulation::history::{Answer, Call, Refusal, Sid, Subject, Tok, View};
use serde_json::Value;

use crate::client::Reply;

/// Numbers sessions and tokens in the order in which they are first heard of.
#[derive(Debug, Default)]
pub(crate) struct Names {
    sessions: HashMap<String, Sid>,
    tokens: HashMap<String, Tok>,
}

impl Names {
    pub(crate) fn session(&mut self, id: &str) -> Sid {
        let next = Sid(u32::try_from(self.sessions.len()).expect("a round is short"));
        *self.sessions.entry(id.to_owned()).or_insert(next)
    }

    pub(crate) fn token(&mut self, text: &str) -> Tok {
        let next = Tok(u32::try_from(self.tokens.len()).expect("a round is short"));
        *self.tokens.entry(text.to_owned()).or_insert(next)
    }

    /// What was answered; `None` if the contract knows no such answer to this call.
    ///
    /// `owner` tells the subject of a tenant and a name.
    pub(crate) fn answer(
        &mut self,
        call: &Call,
        reply: Option<&Reply>,
        owner: impl Fn(&str, &str) -> Option<Subject>,
    ) -> Option<Answer> {
        let Some((status, body)) = reply else {
            return Some(Answer::Unknown);
        };
        let code = body["code"].as_str().unwrap_or_default();
        Some(match (call, status, code) {
            (_, 503, "unavailable") => Answer::Unknown,

            (Call::Admit { .. }, 201, _) => Answer::Admitted {
                session: self.session(body["session"]["id"].as_str()?),
                token: self.token(body["token"].as_str()?),
                evicted: self.evicted(body)?,
                chosen: Vec::new(),
                view: None,
            },
            (Call::Admit { .. }, 409, "session-limit") => Answer::Refused(Refusal::Full, None),
            (Call::Admit { .. }, 403, "subject-disabled") => {
                Answer::Refused(Refusal::Disabled, None)
            }
            (Call::Admit { .. }, 412, "stale-generation") => Answer::Refused(Refusal::Stale, None),
            (Call::Admit { .. }, 409, "already-used") => Answer::Refused(Refusal::Key, None),

            (Call::Check(_), 200, _) => Answer::Valid {
                session: self.session(body["session"]["id"].as_str()?),
                subject: owner(body["tenant"].as_str()?, body["subject"].as_str()?)?,
                rotated: body["rotated"].as_str().map(|token| self.token(token)),
                view: None,
            },
            (Call::Renew(_) | Call::Reauthenticate(_), 200, _) => {
                let session = &body["session"];
                Answer::Valid {
                    session: self.session(session["id"].as_str()?),
                    subject: owner(session["tenant"].as_str()?, session["subject"].as_str()?)?,
                    rotated: Some(self.token(body["token"].as_str()?)),
                    view: None,
                }
            }
            (Call::Check(_) | Call::Renew(_) | Call::Reauthenticate(_), 401, "no-session") => {
                Answer::NoSession {
                    ended: body["reason"].as_str()? != "unknown",
                }
            }

            (Call::Revoke(_), 204, _) => done(1),
            (Call::Revoke(_) | Call::RevokeAll(Some(_)), 404, "not-found") => Answer::Absent,
            (Call::RevokeAll(_) | Call::Disable | Call::Enable, 200, _) => {
                done(body["ended"].as_u64()?)
            }
            (Call::CredentialChanged(_), 200, _) => Answer::Done {
                ended: usize::try_from(body["ended"].as_u64()?).ok()?,
                kept: match (body["token"].as_str(), body["session"]["id"].as_str()) {
                    (Some(token), Some(id)) => Some((self.session(id), self.token(token))),
                    _ => None,
                },
            },
            // The standing of a subject: a count, and no names.
            (Call::Limit(_) | Call::Look, 200, _) if body["generation"].is_u64() => done(0),
            (Call::Look, 200, _) => Answer::Seen(View {
                basis: None,
                live: self.live(body)?,
            }),
            _ => return None,
        })
    }

    fn evicted(&mut self, body: &Value) -> Option<Vec<Sid>> {
        let ended = body["ended"].as_array()?.iter();
        let evicted = ended.filter(|e| e["end_reason"] == "evicted");
        evicted
            .map(|e| e["id"].as_str().map(|id| self.session(id)))
            .collect()
    }

    fn live(&mut self, body: &Value) -> Option<Vec<Sid>> {
        let sessions = body["sessions"].as_array()?.iter();
        sessions
            .map(|s| s["id"].as_str().map(|id| self.session(id)))
            .collect()
    }
}

fn done(ended: u64) -> Answer {
    Answer::Done {
        ended: usize::try_from(ended).unwrap_or(usize::MAX),
        kept: None,
    }
}

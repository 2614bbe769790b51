//! Problem documents, as in RFC 9457, each with a stable code for programs.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ProblemCode, Session, Ticket};

/// A problem document.
///
/// Members beyond those of the RFC and `code` are extensions: each code has its own, as a type of
/// this crate. One of them can be a ticket, so `Debug` shows only their names.
#[derive(Clone, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Problem {
    /// A stable URI for the kind, `urn:innkeeper:problem:CODE`.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    title: Cow<'static, str>,
    status: u16,
    code: ProblemCode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// The id under which the log has this request, as `X-Request-Id` names it too: what a person
    /// quotes to the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

impl Problem {
    /// The names that are the document's own, and no extension's.
    const OWN: [&'static str; 7] = [
        "type",
        "title",
        "status",
        "code",
        "detail",
        "instance",
        "request_id",
    ];

    /// A problem of the given kind, and nothing more said of it.
    #[must_use]
    pub fn new(code: ProblemCode) -> Self {
        Self {
            kind: format!("urn:innkeeper:problem:{}", code.as_str()).into(),
            title: code.title().into(),
            status: code.status(),
            code,
            detail: None,
            instance: None,
            request_id: None,
            extensions: Map::new(),
        }
    }

    /// Says what was wrong this time, to a person. Never whether an account exists, and never
    /// anything of the caller's own words, which may hold a secret.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names this one occurrence by a URI.
    #[must_use]
    pub fn instance(mut self, uri: String) -> Self {
        self.instance = Some(uri);
        self
    }

    /// Names the request that met it, as the log does.
    #[must_use]
    pub fn request_id(mut self, id: String) -> Self {
        self.request_id = Some(id);
        self
    }

    /// Comes with another status than its code usually has.
    #[must_use]
    pub const fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds the members of `extension`, which must be written as a JSON object without the
    /// document's own names.
    #[must_use]
    pub fn with<E: Serialize>(mut self, extension: &E) -> Self {
        let Ok(Value::Object(members)) = serde_json::to_value(extension) else {
            unreachable!("an extension is a struct of this crate, written as an object");
        };
        debug_assert!(
            Self::OWN.iter().all(|own| !members.contains_key(*own)),
            "an extension has a member of the document itself"
        );
        self.extensions.extend(members);
        self
    }

    /// What went wrong, for programs.
    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        self.code
    }

    /// The status it comes with.
    #[must_use]
    pub const fn status_code(&self) -> u16 {
        self.status
    }

    /// What was wrong this time, for people.
    #[must_use]
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The members beyond the document's own.
    #[must_use]
    pub const fn extensions(&self) -> &Map<String, Value> {
        &self.extensions
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem")
            .field("code", &self.code)
            .field("status", &self.status)
            .field("detail", &self.detail)
            .field("extensions", &self.extensions.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// What the problem `invalid-request` adds.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct InvalidFields {
    /// What is wrong, field by field.
    pub fields: Vec<InvalidField>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct InvalidField {
    /// Where, as a path like `contact.email` or `methods[2]`; empty for the whole.
    pub field: String,
    /// What is expected there. The value that was sent is never repeated.
    pub message: String,
}

/// What the problem `session-limit` adds.
#[derive(Debug, Deserialize, JsonSchema, Serialize)]
pub struct SessionLimit {
    /// The limit that was met.
    pub limit: LimitHit,
    /// What this evidence may end.
    pub sessions: Vec<Session>,
    /// The ticket that comes back with the choice, `ikc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Ticket>,
    /// The assurance to sign in with in order to be given a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<u8>,
}

/// A limit, by what it counts.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct LimitHit {
    /// What is counted together: `subject`, `client` or `device_class`.
    pub scope: String,
    /// How many may be live.
    pub max: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_problem_when_written_then_it_has_the_members_of_the_rfc_and_the_code() {
        let problem = Problem::new(ProblemCode::SessionLimit).detail("Five are open.");

        let json = serde_json::to_value(&problem).expect("a problem is written");

        assert_eq!(
            json,
            serde_json::json!({
                "type": "urn:innkeeper:problem:session-limit",
                "title": "No more sessions can be opened.",
                "status": 409,
                "code": "session-limit",
                "detail": "Five are open.",
            })
        );
    }

    #[test]
    fn given_an_extension_when_written_then_its_members_lie_beside_the_others() {
        let limit = SessionLimit {
            limit: LimitHit {
                scope: "subject".to_owned(),
                max: 5,
            },
            sessions: Vec::new(),
            choice: Some(Ticket::new("ikc_ticket".to_owned())),
            assurance: None,
        };

        let problem = Problem::new(ProblemCode::SessionLimit).with(&limit);
        let json = serde_json::to_value(&problem).expect("a problem is written");

        assert_eq!(json["limit"]["max"], 5);
        assert_eq!(json["choice"], "ikc_ticket");
        assert!(!format!("{problem:?}").contains("ikc_ticket"));
    }

    #[test]
    fn given_a_written_problem_when_a_client_reads_it_then_it_is_the_same() {
        let problem = Problem::new(ProblemCode::StepUpRequired)
            .status(401)
            .with(&crate::StepUp {
                assurance: Some(2),
                max_age: Some(900),
            });

        let json = serde_json::to_string(&problem).expect("a problem is written");
        let read: Problem = serde_json::from_str(&json).expect("it was just written");

        assert_eq!(read, problem);
        assert_eq!(read.extensions()["max_age"], 900);
    }
}

//! What a call names in its query or in its body, as the caller likes.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use crate::body::read_body;
use crate::diagnosis::Tree;
use crate::json::{check_content_type, parse};
use crate::problem::{ProblemAnswer, invalid};
use crate::query;

/// The members of a call that has no body of its own, such as the tenant of a `DELETE`: each in
/// the query or in a JSON body.
///
/// A body that we passed over might have named the tenant, or a session to spare. So it is held
/// to what [`Query`](query::Query) and [`Json`](crate::json::Json) take: unknown and repeated
/// members are 422 `invalid-request`, and so is one that the two name differently, since whoever
/// stands before us may have judged the other. An empty body says nothing, whatever its type.
#[derive(Debug)]
pub struct QueryOrBody<T>(pub T);

impl<T, S> FromRequest<S> for QueryOrBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = ProblemAnswer;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProblemAnswer> {
        let (parts, body) = request.into_parts();
        let named = query::members(parts.uri.query().unwrap_or_default())?;
        let body = read_body(body).await?;
        let members = if body.is_empty() {
            named
        } else {
            check_content_type(&parts.headers)?;
            joined(named, parse(&body)?)
        };
        let read = Tree::Object(members).read();
        read.map(Self)
            .map_err(|field| invalid(field.field, field.message))
    }
}

/// All that either names, and once what both name alike.
fn joined(query: Vec<(String, Tree)>, body: Tree) -> Vec<(String, Tree)> {
    let Tree::Object(mut members) = body else {
        unreachable!("what is parsed as a body is an object");
    };
    for (name, value) in &query {
        let same = |(n, v): &(String, Tree)| n == name && v.says_the_same(value);
        if let Some(at) = members.iter().position(same) {
            members.remove(at);
        }
    }
    members.extend(query);
    members
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::header::CONTENT_TYPE;
    use innkeeper_api::EndSessionsQuery;

    use super::*;

    async fn read(query: &str, body: &str) -> Result<EndSessionsQuery, ProblemAnswer> {
        let request = Request::builder()
            .uri(format!("/{query}"))
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .expect("the parts are valid");
        let read = QueryOrBody::from_request(request, &()).await;
        read.map(|QueryOrBody(read)| read)
    }

    #[tokio::test]
    async fn given_members_in_either_place_when_read_then_each_counts() {
        let expected = EndSessionsQuery {
            tenant: Some("acme".to_owned()),
            except: Some("ses_x".to_owned()),
        };

        for (query, body) in [
            ("?tenant=acme&except=ses_x", ""),
            ("", r#"{"tenant": "acme", "except": "ses_x"}"#),
            ("?tenant=acme", r#"{"except": "ses_x"}"#),
            ("?tenant=acme&except=ses_x", r#"{"tenant": "acme"}"#),
        ] {
            let read = read(query, body).await.expect("it is fit");
            assert_eq!(read, expected, "{query} {body}");
        }
    }

    #[tokio::test]
    async fn given_an_unknown_a_repeated_or_a_contradicted_member_when_read_then_it_is_named() {
        for (query, body, field) in [
            ("", r#"{"nope": 1}"#, "nope"),
            ("?nope=1", "", "nope"),
            ("?tenant=acme", r#"{"tenant": "other"}"#, "tenant"),
            ("", r#"{"tenant": "acme", "tenant": "acme"}"#, "tenant"),
            (
                "?tenant=acme",
                r#"{"tenant": "acme", "tenant": "acme"}"#,
                "tenant",
            ),
            ("?tenant=acme&tenant=acme", "{}", "tenant"),
            ("", r#"{"tenant": 7}"#, "tenant"),
            ("", "[]", ""),
            ("", "{", ""),
        ] {
            let refusal = read(query, body).await.expect_err("it is unfit");

            let fields = &refusal.problem().extensions()["fields"];
            assert_eq!(fields[0]["field"], field, "{query} {body}");
        }
    }
}

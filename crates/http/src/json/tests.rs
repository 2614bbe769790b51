//! The rules of JSON bodies.

use axum::body::Body;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use innkeeper_api::{
    CheckRequest, CredentialChangedRequest, InvalidFields, KeyCreateRequest, SignInRequest,
    SubjectPatch,
};
use serde_json::Value;

use super::*;

/// The field and the message of the refusal.
fn refusal<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, String) {
    let answer = parse::<T>(body.as_bytes()).expect_err("it is refused");
    assert_eq!(answer.problem().code(), ProblemCode::InvalidRequest);
    let extensions = Value::Object(answer.problem().extensions().clone());
    let mut invalid: InvalidFields = serde_json::from_value(extensions).expect("it has fields");
    let field = invalid.fields.pop().expect("it has one field");
    (field.field, field.message)
}

fn field<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> String {
    refusal::<T>(body).0
}

fn request(content_type: Option<&str>, body: &'static str) -> Request {
    let mut request = Request::new(Body::from(body));
    let headers = request.headers_mut();
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_str(content_type).expect("it is a header");
        headers.insert(CONTENT_TYPE, value);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    request
}

#[test]
fn given_a_wrong_member_when_parsed_then_the_field_is_named_by_its_path() {
    assert_eq!(field::<SignInRequest>("{}"), "subject");
    assert_eq!(field::<SignInRequest>(r#"{"subject": 1}"#), "subject");
    assert_eq!(
        field::<SignInRequest>(r#"{"subject": "a", "contact": {"email": 1}}"#),
        "contact.email"
    );
    assert_eq!(
        field::<SignInRequest>(r#"{"subject": "a", "contact": {"phone": "1"}}"#),
        "contact.phone"
    );
    assert_eq!(
        field::<SignInRequest>(r#"{"subject": "a", "methods": ["pwd", 2]}"#),
        "methods[1]"
    );
    assert_eq!(
        field::<SubjectPatch>(r#"{"limits": {"max_sessions": -1}}"#),
        "limits.max_sessions"
    );
    assert_eq!(
        field::<KeyCreateRequest>(r#"{"name": "a", "scopes": ["admit", "root"]}"#),
        "scopes[1]"
    );
}

#[test]
fn given_a_repeated_member_when_parsed_then_it_is_named() {
    assert_eq!(
        refusal::<SignInRequest>(r#"{"subject": "a", "subject": "a"}"#),
        (
            "subject".to_owned(),
            "it is given more than once".to_owned()
        )
    );
    assert_eq!(
        field::<SignInRequest>(r#"{"subject": "a", "attributes": {"x": [{"y": 1, "y": 1}]}}"#),
        "attributes.x[0]"
    );
}

#[test]
fn given_a_wrong_value_when_parsed_then_the_message_says_what_is_expected() {
    let (_, number) = refusal::<CheckRequest>(r#"{"token": "t", "assurance": 256}"#);
    let (_, word) = refusal::<SignInRequest>(r#"{"subject": "a", "class": "root"}"#);
    let (_, moment) = refusal::<SignInRequest>(r#"{"subject": "a", "authenticated_at": "now"}"#);

    assert_eq!(number, "expected a whole number, 0 to 255");
    assert_eq!(word, "expected one of: interactive, machine, impersonation");
    assert_eq!(
        moment,
        "expected a moment as in RFC 3339, like 2026-01-02T03:04:05.678Z"
    );
}

/// serde would quote the value, and then the token would stand in an answer and in whatever logs
/// answers.
#[test]
fn given_a_token_where_it_does_not_belong_when_parsed_then_the_refusal_does_not_repeat_it() {
    let token = "ik_SecretSecretSecret";
    for body in [
        r#"{"token": "t", "assurance": "TOKEN"}"#,
        r#"{"token": "t", "TOKEN": 1}"#,
        r#"{"token": "t", "ip": "TOKEN"}"#,
        r#"{"token": "t", "passive": "TOKEN"}"#,
        r#"{"token": {"TOKEN": 1}}"#,
        r#"{"token": "TOKEN"#,
        r#""TOKEN""#,
    ] {
        let answer = parse::<CheckRequest>(body.replace("TOKEN", token).as_bytes())
            .expect_err("it is refused");

        let json = String::from_utf8(answer.to_json()).expect("JSON is text");

        assert!(!json.contains("Secret"), "{body} is repeated in {json}");
    }
    for body in [
        r#"{"subject": "a", "class": "TOKEN"}"#,
        r#"{"subject": "a", "attributes": {"TOKEN": 1, "TOKEN": 2}}"#,
        r#"{"subject": "a", "authenticated_at": "TOKEN"}"#,
        r#"{"subject": "a", "contact": {"TOKEN": 2}}"#,
    ] {
        let answer = parse::<SignInRequest>(body.replace("TOKEN", token).as_bytes())
            .expect_err("it is refused");

        let json = String::from_utf8(answer.to_json()).expect("JSON is text");

        assert!(!json.contains("Secret"), "{body} is repeated in {json}");
    }
}

#[test]
fn given_malformed_json_when_parsed_then_the_place_is_named_and_no_field() {
    for body in [
        "",
        "{",
        "{'subject': 1}",
        "{\"subject\": \"a\"} x",
        "{\"a\":}",
    ] {
        let (field, message) = refusal::<SignInRequest>(body);

        assert_eq!(field, "");
        assert!(message.contains("malformed at line 1"), "{body}: {message}");
    }
    let not_utf8 = b"{\"subject\": \"\xff\"}";
    assert!(parse::<SignInRequest>(not_utf8).is_err());
}

#[test]
fn given_what_is_no_object_when_parsed_then_it_is_refused() {
    for body in [r#"["alice"]"#, "null", "1", r#""alice""#, "  [\"alice\"]"] {
        assert_eq!(refusal::<SignInRequest>(body).1, "expected a JSON object");
    }
}

#[test]
fn given_an_object_at_the_depth_bound_when_parsed_then_one_level_more_is_refused() {
    let nested = |levels: usize| {
        let open = "[".repeat(levels - 2);
        let close = "]".repeat(levels - 2);
        format!(r#"{{"subject": "a", "attributes": {{"x": {open}{close}}}}}"#)
    };

    assert!(parse::<SignInRequest>(nested(DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(
        refusal::<SignInRequest>(&nested(DEPTH_MAX + 1)).1,
        "expected at most 32 levels"
    );
}

#[test]
fn given_brackets_inside_of_texts_when_parsed_then_they_are_no_depth() {
    let brackets = r#"[{\"\\"#.repeat(40);
    let body = format!(r#"{{"subject": "{brackets}"}}"#);

    assert!(parse::<SignInRequest>(body.as_bytes()).is_ok());
}

#[tokio::test]
async fn given_a_content_type_that_is_json_when_extracted_then_the_body_is_read() {
    for content_type in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
    ] {
        let request = request(Some(content_type), r#"{"token": "t"}"#);

        let body = Json::<CheckRequest>::from_request(request, &()).await;

        assert!(body.is_ok(), "{content_type} is JSON");
    }
}

#[tokio::test]
async fn given_a_content_type_that_is_not_json_when_extracted_then_the_answer_is_415() {
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=latin1"),
        Some("application/jsonp"),
        Some("application/json, text/plain"),
    ] {
        let request = request(content_type, r#"{"token": "t"}"#);

        let refusal = Json::<CheckRequest>::from_request(request, &())
            .await
            .expect_err("it is refused");

        assert_eq!(
            refusal.into_response().status(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{content_type:?} is not JSON"
        );
    }
}

#[tokio::test]
async fn given_a_compressed_body_when_extracted_then_the_answer_is_415() {
    let mut request = request(Some("application/json"), "{}");
    let gzip = HeaderValue::from_static("gzip");
    request.headers_mut().insert(CONTENT_ENCODING, gzip);

    let refusal = Json::<CheckRequest>::from_request(request, &())
        .await
        .expect_err("it is refused");

    assert_eq!(refusal.problem().code(), ProblemCode::UnsupportedMediaType);
}

#[tokio::test]
async fn given_no_body_where_it_may_be_left_out_when_extracted_then_the_default_is_taken() {
    for content_type in [None, Some("application/json")] {
        let request = request(content_type, "");

        let OptionalJson(body) =
            OptionalJson::<CredentialChangedRequest>::from_request(request, &())
                .await
                .expect("nothing is fine");

        assert!(body.keep.is_none());
    }
}

#[tokio::test]
async fn given_a_body_where_it_may_be_left_out_when_extracted_then_the_rules_hold_for_it() {
    let good = request(Some("application/json"), r#"{"keep": "ik_x"}"#);
    let untyped = request(None, r#"{"keep": "ik_x"}"#);
    let unknown = request(Some("application/json"), r#"{"kept": "ik_x"}"#);

    assert!(
        OptionalJson::<CredentialChangedRequest>::from_request(good, &())
            .await
            .is_ok_and(|OptionalJson(body)| body.keep.is_some())
    );
    for bad in [untyped, unknown] {
        assert!(
            OptionalJson::<CredentialChangedRequest>::from_request(bad, &())
                .await
                .is_err()
        );
    }
}

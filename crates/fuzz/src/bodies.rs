//! Bodies of requests, read as requests read them.

use innkeeper_api as api;
use innkeeper_api::ProblemCode;
use innkeeper_http::json::{self, DEPTH_MAX};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Tally;

/// The body of each call that has one, but for policies.
pub fn body(data: &[u8], tally: &mut Tally) {
    again::<api::SignInRequest>("sign-ins", data, tally);
    again::<api::CheckRequest>("checks", data, tally);
    again::<api::CheckBatchRequest>("batches of checks", data, tally);
    again::<api::RotateRequest>("rotations", data, tally);
    again::<api::ReauthenticatedRequest>("reauthentications", data, tally);
    again::<api::SubjectPatch>("patches of subjects", data, tally);
    again::<api::FailureRequest>("failures", data, tally);
    again::<api::CredentialChangedRequest>("changes of credentials", data, tally);
    again::<api::DevicePatch>("patches of devices", data, tally);
    again::<api::OwnDevicePatch>("patches of own devices", data, tally);
    again::<api::KeyCreateRequest>("keys", data, tally);
    again::<api::UserCreateRequest>("users", data, tally);
    again::<api::PasswordRequest>("passwords", data, tally);
    again::<api::RevocationRequest>("revocations", data, tally);
    again::<api::EndSessionsQuery>("orders to end", data, tally);
}

/// Reads, writes and reads again. What is refused is refused as what the caller can mend.
fn again<T: DeserializeOwned + Serialize>(kind: &'static str, data: &[u8], tally: &mut Tally) {
    let read = json::parse::<T>(data);
    if let Err(refusal) = &read {
        assert_eq!(refusal.problem().code(), ProblemCode::InvalidRequest);
    }
    let Some(read) = tally.read(kind, read) else {
        return;
    };
    let tree: Value = serde_json::from_slice(data).expect("what was taken is JSON");
    assert!(tree.is_object() && depth(&tree) <= DEPTH_MAX);
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let reread: T = json::parse(&written).expect("what we wrote can be read");
    let rewritten = serde_json::to_vec(&reread).expect("what was read can be written");
    assert_eq!(written, rewritten);
}

/// How deep lists and objects lie in each other.
fn depth(tree: &Value) -> usize {
    let below = match tree {
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    1 + below.unwrap_or_default()
}

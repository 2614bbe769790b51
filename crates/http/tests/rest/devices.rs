//! Devices: recognised, listed, named, trusted, ended, and what they protect and bind.

use http::{Method, StatusCode};
use innkeeper_domain::policy::{BindTo, Overflow, Policy, SameDevice, UnseenDevice};
use serde_json::json;

use crate::support::{Answer, Desk, MINUTE, OURS, desk, desk_with, policy};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Signs in with what a browser sends: its device token, if it has one.
async fn arrive(desk: &Desk, subject: &str, device: Option<&str>) -> Answer {
    let mut body = json!({"subject": subject, "user_agent": FIREFOX});
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    desk.post("/v1/sessions", body).await
}

async fn check(desk: &Desk, token: &str, device: Option<&str>) -> Answer {
    let mut body = json!({"token": token});
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    desk.post("/v1/check", body).await
}

/// Tells of a second factor that was given in the session of `token`.
async fn proved(desk: &Desk, token: &str, device: Option<&str>) -> Answer {
    let mut body = json!({"token": token, "methods": ["otp"], "assurance": 2});
    if let Some(device) = device {
        body["device_token"] = json!(device);
    }
    desk.post("/v1/sessions/reauthenticated", body).await
}

/// One's own call by the session cookie, with the device cookie of that session beside it.
async fn own(desk: &Desk, method: Method, path: &str, by: &Answer) -> Answer {
    let (token, device) = (by.word("/token"), by.word("/device/token"));
    let tag = &by.word("/session/id")["ses_".len()..][..8];
    let cookies = format!("__Host-innkeeper={token}; __Host-innkeeper-device-{tag}={device}");
    let call = desk.call(method, path).header("cookie", &cookies);
    call.origin(OURS).send().await
}

fn binding() -> Policy {
    let mut policy = policy(5, Overflow::EvictLeastRecent);
    policy.terms.binding = BindTo::Device;
    policy
}

#[tokio::test]
async fn given_a_device_token_when_presented_again_then_the_device_is_known_and_not_told_of() {
    let desk = desk().await;
    let first = arrive(&desk, "alice", None).await;

    let again = arrive(&desk, "alice", Some(first.word("/device/token"))).await;

    assert_eq!(first.json["device"]["known"], false);
    assert_eq!(first.json["notices"], json!(["unseen_device"]));
    assert_eq!(again.json["device"]["known"], true);
    assert_eq!(again.json["notices"], json!([]));
    for member in ["id", "token"] {
        assert_eq!(again.json["device"][member], first.json["device"][member]);
    }
    assert_eq!(again.word("/session/device/name"), "Firefox on Linux");
    assert_eq!(again.word("/previous_sign_in/device"), "Firefox on Linux");
    // The same client on the same device: the newcomer has its seat.
    assert_eq!(again.json["ended"][0]["id"], first.json["session"]["id"]);
    assert_eq!(again.json["ended"][0]["end_reason"], "superseded");
}

#[tokio::test]
async fn given_a_device_token_of_another_subject_when_presented_then_the_device_is_unknown() {
    let desk = desk().await;
    let bobs = arrive(&desk, "bob", None).await;
    for text in [bobs.word("/device/token"), "ikd_x", bobs.word("/device/id")] {
        let alices = arrive(&desk, "alice", Some(text)).await;

        assert_eq!(alices.json["device"]["known"], false, "{text}");
        assert_ne!(alices.json["device"]["token"], bobs.json["device"]["token"]);
        assert_ne!(alices.json["device"]["id"], bobs.json["device"]["id"]);
    }
}

#[tokio::test]
async fn s10_given_an_idempotency_key_when_repeated_then_the_device_is_the_same_also_once_gone() {
    let desk = desk().await;
    let admit = || {
        let call = desk.call(Method::POST, "/v1/sessions").bearer(&desk.admin);
        call.header("idempotency-key", "0123456789abcdef-devices")
            .json(&json!({"subject": "alice"}))
            .send()
    };
    let first = admit().await;
    let second = admit().await;
    assert_eq!(second.json["device"], first.json["device"]);

    // Its device is forgotten, and with it the session that would be given again.
    let id = first.word("/device/id");
    let _ = desk
        .delete(&format!("/v1/subjects/alice/devices/{id}"))
        .await;

    admit().await.assert_problem(409, "already-used");
}

#[tokio::test]
async fn given_devices_when_listed_named_trusted_and_ended_then_the_list_says_so() {
    let desk = desk().await;
    let first = arrive(&desk, "alice", None).await;
    desk.clock.pass(MINUTE);
    let second = arrive(&desk, "alice", None).await;
    let path = format!("/v1/subjects/alice/devices/{}", first.word("/device/id"));

    let named = desk.patch(&path, json!({"name": " Kitchen <b> "})).await;
    let trusted = desk.post(&format!("{path}/trust"), json!({})).await;
    let list = desk.get("/v1/subjects/alice/devices").await;

    assert_eq!(named.json["name"], "Kitchen <b>");
    assert_eq!(trusted.status, StatusCode::OK, "{}", trusted.text);
    let devices = list.json["devices"].as_array().expect("a list");
    let ids: Vec<_> = devices.iter().map(|d| &d["id"]).collect();
    assert_eq!(
        ids,
        [&second.json["device"]["id"], &first.json["device"]["id"]]
    );
    assert_eq!(devices[1]["name"], "Kitchen <b>");
    assert_eq!(devices[1]["trusted"], true);
    assert_eq!(devices[1]["class"], "desktop");
    assert_eq!(devices[1]["sessions"], 1);

    let distrusted = desk.delete(&format!("{path}/trust")).await;
    assert_eq!(distrusted.json["trusted"], false);
    let ended = desk.delete(&path).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let dead = check(&desk, first.word("/token"), None).await;
    assert_eq!(dead.json["reason"], "revoked_by_admin");
    assert_eq!(
        check(&desk, second.word("/token"), None).await.status,
        StatusCode::OK
    );
    desk.delete(&path).await.assert_problem(404, "not-found");
    let known = arrive(&desk, "alice", Some(first.word("/device/token"))).await;
    assert_eq!(known.json["device"]["known"], false, "it is forgotten");
}

#[tokio::test]
async fn s7_given_a_device_of_another_subject_when_named_then_it_is_absent_for_every_call() {
    let desk = desk().await;
    let bobs = arrive(&desk, "bob", None).await;
    let alice = arrive(&desk, "alice", None).await;
    let id = bobs.word("/device/id");
    let path = format!("/v1/subjects/alice/devices/{id}");

    desk.delete(&path).await.assert_problem(404, "not-found");
    let trust = desk.post(&format!("{path}/trust"), json!({})).await;
    trust.assert_problem(404, "not-found");
    let name = desk.patch(&path, json!({"name": "mine"})).await;
    name.assert_problem(404, "not-found");
    let path = format!("/me/devices/{id}");
    let own = own(&desk, Method::DELETE, &path, &alice).await;
    own.assert_problem(404, "not-found");
    assert_eq!(
        check(&desk, bobs.word("/token"), None).await.status,
        StatusCode::OK
    );
    let by_id = desk.delete(&format!("/v1/devices/{id}?tenant=other")).await;
    by_id.assert_problem(404, "not-found");
    let by_id = desk.delete(&format!("/v1/devices/{id}")).await;
    assert_eq!(by_id.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.live("bob").await, 0);
}

#[tokio::test]
async fn given_a_name_that_does_not_fit_when_a_device_is_renamed_then_it_is_422() {
    let desk = desk().await;
    let alice = arrive(&desk, "alice", None).await;
    let path = format!("/v1/subjects/alice/devices/{}", alice.word("/device/id"));
    for name in [
        "",
        " ",
        "a\nb",
        "a\u{202e}b",
        &"x".repeat(65),
        &"x".repeat(257),
    ] {
        desk.patch(&path, json!({"name": name}))
            .await
            .assert_invalid("name");
    }
}

#[tokio::test]
async fn given_a_policy_that_refuses_unseen_devices_when_one_signs_in_then_nothing_changes() {
    let mut refusing = policy(5, Overflow::EvictLeastRecent);
    refusing.terms.unseen_device = UnseenDevice::Refuse;
    let desk = desk_with(refusing).await;

    arrive(&desk, "alice", None)
        .await
        .assert_problem(403, "device-not-trusted");

    assert_eq!(desk.live("alice").await, 0);
    let list = desk.get("/v1/subjects/alice/devices").await;
    assert_eq!(list.json["devices"], json!([]));
}

#[tokio::test]
async fn given_a_bound_session_when_its_token_comes_without_the_device_then_it_ends_at_the_third() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let other = arrive(&desk, "alice", None).await;
    let (token, device) = (alice.word("/token"), alice.word("/device/token"));
    assert_eq!(alice.word("/session/binding"), "device_cookie");

    check(&desk, token, None)
        .await
        .assert_problem(403, "device-mismatch");
    let with = check(&desk, token, Some(device)).await;
    assert_eq!(with.status, StatusCode::OK, "{}", with.text);
    let wrong = check(&desk, token, Some(other.word("/device/token"))).await;
    wrong.assert_problem(403, "device-mismatch");
    let third = desk.call(Method::GET, "/me").cookie(token).send().await;
    third.assert_problem(403, "device-mismatch");

    let after = check(&desk, token, Some(device)).await;
    after.assert_problem(401, "no-session");
    assert_eq!(after.json["reason"], "device_mismatch");
    assert_eq!(after.json["ended_by"], "system");
    let events = desk.get("/v1/events").await;
    let told = |kind: &str| {
        let events = events.json["events"].as_array().expect("a list");
        events.iter().filter(|e| e["type"] == kind).count()
    };
    assert_eq!(told("risk.device_mismatch"), 3);
    assert_eq!(told("device.new"), 2);
}

/// A client that sends its token by hand has no cookies to send: three of its calls ended its own
/// session.
#[tokio::test]
async fn given_a_bound_session_when_it_is_asked_for_by_bearer_then_it_is_refused_and_not_counted() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let (token, device) = (alice.word("/token"), alice.word("/device/token"));

    for path in ["/me", "/me/sessions", "/me/devices", "/me?passive=true"] {
        let answer = desk.call(Method::GET, path).bearer(token).send().await;
        answer.assert_problem(403, "device-mismatch");
    }

    let after = check(&desk, token, Some(device)).await;
    assert_eq!(after.status, StatusCode::OK, "{}", after.text);
    for _ in 0..3 {
        let answer = desk.call(Method::GET, "/me").cookie(token).send().await;
        answer.assert_problem(403, "device-mismatch");
    }
    let after = check(&desk, token, Some(device)).await;
    assert_eq!(after.json["reason"], "device_mismatch");
}

#[tokio::test]
async fn given_an_old_authentication_when_a_device_is_renamed_then_it_takes_no_fresh_one() {
    let desk = desk().await;
    let alice = arrive(&desk, "alice", None).await;
    desk.clock.pass(16 * MINUTE);
    let path = format!("/me/devices/{}", alice.word("/device/id"));
    let call = |method| desk.call(method, &path).bearer(alice.word("/token"));

    let renamed = call(Method::PATCH).json(&json!({"name": "Kitchen"}));
    let ended = call(Method::DELETE);

    assert_eq!(renamed.send().await.json["name"], "Kitchen");
    ended.send().await.assert_problem(401, "step-up-required");
}

#[tokio::test]
async fn given_mismatches_at_once_when_a_bound_session_is_checked_then_three_count_and_no_more() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;

    let answers =
        futures_util::future::join_all((0..8).map(|_| check(&desk, alice.word("/token"), None)))
            .await;

    let refused = answers.iter().filter(|a| a.status == StatusCode::FORBIDDEN);
    assert_eq!(refused.count(), 3);
    let ended = answers
        .iter()
        .filter(|a| a.json["reason"] == "device_mismatch");
    assert_eq!(ended.count(), 5);
}

#[tokio::test]
async fn given_a_bound_session_when_it_is_rotated_and_reauthenticated_then_it_stays_bound() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let device = alice.word("/device/token");
    let body = json!({"token": alice.word("/token"), "device_token": device});
    let renewed = desk.post("/v1/sessions/rotate", body).await;
    let raised = proved(&desk, renewed.word("/token"), Some(device)).await;

    let token = raised.word("/token");
    check(&desk, token, None)
        .await
        .assert_problem(403, "device-mismatch");
    assert_eq!(
        check(&desk, token, Some(device)).await.status,
        StatusCode::OK
    );
    assert_eq!(raised.word("/session/binding"), "device_cookie");
}

/// Whoever stole the token of a bound session had it renewed, and its assurance raised, by an
/// application that passed on what came: neither call asked for the device.
#[tokio::test]
async fn given_a_stolen_token_of_a_bound_session_when_it_asks_for_the_next_one_then_it_is_refused_and_counted()
 {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let other = arrive(&desk, "alice", None).await;
    let (token, device) = (alice.word("/token"), alice.word("/device/token"));

    let bare = json!({"token": token});
    let first = desk.post("/v1/sessions/rotate", bare).await;
    let second = proved(&desk, token, Some(other.word("/device/token"))).await;
    let still = check(&desk, token, Some(device)).await;
    let garbled = json!({"token": token, "device_token": "ikd_"});
    let third = desk.post("/v1/sessions/rotate", garbled).await;

    for refused in [first, second, third] {
        refused.assert_problem(403, "device-mismatch");
    }
    assert_eq!(still.status, StatusCode::OK, "{}", still.text);
    assert_eq!(still.json["session"]["methods"], json!([]));
    let after = desk
        .post(
            "/v1/sessions/rotate",
            json!({"token": token, "device_token": device}),
        )
        .await;
    after.assert_problem(401, "no-session");
    assert_eq!(after.json["reason"], "device_mismatch");
    let events = desk.get("/v1/events").await;
    let events = events.json["events"].as_array().expect("a list");
    let counted = events
        .iter()
        .filter(|e| e["type"] == "risk.device_mismatch");
    assert_eq!(counted.count(), 3);
}

#[tokio::test]
async fn given_an_owner_who_proved_more_when_a_copy_repeats_the_call_without_the_device_then_it_gets_nothing()
 {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let (token, device) = (alice.word("/token"), alice.word("/device/token"));
    let raised = proved(&desk, token, Some(device)).await;

    for _ in 0..4 {
        let copy = proved(&desk, token, None).await;
        copy.assert_problem(401, "no-session");
        assert_eq!(copy.json["reason"], "unknown");
    }

    let again = proved(&desk, token, Some(device)).await;
    assert_eq!(again.json["token"], raised.json["token"], "{}", again.text);
}

#[tokio::test]
async fn given_a_bound_session_to_keep_when_a_credential_changed_then_it_is_kept_with_its_device_only()
 {
    let desk = desk_with(binding()).await;
    let path = "/v1/subjects/alice/credential-changed";
    let alice = arrive(&desk, "alice", None).await;
    let body = json!({"keep": alice.word("/token"), "device_token": alice.word("/device/token")});

    let kept = desk.post(path, body).await;
    let bare = desk.post(path, json!({"keep": kept.word("/token")})).await;

    assert_eq!(kept.json["ended"], 0, "{}", kept.text);
    assert_eq!(kept.json["session"]["id"], alice.json["session"]["id"]);
    assert_eq!(bare.json, json!({"ended": 1}));
    assert_eq!(desk.live("alice").await, 0);
}

#[tokio::test]
async fn given_a_bound_session_when_its_holder_calls_then_the_device_cookie_is_read() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;

    for prefix in ["", "/_innkeeper"] {
        let me = own(&desk, Method::GET, &format!("{prefix}/me/devices"), &alice).await;

        assert_eq!(me.status, StatusCode::OK, "{}", me.text);
        assert_eq!(me.json["devices"][0]["current"], true);
    }
}

#[tokio::test]
async fn given_a_bound_session_when_it_is_introspected_then_it_is_inactive_and_nobody_is_blamed() {
    let desk = desk_with(binding()).await;
    let alice = arrive(&desk, "alice", None).await;
    let (token, device) = (alice.word("/token"), alice.word("/device/token"));
    let oauth = |path: &'static str| {
        let call = desk.call(Method::POST, path).bearer(&desk.admin);
        call.form(&format!("token={token}")).send()
    };

    for _ in 0..4 {
        let told = oauth("/oauth/introspect").await;
        assert_eq!(told.json, json!({"active": false}));
    }
    assert_eq!(
        check(&desk, token, Some(device)).await.status,
        StatusCode::OK
    );
    assert_eq!(oauth("/oauth/revoke").await.status, StatusCode::OK);

    assert_eq!(
        desk.live("alice").await,
        0,
        "to revoke takes the token alone"
    );
}

/// A thief with the password has signed in on a device of the thief's, and is in the house for a
/// day before it counts.
#[tokio::test]
async fn given_a_trusted_session_when_a_newcomer_elsewhere_would_end_it_then_it_is_protected() {
    let mut policy = policy(5, Overflow::EvictLeastRecent);
    policy.terms.same_device = SameDevice::Count;
    let desk = desk_with(policy).await;
    let owner = arrive(&desk, "alice", None).await;
    let trust = own(&desk, Method::POST, "/me/devices/current/trust", &owner).await;
    assert_eq!(trust.json["trusted"], true, "{}", trust.text);
    desk.clock.pass(MINUTE);
    let thief = arrive(&desk, "alice", None).await;
    let session = format!("/me/sessions/{}", owner.word("/session/id"));
    let device = format!("/me/devices/{}", owner.word("/device/id"));

    let assert_protected = async || {
        for path in [session.as_str(), "/me/sessions", device.as_str()] {
            let answer = own(&desk, Method::DELETE, path, &thief).await;
            answer.assert_problem(403, "device-not-trusted");
        }
    };
    assert_protected().await;
    // The thief's own word for the thief's own device changes nothing of it.
    let trust = own(&desk, Method::POST, "/me/devices/current/trust", &thief).await;
    assert_eq!(trust.status, StatusCode::OK);
    assert_protected().await;

    assert_eq!(desk.live("alice").await, 2);
    let path = format!("/me/sessions/{}", thief.word("/session/id"));
    let ended = own(&desk, Method::DELETE, &path, &owner).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
    let admin = desk
        .delete(&format!("/v1/sessions/{}", owner.word("/session/id")))
        .await;
    assert_eq!(
        admin.status,
        StatusCode::NO_CONTENT,
        "an administrator always can"
    );
}

#[tokio::test]
async fn v4_given_stronger_evidence_when_a_newcomer_would_end_a_trusted_session_then_it_may() {
    let desk = desk().await;
    let owner = arrive(&desk, "alice", None).await;
    let _ = own(&desk, Method::POST, "/me/devices/current/trust", &owner).await;
    let body = json!({"subject": "alice", "methods": ["hwk"], "assurance": 3});
    let strong = desk.post("/v1/sessions", body).await;

    let path = format!("/me/sessions/{}", owner.word("/session/id"));
    let ended = own(&desk, Method::DELETE, &path, &strong).await;

    assert_eq!(ended.status, StatusCode::NO_CONTENT, "{}", ended.text);
}

#[tokio::test]
async fn given_only_protected_sessions_in_the_seats_when_somebody_arrives_then_it_is_409() {
    let desk = desk_with(policy(1, Overflow::EvictLeastRecent)).await;
    let owner = arrive(&desk, "alice", None).await;
    let _ = own(&desk, Method::POST, "/me/devices/current/trust", &owner).await;

    let refused = arrive(&desk, "alice", None).await;

    refused.assert_problem(409, "session-limit");
    assert_eq!(
        check(&desk, owner.word("/token"), None).await.status,
        StatusCode::OK
    );
    let again = arrive(&desk, "alice", Some(owner.word("/device/token"))).await;
    assert_eq!(
        again.status,
        StatusCode::CREATED,
        "the owner has the own seat"
    );
}

/// A helper acted as alice, and what it did stood in the journal as her own doing: a device that
/// she trusts, and her other sessions ended.
#[tokio::test]
async fn given_an_impersonation_when_it_orders_as_the_owner_would_then_it_is_403_and_nothing_is_done()
 {
    let desk = desk().await;
    let own_device = arrive(&desk, "alice", None).await;
    let body = json!({"subject": "alice", "class": "impersonation", "actor": "help"});
    let helper = desk.post("/v1/sessions", body).await;
    let (others, one) = (
        own_device.word("/session/id"),
        own_device.word("/device/id"),
    );
    for (method, path) in [
        (Method::POST, "/me/devices/current/trust".to_owned()),
        (Method::DELETE, format!("/me/devices/{one}")),
        (Method::DELETE, format!("/me/sessions/{others}")),
        (Method::DELETE, "/me/sessions".to_owned()),
    ] {
        let answer = own(&desk, method, &path, &helper).await;
        answer.assert_problem(403, "forbidden");
    }
    let call = desk.call(Method::PATCH, &format!("/me/devices/{one}"));
    let call = call.bearer(helper.word("/token"));
    let renamed = call.json(&json!({"name": "Mine"})).send().await;
    renamed.assert_problem(403, "forbidden");
    assert_eq!(desk.live("alice").await, 2);
    let devices = desk.get("/v1/subjects/alice/devices").await;
    assert_eq!(devices.json["devices"].as_array().map(Vec::len), Some(1));

    let again = arrive(&desk, "alice", Some(helper.word("/device/token"))).await;
    assert_eq!(again.json["device"]["known"], false);
    let signed_out = own(&desk, Method::POST, "/me/logout", &helper).await;
    assert_eq!(signed_out.status, StatusCode::NO_CONTENT);
}

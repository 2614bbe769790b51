//! What a client may say in headers: who it is, where it comes from, by which credential.

use super::{
    Aim, BOTH, CREDENTIALS, FORWARDED, IDENTITIES, IDENTITY, MARKER, MARKER_IP, Trick, with_headers,
};

/// Headers that say who it is, in every spelling.
pub(super) fn identity() -> Vec<Trick> {
    let mut tricks = Vec::new();
    for name in IDENTITIES {
        let (lower, upper) = (name.to_ascii_lowercase(), name.to_ascii_uppercase());
        let under = name.replace('-', "_");
        let long = "x".repeat(6000);
        for (how, headers) in [
            ("as it is written", format!("{name}: {MARKER}\r\n")),
            ("in lower case", format!("{lower}: {MARKER}\r\n")),
            ("in upper case", format!("{upper}: {MARKER}\r\n")),
            ("with an underscore", format!("{under}: {MARKER}\r\n")),
            (
                "with an underscore, in lower case",
                format!("{}: {MARKER}\r\n", under.to_ascii_lowercase()),
            ),
            (
                "with an underscore, in upper case",
                format!("{}: {MARKER}\r\n", under.to_ascii_uppercase()),
            ),
            ("twice", format!("{name}: {MARKER}\r\n{name}: {MARKER}\r\n")),
            (
                "twice, in two spellings",
                format!("{lower}: {MARKER}\r\n{under}: {MARKER}\r\n"),
            ),
            ("empty", format!("{name}:\r\n")),
            ("empty and full", format!("{name}:\r\n{name}: {MARKER}\r\n")),
            ("oversize", format!("{name}: {MARKER}{long}\r\n")),
            (
                "with a tab before the value",
                format!("{name}:\t{MARKER}\r\n"),
            ),
            (
                "with a space before the colon",
                format!("{name} : {MARKER}\r\n"),
            ),
            ("with a space in front", format!(" {name}: {MARKER}\r\n")),
            (
                "folded behind another",
                format!("X-A: b\r\n {name}: {MARKER}\r\n"),
            ),
            ("folded behind itself", format!("{name}:\r\n {MARKER}\r\n")),
            (
                "behind a bare line feed",
                format!("X-A: b\n{name}: {MARKER}\r\n"),
            ),
            (
                "behind a bare carriage return",
                format!("X-A: b\r{name}: {MARKER}\r\n"),
            ),
            (
                "with a byte beyond ASCII",
                format!("{name}\u{a0}: {MARKER}\r\n"),
            ),
            ("named in Connection", format!("Connection: {name}\r\n")),
            (
                "made up, and named in Connection",
                format!("{name}: {MARKER}\r\nConnection: keep-alive, {name}\r\n"),
            ),
        ] {
            tricks.push(with_headers(IDENTITY, format!("{name} {how}"), &headers));
        }
    }
    let all = IDENTITIES
        .map(|name| format!("{name}: {MARKER}\r\n"))
        .concat();
    tricks.push(with_headers(IDENTITY, "every header at once".into(), &all));
    let listed = format!("Connection: {}\r\n", IDENTITIES.join(", "));
    tricks.push(with_headers(
        IDENTITY,
        "every header named in Connection".into(),
        &listed,
    ));
    tricks
}

/// Headers that say where it comes from, or what it asks for.
pub(super) fn forwarded() -> Vec<Trick> {
    let mut tricks = Vec::new();
    for (name, value) in [
        ("X-Forwarded-For", MARKER_IP),
        ("X-Forwarded-Host", "mallory.example"),
        ("X-Forwarded-Method", "mallory"),
        ("X-Forwarded-Prefix", "/mallory"),
        ("X-Forwarded-Proto", "mallory"),
        ("X-Forwarded-Uri", "/static/mallory.css"),
        ("X-Forwarded-Uri", "/_innkeeper/sign-in?mallory"),
        ("X-Forwarded-User", "mallory"),
        ("X-Original-Method", "mallory"),
        ("X-Original-URI", "/static/mallory.css"),
        ("X-Original-URL", "/mallory"),
        ("X-Rewrite-URL", "/mallory"),
        ("X-Real-IP", MARKER_IP),
        ("Forwarded", "for=203.0.113.66;host=mallory"),
    ] {
        let under = name.replace('-', "_");
        for (how, headers) in [
            ("made up", format!("{name}: {value}\r\n")),
            (
                "in lower case",
                format!("{}: {value}\r\n", name.to_ascii_lowercase()),
            ),
            ("with underscores", format!("{under}: {value}\r\n")),
            ("twice", format!("{name}: {value}\r\n{name}: {value}\r\n")),
            (
                "named in Connection",
                format!("{name}: {value}\r\nConnection: {name}\r\n"),
            ),
        ] {
            tricks.push(with_headers(FORWARDED, format!("{name} {how}"), &headers));
        }
    }
    tricks
}

/// Credentials that are none, or more than one.
pub(super) fn credentials() -> Vec<Trick> {
    let cookie = "__Host-innkeeper";
    let nowhere = |name: &str, lines: String| Trick {
        check: CREDENTIALS,
        name: name.to_owned(),
        senders: BOTH,
        aim: Aim::Nowhere,
        template: format!(
            "GET /innkeeper-doctor HTTP/1.1\r\n{{host}}{lines}Connection: close\r\n\r\n"
        ),
    };
    vec![
        nowhere(
            "a token that was made up",
            "Authorization: Bearer ik_mallory\r\n".into(),
        ),
        nowhere("an empty token", "Authorization: Bearer \r\n".into()),
        nowhere(
            "a user and a password",
            "Authorization: Basic bWFsbG9yeTptYWxsb3J5\r\n".into(),
        ),
        nowhere(
            "a cookie that was made up",
            format!("Cookie: {cookie}=ik_mallory\r\n"),
        ),
        nowhere(
            "the cookie twice in a line",
            format!("Cookie: {cookie}={{token}}; {cookie}=ik_mallory\r\n"),
        ),
        nowhere(
            "the cookie twice, made up first",
            format!("Cookie: {cookie}=ik_mallory; {cookie}={{token}}\r\n"),
        ),
        nowhere(
            "the cookie in two lines",
            format!("Cookie: {cookie}={{token}}\r\nCookie: {cookie}=ik_mallory\r\n"),
        ),
        nowhere(
            "the same cookie twice",
            format!("Cookie: {cookie}={{token}}; {cookie}={{token}}\r\n"),
        ),
        nowhere(
            "a cookie and a token",
            format!("Authorization: Bearer {{token}}\r\nCookie: {cookie}={{token}}\r\n"),
        ),
        nowhere(
            "the token twice",
            "Authorization: Bearer {token}\r\nAuthorization: Bearer ik_mallory\r\n".into(),
        ),
        nowhere(
            "the cookie in another case",
            "Cookie: __host-innkeeper={token}\r\n".into(),
        ),
        nowhere(
            "the cookie with a space",
            format!("Cookie: {cookie} ={{token}}\r\n"),
        ),
        nowhere("the token in another header", "X-Token: {token}\r\n".into()),
        Trick {
            aim: Aim::Passes,
            ..nowhere(
                "the cookie alone",
                format!("Cookie: {cookie}={{token}}; {{device}}\r\n"),
            )
        },
    ]
}

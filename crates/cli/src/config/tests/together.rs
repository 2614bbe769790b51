//! What settings say together.

use innkeeper_http::forward_auth::PublicPath;

use super::{given, nothing};

#[test]
fn given_settings_of_a_shared_store_when_the_store_is_embedded_then_they_are_refused() {
    for setting in [
        "lease = \"1s\"",
        "url = \"postgres://x\"",
        "url_file = \"x\"",
    ] {
        let key = setting.split(' ').next().expect("it has a key");

        let told = given(format!("[store]\n{setting}\n")).refused();

        assert_eq!(told.len(), 1, "{told:?}");
        let place = format!("c.toml:2:{}: store.{key}: ", key.len() + 4);
        assert!(told[0].starts_with(&place), "{told:?}");
        assert!(
            told[0].ends_with("leave it out") || told[0].contains("leave it out, or"),
            "{told:?}"
        );
        let url = if key == "lease" {
            "url_file = \"x\""
        } else {
            ""
        };
        given(format!("[store]\nkind = \"postgres\"\n{setting}\n{url}\n")).accepted();
    }
    // It asks for what happens anyway.
    given("[store]\nlease = \"0s\"\n").accepted();
}

#[test]
fn given_accepted_snapshots_when_the_store_is_no_redis_then_they_are_refused() {
    for kind in ["embedded", "postgres"] {
        let told = given(format!(
            "[store]\nkind = \"{kind}\"\nallow_snapshots = true\n"
        ))
        .refused();

        let told: Vec<_> = told.iter().filter(|line| !line.contains("needs")).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("c.toml:3:19: store.allow_snapshots: is for stores of kind"));
    }
    given("[store]\nkind = \"redis\"\nurl_file = \"x\"\nallow_snapshots = true\n").accepted();
    given("[store]\nallow_snapshots = false\n").accepted();
}

#[test]
fn given_a_wrong_kind_of_store_when_loaded_then_what_belongs_to_it_is_not_complained_of() {
    let told = given("[store]\nkind = \"postgress\"\nlease = \"1s\"\n").refused();

    assert_eq!(told.len(), 1, "{told:?}");
}

/// `policy check` accepted it, and the start was refused.
#[test]
fn given_settings_of_which_one_lacks_another_when_loaded_then_the_place_of_the_one_is_told() {
    for (text, said) in [
        (
            "[server.tls]\ncert_file = \"c.pem\"\n",
            "c.toml:2:13: server.tls.key_file: is missing",
        ),
        (
            "[server.tls]\nkey_file = \"k.pem\"\n",
            "c.toml:2:12: server.tls.cert_file: is missing",
        ),
        (
            "[store]\nkind = \"postgres\"\n",
            "c.toml:2:8: store.url: is missing: store.kind = \"postgres\" needs",
        ),
        (
            "[store]\nkind = \"redis\"\n",
            "c.toml:2:8: store.url: is missing: store.kind = \"redis\" needs",
        ),
        (
            "[store]\nkind = \"redis\"\nurl = \"redis://x\"\nurl_file = \"x\"\n",
            "c.toml:4:12: store.url_file: is set beside store.url",
        ),
    ] {
        let told = given(text).refusal();

        assert!(told.starts_with(said), "{told}");
    }
    // One that is there and wrong is not missing.
    let told = given("[store]\nkind = \"redis\"\nulr = \"redis://x\"\n").refusal();
    assert!(told.contains("did you mean"), "{told}");
}

/// Everybody on the way could read the session, and browsers would not even keep its cookie.
#[test]
fn given_a_public_url_in_clear_when_it_leads_to_another_machine_then_there_is_a_warning() {
    let warned = |url: &str| {
        let config = given(format!("[server]\npublic_url = \"{url}\"\n")).accepted();
        let warnings = config.warnings();
        warnings.first().map(|warning| warning.place.clone())
    };
    let place = Some("server.public_url".to_owned());

    for far in [
        "http://app.example",
        "http://10.0.0.1:7070",
        "http://localhost.example",
    ] {
        assert_eq!(warned(far), place, "{far}");
    }
    for fine in [
        "https://app.example",
        "http://localhost:7070",
        "http://app.localhost",
        "http://127.0.0.1",
        "http://[::1]:7070",
    ] {
        assert_eq!(warned(fine), None, "{fine}");
    }
    assert_eq!(nothing().warnings(), []);
}

/// Every sign-in would have been refused as that of another site, or its cookie dropped.
#[test]
fn given_pages_that_no_browser_could_sign_in_on_when_loaded_then_they_are_refused() {
    let away = given("[server]\nlisten = \"0.0.0.0:80\"\n[gateway]\n").refusal();
    let in_clear = given("[server]\npublic_url = \"http://a.example\"\n[gateway]\n").refusal();

    let said = "c.toml:3:2: server.public_url: is missing: the sign-in page takes forms only from";
    assert!(away.starts_with(said), "{away}");
    let said = "c.toml:2:14: server.public_url: is plain http, by which browsers do not keep";
    assert!(in_clear.starts_with(said), "{in_clear}");
    for fine in [
        "[gateway]\n",
        "[server]\nlisten = \"0.0.0.0:80\"\npublic_url = \"https://a.example\"\n[gateway]\n",
        "[server]\npublic_url = \"http://127.0.0.1:8000\"\n[gateway]\n",
        "[server]\nlisten = \"0.0.0.0:80\"\n[gateway]\nsign_in = false\n",
    ] {
        given(fine).accepted();
    }
}

#[test]
fn given_the_gateway_when_its_section_stands_there_then_the_pages_are_on_unless_told_otherwise() {
    let is_on = |text: &str| given(text).accepted().gateway.is_on();

    assert!(!nothing().gateway.is_on());
    assert!(!is_on("[server]\n"));
    assert!(is_on("[gateway]\n"));
    assert!(is_on("[gateway]\nclient = \"portal\"\n"));
    assert!(!is_on("[gateway]\nsign_in = false\n"));
    let variable = |value: &str| given("[gateway]").with("INNKEEPER_GATEWAY__SIGN_IN", value);
    assert!(!variable("false").accepted().gateway.is_on());
    let alone = given("").with("INNKEEPER_GATEWAY__SIGN_IN", "true");
    assert!(alone.accepted().gateway.is_on());
    let written = given("\n[gateway]\n").accepted().effective_toml();
    assert!(written.contains("\nsign_in = true   # ") && written.contains("c.toml:2:2\n"));
}

#[test]
fn given_another_reading_when_compared_then_what_waits_for_a_restart_is_named() {
    let before = given("[policy]\nmax_sessions = 3\n").accepted();
    let after = given(
        "[server]\nlisten = \"127.0.0.1:8080\"\n[server.tls]\ncert_file = \"c\"\nkey_file = \"k\"\n\
         [store]\npath = \"elsewhere\"\n[journal]\nkeep = \"30d\"\n[log]\nlevel = \"warn\"\n[gateway]\n\
         [gateway.headers]\nuser = \"x-user\"\n[[gateway.public]]\npath = \"/static/\"\n\
         [policy]\nmax_sessions = 4\n",
    )
    .accepted();

    let waiting = before.waiting(&after);

    let named = [
        "server.listen",
        "server.tls.cert_file",
        "server.tls.key_file",
        "store.path",
        "journal.keep",
        "log.level",
        "gateway.sign_in",
        "gateway.headers.user",
        "gateway.public",
    ];
    assert_eq!(waiting, named);
    assert_eq!(before.waiting(&before), [""; 0]);
}

#[test]
fn given_paths_and_headers_of_a_gateway_when_loaded_then_those_that_cannot_be_meant_are_refused() {
    let config = given(
        "[gateway]\nsign_in = false\n[gateway.headers]\nuser = \"X-Auth-User\"\n\
         [[gateway.public]]\npath = \"/static/\"\n[[gateway.public]]\npath = \"/robots.txt\"\n",
    )
    .accepted();
    let public: Vec<_> = config.public.iter().map(PublicPath::as_str).collect();
    assert_eq!(public, ["/static/", "/robots.txt"]);
    assert_eq!(config.headers.user, "x-auth-user");
    for (text, said) in [
        (
            "[[gateway.public]]\npath = \"/\"\n",
            "every path would be public",
        ),
        (
            "[[gateway.public]]\npath = \"/a/../b\"\n",
            "it must begin with",
        ),
        ("[[gateway.public]]\n", "`path` is missing"),
        (
            "[gateway.headers]\nuser = \"Cookie\"\n",
            "a meaning of its own",
        ),
        (
            "[gateway.headers]\nuser = \"Remote_User\"\n",
            "letters, digits and hyphens",
        ),
        (
            "[gateway.headers]\nuser = \"remote-groups\"\n",
            "give each its own",
        ),
    ] {
        let refusal = given(text).refusal();
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}

//! `[[gateway.provider]]`: what it needs, and what it cannot be.

use std::time::Duration;

use super::given;

const GOOD: &str = "[server]\npublic_url = \"https://app.example\"\n[[gateway.provider]]\n\
                    name = \"acme\"\nissuer = \"https://id.example\"\nclient_id = \"innkeeper\"\n";

#[test]
fn given_the_least_of_a_provider_when_loaded_then_the_rest_is_as_the_book_tells() {
    let config = given(GOOD).accepted();

    let provider = &config.providers[0];
    assert_eq!(
        provider.name.as_ref().map(ToString::to_string).as_deref(),
        Some("acme")
    );
    assert_eq!(
        (provider.subject.as_str(), &provider.groups),
        ("sub", &None)
    );
    assert_eq!(provider.scopes, ["openid", "profile"]);
    assert_eq!(provider.max_age, Duration::from_hours(12));
    assert!(config.gateway.is_on(), "the section stands there");
    assert_eq!(
        given(config.effective_toml()).accepted().providers,
        config.providers
    );
}

#[test]
fn given_all_of_a_provider_when_loaded_then_it_is_read_and_its_secret_is_shown_nowhere() {
    let more = "client_secret = \"hunter2\"\nsubject = \"email\"\ngroups = \"roles\"\n\
                scopes = [\"openid\"]\nmax_age = \"15m\"\nacr_values = [\"phr\"]\n\
                assurance = [\"phr=2\", \"urn:a=b=3\"]\n";
    let config = given(format!("{GOOD}{more}")).accepted();

    let provider = &config.providers[0];
    let levels: Vec<_> = provider
        .assurance
        .iter()
        .map(|(a, l)| (&**a, l.get()))
        .collect();
    assert_eq!(levels, [("phr", 2), ("urn:a=b", 3)]);
    assert!(!config.effective_toml().contains("hunter2"));
    assert!(!format!("{provider:?}").contains("hunter2"));
}

#[test]
fn given_a_provider_that_lacks_something_when_loaded_then_it_says_what() {
    for (line, words) in [
        ("name = \"acme\"\n", "`name` is missing"),
        ("issuer = \"https://id.example\"\n", "`issuer` is missing"),
        ("client_id = \"innkeeper\"\n", "`client_id` is missing"),
        (
            "public_url = \"https://app.example\"\n",
            "server.public_url is missing",
        ),
    ] {
        let message = given(GOOD.replace(line, "")).refusal();

        assert!(message.contains(words), "{line}: {message}");
    }
}

#[test]
fn given_a_provider_that_cannot_be_when_loaded_then_it_says_why() {
    let issuer = |text: &str| GOOD.replace("https://id.example", text);
    let with = |more: &str| format!("{GOOD}{more}");
    for (text, words) in [
        (
            issuer("http://id.example"),
            "plain http is taken on loopback only",
        ),
        (
            issuer("https://hunter2@id.example"),
            "it must not hold a user name",
        ),
        (issuer("https://id.example?a=b"), "an issuer has no query"),
        (issuer("id.example"), "it is not an address"),
        (
            issuer("https://10.0.0.1"),
            "[outgoing] allow = [\\\"10.0.0.1:443\\\"]",
        ),
        (issuer("http://127.0.0.1:3000"), "[outgoing] allow"),
        (GOOD.replace("\"acme\"", "\"Acme\""), "small letters"),
        (
            with("scopes = [\"profile\"]\n"),
            "scopes without \\\"openid\\\"",
        ),
        (with("max_age = \"59s\"\n"), "too short"),
        (
            with("assurance = [\"phr\"]\n"),
            "does not end in = and a level",
        ),
        (
            with("assurance = [\"phr=0\"]\n"),
            "does not end in = and a level",
        ),
        (
            with("assurance = [\"phr=1\", \"phr=2\"]\n"),
            "is there twice",
        ),
        (
            with("client_secret = \"a\"\nclient_secret_file = \"b\"\n"),
            "leave one of them out",
        ),
        (
            with(
                "[[gateway.provider]]\nname = \"acme\"\nissuer = \"https://b\"\nclient_id = \"c\"\n",
            ),
            "has the name of another provider",
        ),
        (
            with(
                "[[gateway.provider]]\nname = \"b\"\nissuer = \"https://id.example\"\n\
                 client_id = \"innkeeper\"\n",
            ),
            "has the issuer and the client_id of another provider",
        ),
        (
            with("[gateway]\nsign_in = false\n"),
            "gateway.sign_in is false",
        ),
    ] {
        let message = given(&text).refusal();

        let words = words.replace("\\\"", "\"");
        assert!(message.contains(&words), "{text}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn given_a_provider_here_when_it_is_allowed_by_name_then_it_is_accepted() {
    let here = GOOD.replace("https://id.example", "http://127.0.0.1:3000");
    let text = format!("[outgoing]\nallow = [\"127.0.0.1:3000\"]\n{here}");

    let config = given(text).accepted();

    assert_eq!(config.providers.len(), 1);
}

#[test]
fn given_a_provider_that_changed_when_read_again_then_it_waits_for_a_restart() {
    let config = given(GOOD).accepted();

    let changed = given(GOOD.replace("innkeeper", "other")).accepted();
    assert_eq!(config.waiting(&changed), ["gateway.provider.client_id"]);
    let gone = given("[server]\npublic_url = \"https://app.example\"\n[gateway]\n").accepted();
    assert!(
        config
            .waiting(&gone)
            .contains(&"gateway.provider".to_owned())
    );
}

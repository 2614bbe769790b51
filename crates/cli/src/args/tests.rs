//! What the command line accepts, refuses and never repeats.

use std::path::Path;

use clap::CommandFactory;

use super::{Arguments, Command, KeysCommand, Scope, SessionsCommand, SubjectsCommand, read};

fn parsed(words: &[&str]) -> Command {
    match given(words) {
        Ok(arguments) => arguments.command,
        Err(error) => panic!("refused: {error}"),
    }
}

fn given(words: &[&str]) -> Result<Arguments, clap::Error> {
    read(["innkeeper"].iter().chain(words).map(Into::into))
}

/// The message as a terminal would get it, colours included, and the exit code.
fn refused(words: &[&str]) -> (String, i32) {
    let error = given(words).expect_err("this is wrong usage");
    (error.to_string(), error.exit_code())
}

/// The id of some session.
const SESSION: &str = "ses_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn given_the_definitions_when_checked_then_they_do_not_contradict_each_other() {
    Arguments::command().debug_assert();
}

#[test]
fn given_serve_alone_when_parsed_then_nothing_overrides_the_configuration() {
    let Command::Serve(serve) = parsed(&["serve"]) else {
        panic!("another command");
    };

    assert!(serve.config.is_none() && serve.listen.is_none() && serve.data.is_none());
    assert!(!serve.demo);
}

#[test]
fn given_all_options_of_serve_when_parsed_then_each_is_taken() {
    let words = [
        "serve", "--config", "a.toml", "--listen", "[::1]:0", "--data", "d", "--demo",
    ];

    let Command::Serve(serve) = parsed(&words) else {
        panic!("another command");
    };

    assert_eq!(serve.config.as_deref(), Some(Path::new("a.toml")));
    assert_eq!(
        serve.listen.map(|a| a.to_string()).as_deref(),
        Some("[::1]:0")
    );
    assert_eq!(serve.data.as_deref(), Some(Path::new("d")));
    assert!(serve.demo);
}

#[test]
fn given_a_client_command_alone_when_parsed_then_it_reaches_the_local_server_with_its_key() {
    let Command::Sessions(sessions) = parsed(&["sessions", "list", "alice"]) else {
        panic!("another command");
    };

    assert_eq!(sessions.client.server.to_string(), "http://127.0.0.1:7070");
    assert_eq!(
        sessions.client.key_file(),
        Path::new("innkeeper-data/admin.key")
    );
    assert_eq!(sessions.tenant, "default");
    assert!(!sessions.client.json);
    assert!(
        matches!(sessions.command, SessionsCommand::List(list) if list.subject() == Some("alice"))
    );
}

#[test]
fn given_client_options_before_or_after_the_subcommand_when_parsed_then_both_hold() {
    let options = [
        "--server",
        "https://auth.example/",
        "--data",
        "d",
        "--tenant",
        "t",
        "--json",
    ];
    let command = ["disable", "alice"];
    let before = [["subjects"].as_slice(), &options, &command].concat();
    let after = [["subjects"].as_slice(), &command, &options].concat();

    for words in [before, after] {
        let Command::Subjects(subjects) = parsed(&words) else {
            panic!("another command");
        };

        assert_eq!(subjects.client.server.to_string(), "https://auth.example");
        assert_eq!(subjects.client.key_file(), Path::new("d/admin.key"));
        assert_eq!(subjects.tenant, "t");
        assert!(subjects.client.json);
        assert!(matches!(subjects.command, SubjectsCommand::Disable { .. }));
    }
}

#[test]
fn given_a_key_file_when_parsed_then_it_holds_over_the_data_folder() {
    let Command::Keys(keys) = parsed(&["keys", "list", "--data", "d", "--key-file", "k"]) else {
        panic!("another command");
    };

    assert_eq!(keys.client.key_file(), Path::new("k"));
}

#[test]
fn given_scopes_in_any_form_when_parsed_then_all_are_taken() {
    for words in [
        [
            "keys", "create", "web", "--scope", "admit", "--scope", "check",
        ]
        .as_slice(),
        &["keys", "create", "web", "--scope", "admit", "check"],
        &["keys", "create", "--scope=admit,check", "web"],
    ] {
        let Command::Keys(keys) = parsed(words) else {
            panic!("another command");
        };
        let KeysCommand::Create { name, scopes, .. } = keys.command else {
            panic!("another command");
        };

        assert_eq!(name, "web");
        assert_eq!(scopes, [Scope::Admit, Scope::Check]);
    }
}

#[test]
fn given_wrong_usage_when_parsed_then_the_exit_code_is_2() {
    for words in [
        [].as_slice(),
        &["serv"],
        &["serve", "--port", "1"],
        &["serve", "--listen", "localhost:7070"],
        &["serve", "--data", ""],
        &["sessions"],
        &["sessions", "list"],
        &["sessions", "show", "alice"],
        &["sessions", "list", "alice", "--server", "ftp://x"],
        &["sessions", "list", "alice", "--server", "http://x/path"],
        &["keys", "create", "web"],
        &["keys", "create", "web", "--scope", "root"],
    ] {
        assert_eq!(refused(words).1, 2, "{words:?}");
    }
}

#[test]
fn given_help_when_asked_then_it_teaches_and_the_exit_code_is_0() {
    let (help, code) = refused(&["--help"]);

    assert_eq!(code, 0);
    for line in [
        "innkeeper serve --demo",
        "2  wrong usage or configuration",
        "5  inconclusive",
    ] {
        assert!(help.contains(line), "{line}");
    }
}

#[test]
fn given_hostile_text_when_refused_then_no_control_character_of_it_is_repeated() {
    let hostile = "x\u{1b}[31m\u{7}\r\nerror: forged\u{202e}";
    let option = format!("--{hostile}");

    for words in [
        [hostile].as_slice(),
        &["sessions", hostile],
        &["sessions", "list", hostile],
        &["sessions", "show", hostile],
        &["sessions", "list", "alice", hostile],
        &["sessions", "list", &option],
        &["serve", "--listen", hostile],
        &["keys", "create", "web", "--scope", hostile],
        &["sessions", "list", "alice", "--server", hostile],
    ] {
        let error = given(words).expect_err("this is wrong usage");

        // With styles, since without them every escape is taken away, theirs as well as ours.
        let message = error.render().ansi().to_string();

        for bad in [
            "\u{1b}[31m\u{7}",
            "\u{7}",
            "\r",
            "\nerror: forged",
            "\u{202e}",
        ] {
            assert!(!message.contains(bad), "{words:?}: {message:?}");
        }
    }
}

#[test]
fn given_a_secret_in_the_wrong_place_when_refused_then_it_is_not_repeated() {
    let secret = "ikk_c2VjcmV0";
    let option = format!("--key={secret}");

    for words in [
        ["keys", "revoke", secret].as_slice(),
        &["sessions", "show", "ik_c2VjcmV0"],
        &["sessions", "list", "alice", secret],
        &["sessions", "list", "alice", &option],
        &[secret],
    ] {
        let error = given(words).expect_err("this is wrong usage");

        let message = error.render().ansi().to_string();

        assert!(!message.contains("c2VjcmV0"), "{words:?}: {message}");
    }
}

#[test]
fn given_sessions_to_end_when_neither_or_both_of_id_and_filter_are_named_then_it_is_wrong_usage() {
    for words in [
        &["sessions", "revoke"][..],
        &["sessions", "revoke", "--yes"],
        &["sessions", "revoke", SESSION, "--client", "tv"],
        &["sessions", "revoke", SESSION, "--all"],
        &["sessions", "revoke", "--all", "--client", "tv"],
        &["sessions", "revoke", "--client", "tv", "--dry-run", "--yes"],
        &["sessions", "revoke", "--ip", "203.0.113.7/24"],
    ] {
        assert_eq!(refused(words).1, 2, "{words:?}");
    }
    for words in [
        &["sessions", "revoke", SESSION][..],
        &[
            "sessions",
            "revoke",
            "--client",
            "tv",
            "--idle-since",
            "2026-01-02T03:04:05Z",
        ],
        &["sessions", "revoke", "--subject", "alice"],
        &["sessions", "revoke", "--all", "--yes"],
    ] {
        assert!(given(words).is_ok(), "{words:?}");
    }
}

#[test]
fn given_no_session_named_when_listed_or_ended_then_it_says_what_can_be_named() {
    let filters = [
        "--subject",
        "--client",
        "--class",
        "--group",
        "--ip",
        "--device",
        "--created-before",
        "--idle-since",
        "--binding",
    ];

    let (list, code) = refused(&["sessions", "list"]);
    let (revoke, _) = refused(&["sessions", "revoke"]);

    assert_eq!(code, 2);
    for filter in filters {
        assert!(
            list.contains(filter) && revoke.contains(filter),
            "{filter}: {list}{revoke}"
        );
    }
    assert!(
        list.contains("SUBJECT") && revoke.contains("--all"),
        "{list}{revoke}"
    );
}

#[test]
fn given_a_subject_as_a_filter_when_parsed_then_it_is_the_one_that_is_listed() {
    let words = ["sessions", "list", "--subject", "alice"];

    let Command::Sessions(sessions) = parsed(&words) else {
        panic!("another command");
    };

    assert!(
        matches!(sessions.command, SessionsCommand::List(list) if list.subject() == Some("alice"))
    );
    refused(&["sessions", "list", "bob", "--subject", "alice"]);
}

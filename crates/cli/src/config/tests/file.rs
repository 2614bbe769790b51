//! The file itself: missing, too large, not text, not TOML.

use std::path::Path;

use super::super::{Config, Doors};
use super::given;

#[test]
fn given_no_file_of_that_name_when_loaded_then_it_is_named() {
    let refused = Config::load(Doors {
        file: Some(Path::new("no/such\u{1b}[31m/file.toml")),
        ..Doors::default()
    })
    .expect_err("there is no such file");

    let line = refused.to_string();
    assert!(
        line.starts_with(r"no/such\u{1b}[31m/file.toml: cannot be read: "),
        "{line}"
    );
}

#[test]
fn given_a_folder_in_place_of_a_file_when_loaded_then_it_is_refused() {
    let folder = tempfile::TempDir::new().expect("there is room for a folder");

    let refused = Config::load(Doors {
        file: Some(folder.path()),
        ..Doors::default()
    })
    .expect_err("a folder has no text");

    assert!(refused.to_string().contains(": cannot be read: "));
}

#[test]
fn given_a_file_at_and_over_the_bound_when_loaded_then_only_the_larger_is_refused() {
    let at_bound = given(vec![b'\n'; 1024 * 1024]);
    let over_bound = given(vec![b'\n'; 1024 * 1024 + 1]);

    at_bound.accepted();

    assert!(
        over_bound
            .refusal()
            .starts_with("c.toml: is larger than 1048576 bytes")
    );
}

#[test]
fn given_a_byte_order_mark_when_loaded_then_it_is_no_column() {
    given("\u{feff}[policy]\nidle = \"5m\"\n").accepted();

    let line = given("\u{feff}polcy = 1\n").refusal();

    assert!(line.starts_with("c.toml:1:1: polcy: "), "{line}");
}

#[test]
fn given_text_in_utf_16_when_loaded_then_it_says_so() {
    for bytes in [b"\xff\xfe[\0a\0]\0", b"\xfe\xff\0[\0a\0]"] {
        let line = given(bytes).refusal();

        assert_eq!(line, "c.toml: is text in UTF-16; save it as UTF-8");
    }
}

#[test]
fn given_a_byte_that_is_not_utf_8_when_loaded_then_its_place_is_named() {
    let line = given(b"[policy]\n# \xc3\xa4\xff\n").refusal();

    assert_eq!(line, "c.toml:2:4: a byte that is not UTF-8");
}

#[test]
fn given_several_mistakes_of_form_when_loaded_then_each_is_said_with_its_place() {
    let lines = given("idle = 1\nidle = 2\n[policy]\nidle = 5m\nidle = 6\n").refused();

    let places: Vec<_> = lines
        .iter()
        .map(|l| l.split(": ").next().unwrap_or(""))
        .collect();
    assert!(lines.iter().all(|l| l.contains("not TOML: ")), "{lines:#?}");
    assert_eq!(places, ["c.toml:2:1", "c.toml:4:8", "c.toml:5:1"]);
}

#[test]
fn given_a_mistake_of_form_at_a_secret_when_loaded_then_the_secret_is_not_shown() {
    let lines = given("[notify.smtp]\npassword = hunter2\n").refused();

    assert!(!lines.concat().contains("hunter2"), "{lines:#?}");
}

#[test]
fn given_a_key_or_a_table_twice_when_loaded_then_the_second_is_named() {
    let key = given("[policy]\nidle = \"5m\"\nidle = \"6m\"\n").refusal();
    let table = given("[policy]\n[server]\n[policy]\n").refusal();

    assert_eq!(key, "c.toml:3:1: idle: not TOML: duplicate key");
    assert_eq!(table, "c.toml:3:2: policy: not TOML: duplicate key");
}

#[test]
fn given_lines_that_end_as_on_windows_when_loaded_then_places_are_still_right() {
    let line = given("[policy]\r\n\r\nidle = 5\r\n").refusal();

    assert!(line.starts_with("c.toml:3:8: policy.idle: "), "{line}");
}

#[test]
fn given_more_mistakes_than_anybody_mends_at_once_when_loaded_then_the_rest_is_counted() {
    use std::fmt::Write as _;

    let text = (0..5_000).fold(String::new(), |mut text, n| {
        writeln!(text, "key_{n} = 1").expect("a string takes what is written to it");
        text
    });

    let lines = given(text).refused();

    assert_eq!(lines.len(), 51);
    assert_eq!(lines[50], "and 4950 more");
}

#[test]
fn given_tables_within_tables_without_end_when_loaded_then_it_is_refused() {
    let text = format!("a = {}", "[".repeat(100_000));

    let lines = given(text).refused();

    assert!(lines[0].contains("not TOML: "), "{}", lines[0]);
}
